// SUBSCRIBE and UNSUBSCRIBE packets, kept as the bytes that were sent, and decoded again when one changes.
#include "requests.hpp"

#include <algorithm>

#include "mqttc/codec.hpp"
#include "mqttc/topic.hpp"

namespace mqttc {

Packet packet_of(const Request& request, ProtocolVersion version) {
    const auto frame = next_frame(request.packet);
    if (!frame || !*frame) return Pingreq{};
    auto packet = decode(**frame, version);
    return packet ? std::move(*packet) : Packet(Pingreq{});
}

namespace {

bool all_shared(const Packet& packet) {
    const auto* subscribe = std::get_if<Subscribe>(&packet);
    return subscribe != nullptr && std::ranges::all_of(subscribe->subscriptions, [](const Subscription& one) {
               return split_share(one.filter).has_value();
           });
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

void Requests::answered(Request& request, Bytes codes, PacketIds& ids) {
    const Packet packet = packet_of(request, version_);
    if (const auto* unsubscribe = std::get_if<Unsubscribe>(&packet)) {
        Filters filters;
        for (std::size_t i = 0; i < unsubscribe->filters.size(); ++i) {
            if (i >= codes.size() || codes[i] < reason::unspecified_error)
                filters.insert(unsubscribe->filters[i]);
        }
        forget(filters, request.id, ids);
        erase(request.id, ids);
        return;
    }
    Place& place = index_.find(request.id)->second;
    place.answered = true;
    request.early = false;
    answered_.splice(answered_.end(), unanswered_, place.at);
    if (const auto* subscribe = std::get_if<Subscribe>(&packet)) {
        Filters filters;
        for (const Subscription& subscription : subscribe->subscriptions) filters.insert(subscription.filter);
        forget(filters, request.id, ids);
        for (const std::string_view filter : filters)
            owners_.insert_or_assign(std::string(filter), request.id);
    }
}

void Requests::broker_lost_session() {
    for (const Request& request : answered_) index_.find(request.id)->second.answered = false;
    unanswered_.splice(unanswered_.begin(), answered_);
    owners_.clear();
}

void Requests::session_resumed() {
    const auto first = unanswered_.begin();
    for (auto at = answered_.begin(); at != answered_.end();) {
        const auto request = at++;
        if (!all_shared(packet_of(*request, version_))) continue;
        index_.find(request->id)->second.answered = false;
        std::erase_if(owners_, [&](const auto& owned) { return owned.second == request->id; });
        unanswered_.splice(first, answered_, request);
    }
}

void Requests::forget(const Filters& filters, PacketId except, PacketIds& ids) {
    // Each SUBSCRIBE is read and written once, however many of its filters are removed.
    std::map<PacketId, Filters> by_owner;
    for (const std::string_view filter : filters) {
        const auto owned = owners_.find(filter);
        if (owned != owners_.end() && owned->second != except) by_owner[owned->second].insert(filter);
    }
    for (const auto& [id, removed] : by_owner) {
        for (const std::string_view filter : removed) owners_.erase(owners_.find(filter));
        Request& request = *index_.find(id)->second.at;
        Packet packet = packet_of(request, version_);
        auto* subscribe = std::get_if<Subscribe>(&packet);
        if (subscribe == nullptr) continue;
        std::erase_if(subscribe->subscriptions,
                      [&removed](const Subscription& one) { return removed.contains(one.filter); });
        if (subscribe->subscriptions.empty()) {
            erase(id, ids);
            continue;
        }
        std::vector<std::uint8_t> shorter;
        if (encode(packet, version_, shorter)) {
            request.filters = subscribe->subscriptions.size();
            request.packet = std::move(shorter);
        }
    }
}

void Requests::erase(PacketId id, PacketIds& ids) {
    const auto found = index_.find(id);
    (found->second.answered ? answered_ : unanswered_).erase(found->second.at);
    index_.erase(found);
    ids.release(id);
}

}  // namespace mqttc
