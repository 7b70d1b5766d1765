// Packet identifiers in use, as tables over all 65,536 values.
#include "packet_ids.hpp"

#include <utility>

namespace mqttc {

PacketId PacketIds::take(Owner owner) {
    constexpr PacketId last_id = 65'535;
    if (all_taken()) return 0;
    PacketId next = last_;
    do {
        next = next == last_id ? PacketId{1} : static_cast<PacketId>(next + 1);
    } while (owners_.get(next) != unowned);
    owners_.set(next, owner);
    last_ = next;
    return next;
}

bool PacketIds::claim(PacketId id, Owner owner) {
    if (id == 0 || owners_.get(id) != unowned) return false;
    owners_.set(id, owner);
    return true;
}

void IdSet::take_all(IdSet& other) {
    if (empty()) std::swap(*this, other);
    for (std::size_t id = 0; !other.empty(); ++id) {
        if (other.erase(static_cast<PacketId>(id))) insert(static_cast<PacketId>(id));
    }
}

}  // namespace mqttc
