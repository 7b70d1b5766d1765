// Where each QoS 0 message of a connection ends: counts what was sent whole, and what a broken connection lost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace mqttc {

/// Positions are those of Output. For each message the distance from the end of the one before is kept, in one byte if it is
/// below 128. These bytes are in a ring that grows to `usual_capacity`; then the oldest messages that were sent are forgotten,
/// and the newest 500,000 or so stay: more than a kernel's send buffer holds. Messages that were not sent are never forgotten:
/// the ring grows for them.
class Qos0InTransit {
  public:
    /// Makes room: that many calls of add() do not fail. Throws std::bad_alloc with nothing changed.
    void reserve(std::size_t messages) {
        const std::uint64_t end = next_ + messages * longest;
        if (end > capacity_ && (capacity_ < usual_capacity || end - first_unsent_ > capacity_)) [[unlikely]]
            grow(messages);
    }

    /// Adds messages after reserve(); they count when commit() is called.
    class Batch {
      public:
        explicit Batch(Qos0InTransit& to)
            : to_(to),
              bytes_(to.bytes_.get()),
              mask_(to.capacity_ - 1),
              next_(to.next_),
              end_(to.last_end_) {}
        /// A message ends at this position.
        void add(std::uint64_t end) {
            std::uint64_t distance = end - end_;
            end_ = end;
            ++messages_;
            for (; distance >= more; distance >>= 7U) put(static_cast<std::uint8_t>(distance | more));
            put(static_cast<std::uint8_t>(distance));
        }
        void commit() {
            to_.next_ = next_;
            to_.last_end_ = end_;
            to_.unsent_ += messages_;
        }

      private:
        void put(std::uint8_t byte) { bytes_[static_cast<std::size_t>(next_++) & mask_] = byte; }

        // Copies: the compiler must assume that a byte that is written changes any member of `to_`.
        Qos0InTransit& to_;
        std::uint8_t* bytes_;
        std::size_t mask_;
        std::uint64_t next_;
        std::uint64_t end_;
        std::uint64_t messages_ = 0;
    };
    void add(std::uint64_t end) {
        Batch one(*this);
        one.add(end);
        one.commit();
    }

    /// All up to `position` was sent. Returns how many more messages are whole now.
    std::uint64_t sent(std::uint64_t position) {
        const std::uint64_t before = unsent_;
        if (position >= last_end_) {
            first_unsent_ = next_;
            sent_end_ = last_end_;
            unsent_ = 0;
            return before;
        }
        while (unsent_ > 0) {
            std::uint64_t at = first_unsent_;
            std::uint64_t distance = 0;
            unsigned shift = 0;
            std::uint8_t byte = more;
            for (; byte >= more; shift += 7) {
                byte = bytes_[place(at++)];
                distance |= static_cast<std::uint64_t>(byte & (more - 1U)) << shift;
            }
            if (sent_end_ + distance > position) break;
            sent_end_ += distance;
            first_unsent_ = at;
            --unsent_;
        }
        return before - unsent_;
    }

    /// The messages sent whole that end after `position`; those that were forgotten are not counted.
    std::uint64_t sent_after(std::uint64_t position) const {
        const std::uint64_t oldest = next_ > capacity_ ? next_ - capacity_ : 0;
        std::uint64_t count = 0;
        std::uint64_t end = sent_end_;
        for (std::uint64_t at = first_unsent_; end > position && at > oldest; ++count) {
            std::uint64_t distance = byte_before(at--);
            while (at > oldest && byte_before(at) >= more) {
                distance = distance << 7U | (byte_before(at) & (more - 1U));
                --at;
            }
            end -= distance;
        }
        return count;
    }

  private:
    /// Set in all bytes of a distance but the last, the one with its highest bits.
    static constexpr std::uint8_t more = 0x80;
    static constexpr std::size_t longest = 10;
    static constexpr std::size_t first_capacity = 1024;
    static constexpr std::size_t usual_capacity = std::size_t{512} * 1024;

    std::size_t place(std::uint64_t at) const { return static_cast<std::size_t>(at) & (capacity_ - 1); }
    std::uint8_t byte_before(std::uint64_t at) const { return bytes_[place(at - 1)]; }

    void grow(std::size_t messages) {
        std::size_t capacity = std::max(first_capacity, capacity_);
        const std::uint64_t end = next_ + messages * longest;
        while (end > capacity && (capacity < usual_capacity || end - first_unsent_ > capacity)) capacity *= 2;
        // Not cleared: the kernel provides only memory that is used.
        auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
        const std::uint64_t oldest = next_ > capacity_ ? next_ - capacity_ : 0;
        for (std::uint64_t at = oldest; at < next_; ++at)
            larger[static_cast<std::size_t>(at) & (capacity - 1)] = bytes_[place(at)];
        bytes_ = std::move(larger);
        capacity_ = capacity;
    }

    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t capacity_ = 0;        ///< a power of two
    std::uint64_t next_ = 0;          ///< bytes ever put
    std::uint64_t first_unsent_ = 0;  ///< where the distance of the first message that is not whole begins
    std::uint64_t sent_end_ = 0;      ///< where the message before that ends
    std::uint64_t last_end_ = 0;
    std::uint64_t unsent_ = 0;
};

}  // namespace mqttc
