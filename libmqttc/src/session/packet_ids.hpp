// Packet identifiers in use (MQTT 5.0 section 2.2.1) with their owners, and a set of identifiers for incoming
// QoS 2.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "mqttc/types.hpp"

namespace mqttc {

/// A value for each of the 65,536 identifiers. Up to eight values that are not zero are in the table itself. When there are
/// more, all are in pages, each allocated for its first value that is not zero; up to two empty pages are kept for reuse.
template <typename Value>
class IdTable {
  public:
    /// Zero unless set() has changed it.
    Value get(PacketId id) const {
        if (pages_ == nullptr) {
            const Entry* entry = find(id);
            return entry == nullptr ? Value{0} : entry->value;
        }
        const Page* page = (*pages_)[id / page_size].get();
        return page == nullptr ? Value{0} : page->values[id % page_size];
    }
    /// Returns the value before. Throws std::bad_alloc with nothing changed.
    Value set(PacketId id, Value value) {
        if (value == 0 && get(id) == 0) return 0;
        Value before = 0;
        if (Entry* entry = pages_ == nullptr ? place_for(id) : nullptr) {
            entry->id = id;
            before = std::exchange(entry->value, value);
        } else {
            if (pages_ == nullptr) to_pages();
            auto& page = (*pages_)[id / page_size];
            if (page == nullptr) page = new_page();
            if (page->used == 0) --empty_;
            before = std::exchange(page->values[id % page_size], value);
            if (value != 0) ++page->used;
            if (before != 0) --page->used;
            if (page->used == 0) keep_or_free(page);
        }
        if (value != 0) ++size_;
        if (before != 0) --size_;
        return before;
    }
    /// How many values are not zero.
    std::size_t size() const { return size_; }
    /// Makes all values zero.
    void clear() {
        few_ = {};
        size_ = 0;
        if (pages_ == nullptr) return;
        for (auto& page : *pages_) {
            if (page == nullptr || page->used == 0) continue;
            page->values.fill(0);
            page->used = 0;
            keep_or_free(page);
        }
    }

  private:
    static constexpr std::size_t page_size = 512;
    static constexpr std::size_t max_empty = 2;
    struct Page {
        std::array<Value, page_size> values{};
        std::size_t used = 0;
    };
    using Pages = std::array<std::unique_ptr<Page>, 65'536 / page_size>;

    struct Entry {
        PacketId id = 0;
        Value value = 0;  ///< zero: free
    };

    const Entry* find(PacketId id) const {
        const auto found = std::ranges::find_if(
            few_, [id](const Entry& entry) { return entry.id == id && entry.value != 0; });
        return found == few_.end() ? nullptr : &*found;
    }
    /// The entry of this identifier, or else a free one; nullptr: there is none.
    Entry* place_for(PacketId id) {
        Entry* free = nullptr;
        for (Entry& entry : few_) {
            if (entry.value == 0) {
                free = &entry;
            } else if (entry.id == id) {
                return &entry;
            }
        }
        return free;
    }
    void to_pages() {
        IdTable larger;
        larger.pages_ = std::make_unique<Pages>();
        for (const Entry& entry : few_) larger.set(entry.id, entry.value);
        *this = std::move(larger);
    }

    std::unique_ptr<Page> new_page() {
        if (empty_ == 0) {
            auto page = std::make_unique<Page>();
            ++empty_;
            return page;
        }
        return std::move(*std::ranges::find_if(
            *pages_, [](const auto& page) { return page != nullptr && page->used == 0; }));
    }
    void keep_or_free(std::unique_ptr<Page>& page) {
        if (empty_ < max_empty) {
            ++empty_;
        } else {
            page.reset();
        }
    }

    std::array<Entry, 8> few_{};  ///< unused with pages
    std::unique_ptr<Pages> pages_;
    std::size_t size_ = 0;
    std::size_t empty_ = 0;  ///< pages without a value
};

/// The identifiers of the client, each with the number of its owner.
class PacketIds {
  public:
    using Owner = std::uint16_t;
    static constexpr Owner unowned = 0;

    /// The next free identifier in turn, now owned by `owner` (not `unowned`); 0 when all 65,535 are in use.
    PacketId take(Owner owner);
    /// This identifier is now owned by `owner` (not `unowned`). False: it is 0 or in use.
    bool claim(PacketId id, Owner owner);
    void release(PacketId id) { owners_.set(id, unowned); }
    /// True iff take() would answer 0.
    bool all_taken() const { return owners_.size() == 65'535; }
    Owner owner(PacketId id) const { return owners_.get(id); }

  private:
    IdTable<Owner> owners_;
    PacketId last_ = 0;
};

/// A set of identifiers of the broker.
class IdSet {
  public:
    bool contains(PacketId id) const { return contained_.get(id) != 0; }
    void insert(PacketId id) { contained_.set(id, 1); }
    /// True iff the set contained it.
    bool erase(PacketId id) { return contained_.set(id, 0) != 0; }
    void clear() { contained_.clear(); }
    /// Moves those of the other set here.
    void take_all(IdSet& other);
    bool empty() const { return contained_.size() == 0; }

  private:
    IdTable<std::uint8_t> contained_;
};

}  // namespace mqttc
