// Packet identifiers in use (MQTT 5.0 section 2.2.1) with their owners, and a set of identifiers for incoming
// QoS 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc {

/// The identifiers of the client, each with the number of its owner. Memory is allocated at the first use.
class PacketIds {
  public:
    using Owner = std::uint16_t;
    static constexpr Owner unowned = 0;

    /// The next free identifier in turn, now owned by `owner` (not `unowned`); 0 when all 65,535 are in use.
    PacketId take(Owner owner);
    void release(PacketId id);
    /// True iff take() would answer 0.
    bool all_taken() const { return used_ == 65'535; }
    Owner owner(PacketId id) const { return owners_.empty() ? unowned : owners_[id]; }

  private:
    std::vector<Owner> owners_;
    std::size_t used_ = 0;
    PacketId last_ = 0;
};

/// A set of identifiers of the broker. Memory is allocated at the first use.
class IdSet {
  public:
    bool contains(PacketId id) const { return !bits_.empty() && bits_[id]; }
    void insert(PacketId id);
    /// True iff the set contained it.
    bool erase(PacketId id);
    void clear();
    /// Moves those of the other set here.
    void take_all(IdSet& other);
    bool empty() const { return size_ == 0; }

  private:
    std::vector<bool> bits_;
    std::size_t size_ = 0;
};

}  // namespace mqttc
