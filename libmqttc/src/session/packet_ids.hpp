// Packet identifiers in use (MQTT 5.0 section 2.2.1) with their owners, and a set of identifiers for incoming
// QoS 2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "mqttc/types.hpp"

namespace mqttc {

/// A value for each of the 65,536 identifiers, found without a search: pages that exist while a value in them is not
/// zero, and one more that is kept for the next of them.
template <typename Value>
class IdTable {
  public:
    /// Zero unless set() has changed it.
    Value get(PacketId id) const {
        if (pages_ == nullptr) return 0;
        const Page* page = (*pages_)[id / page_size].get();
        return page == nullptr ? Value{0} : page->values[id % page_size];
    }
    /// Returns the value before. Throws std::bad_alloc with nothing changed.
    Value set(PacketId id, Value value) {
        if (value == 0 && get(id) == 0) return 0;
        if (pages_ == nullptr) pages_ = std::make_unique<Pages>();
        auto& page = (*pages_)[id / page_size];
        if (page == nullptr) page = spare_ != nullptr ? std::move(spare_) : std::make_unique<Page>();
        const Value before = std::exchange(page->values[id % page_size], value);
        if (value != 0) ++page->used;
        if (before != 0) --page->used;
        if (page->used == 0) spare_ = std::move(page);
        return before;
    }

  private:
    static constexpr std::size_t page_size = 512;
    struct Page {
        std::array<Value, page_size> values{};
        std::size_t used = 0;
    };
    using Pages = std::array<std::unique_ptr<Page>, 65'536 / page_size>;

    std::unique_ptr<Pages> pages_;
    std::unique_ptr<Page> spare_;
};

/// The identifiers of the client, each with the number of its owner.
class PacketIds {
  public:
    using Owner = std::uint16_t;
    static constexpr Owner unowned = 0;

    /// The next free identifier in turn, now owned by `owner` (not `unowned`); 0 when all 65,535 are in use.
    PacketId take(Owner owner);
    void release(PacketId id);
    /// True iff take() would answer 0.
    bool all_taken() const { return used_ == 65'535; }
    Owner owner(PacketId id) const { return owners_.get(id); }

  private:
    IdTable<Owner> owners_;
    std::size_t used_ = 0;
    PacketId last_ = 0;
};

/// A set of identifiers of the broker.
class IdSet {
  public:
    bool contains(PacketId id) const { return contained_.get(id) != 0; }
    void insert(PacketId id);
    /// True iff the set contained it.
    bool erase(PacketId id);
    void clear();
    /// Moves those of the other set here.
    void take_all(IdSet& other);
    bool empty() const { return size_ == 0; }

  private:
    IdTable<std::uint8_t> contained_;
    std::size_t size_ = 0;
};

}  // namespace mqttc
