// Packet identifiers in use, as tables over all 65,536 values: no search, no allocation after the first use.
#include "packet_ids.hpp"

#include <utility>

namespace mqttc {

namespace {
constexpr std::size_t all_ids = 65'536;
constexpr PacketId last_id = 65'535;
}  // namespace

PacketId PacketIds::take(Owner owner) {
    if (all_taken()) return 0;
    if (owners_.empty()) owners_.resize(all_ids, unowned);
    do {
        last_ = last_ == last_id ? PacketId{1} : static_cast<PacketId>(last_ + 1);
    } while (owners_[last_] != unowned);
    owners_[last_] = owner;
    ++used_;
    return last_;
}

void PacketIds::release(PacketId id) {
    if (owner(id) == unowned) return;
    owners_[id] = unowned;
    --used_;
}

void IdSet::insert(PacketId id) {
    if (bits_.empty()) bits_.resize(all_ids);
    if (!bits_[id]) ++size_;
    bits_[id] = true;
}

bool IdSet::erase(PacketId id) {
    if (!contains(id)) return false;
    bits_[id] = false;
    --size_;
    return true;
}

void IdSet::clear() {
    if (empty()) return;
    bits_.assign(all_ids, false);
    size_ = 0;
}

void IdSet::take_all(IdSet& other) {
    if (empty()) std::swap(*this, other);
    for (std::size_t id = 0; !other.empty(); ++id) {
        if (other.erase(static_cast<PacketId>(id))) insert(static_cast<PacketId>(id));
    }
}

}  // namespace mqttc
