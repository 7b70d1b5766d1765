// Remembered SUBSCRIBE and UNSUBSCRIBE packets, kept as the bytes that were sent and read again when one
// changes.
#include "requests.hpp"

#include <algorithm>

#include "mqttc/codec.hpp"

namespace mqttc {

namespace {

/// The packet that a request holds; its bytes were encoded by this library.
Packet packet_of(const Request& request, ProtocolVersion version) {
    const auto frame = next_frame(request.packet, max_remaining_length + 5);
    if (!frame || !*frame) return Pingreq{};
    auto packet = decode(**frame, version);
    return packet ? std::move(*packet) : Packet(Pingreq{});
}

}  // namespace

Request& Requests::add(Request request) {
    unanswered_.push_back(std::move(request));
    const auto at = std::prev(unanswered_.end());
    index_.emplace(at->id, Place{false, at});
    return *at;
}

Request* Requests::find(PacketId id) {
    const auto found = index_.find(id);
    return found == index_.end() || found->second.answered ? nullptr : &*found->second.at;
}

void Requests::answered(Request& request, PacketIds& ids) {
    const Packet packet = packet_of(request, version_);
    if (const auto* unsubscribe = std::get_if<Unsubscribe>(&packet)) {
        for (const std::string_view filter : unsubscribe->filters) forget(filter, ids);
        erase(request.id, ids);
        return;
    }
    Place& place = index_.find(request.id)->second;
    place.answered = true;
    answered_.splice(answered_.end(), unanswered_, place.at);
    if (const auto* subscribe = std::get_if<Subscribe>(&packet)) {
        for (const Subscription& subscription : subscribe->subscriptions) {
            const auto owned = owners_.find(subscription.filter);
            if (owned != owners_.end() && owned->second != request.id) forget(subscription.filter, ids);
            owners_.insert_or_assign(std::string(subscription.filter), request.id);
        }
    }
}

void Requests::broker_lost_session() {
    for (const Request& request : answered_) index_.find(request.id)->second.answered = false;
    unanswered_.splice(unanswered_.begin(), answered_);
    owners_.clear();
}

void Requests::forget(std::string_view filter, PacketIds& ids) {
    const auto owned = owners_.find(filter);
    if (owned == owners_.end()) return;
    const PacketId id = owned->second;
    Request& request = *index_.find(id)->second.at;
    Packet packet = packet_of(request, version_);
    auto* subscribe = std::get_if<Subscribe>(&packet);
    if (subscribe == nullptr) return;
    std::erase_if(subscribe->subscriptions, [&](const Subscription& one) { return one.filter == filter; });
    owners_.erase(owned);
    if (subscribe->subscriptions.empty()) {
        erase(id, ids);
        return;
    }
    std::vector<std::uint8_t> shorter;
    if (encode(packet, version_, shorter)) {
        request.filters = subscribe->subscriptions.size();
        request.packet = std::move(shorter);
    }
}

void Requests::erase(PacketId id, PacketIds& ids) {
    const auto found = index_.find(id);
    (found->second.answered ? answered_ : unanswered_).erase(found->second.at);
    index_.erase(found);
    ids.release(id);
}

}  // namespace mqttc
