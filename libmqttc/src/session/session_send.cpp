// What the application requests besides publishing, and the limits of the broker.
#include <algorithm>
#include <string>

#include "mqttc/topic.hpp"
#include "rules.hpp"
#include "session_impl.hpp"

namespace mqttc {

namespace {

std::unexpected<Error> not_connected() {
    return refuse(ErrorCode::not_connected, "not connected to a broker");
}

}  // namespace

std::unexpected<Error> refuse(ErrorCode code, std::string context) {
    return std::unexpected(Error{code, 0, std::move(context)});
}

std::unexpected<Error> refuse_encoding(PacketType type, CodecError error) {
    return refuse(ErrorCode::usage, name_of(type) + " cannot be sent: " + std::string(describe(error)));
}

std::string explain_limit(ReasonCode code, const Limits& limits, std::size_t packet_size) {
    switch (code) {
        case reason::qos_not_supported: {
            const std::string highest = limits.maximum_qos == Qos::at_most_once ? "0" : "1";
            return "the broker accepts at most QoS " + highest + ": publish with QoS " + highest;
        }
        case reason::retain_not_supported:
            return "the broker does not support retained messages: publish without retain";
        case reason::packet_too_large:
            return "the packet has " + std::to_string(packet_size) + " bytes; the broker accepts at most " +
                   std::to_string(limits.maximum_packet_size) + ": send smaller messages";
        case reason::shared_subscriptions_not_supported:
            return "the broker does not support shared subscriptions: subscribe without $share";
        case reason::wildcard_subscriptions_not_supported:
            return "the broker does not support wildcards: subscribe to each topic by its name";
        case reason::topic_alias_invalid:
            return "the broker accepts topic aliases up to " + std::to_string(limits.topic_alias_maximum) +
                   ": choose another one or none";
        default:
            return "the broker does not support subscription identifiers: subscribe without one";
    }
}

std::optional<ReasonCode> Session::Impl::violated_limit(Qos qos, bool retain, std::size_t packet_size) const {
    if (qos > conn.limits.maximum_qos) return reason::qos_not_supported;
    if (retain && !conn.limits.retain_available) return reason::retain_not_supported;
    if (packet_size > conn.limits.maximum_packet_size) return reason::packet_too_large;
    return std::nullopt;
}

std::optional<ReasonCode> Session::Impl::violated_limit(const Subscribe& packet) const {
    const Limits& limits = conn.limits;
    if (!limits.subscription_identifier_available &&
        packet.properties.find(PropertyId::subscription_identifier)) {
        return reason::subscription_identifiers_not_supported;
    }
    for (const Subscription& one : packet.subscriptions) {
        const auto shared = v5() ? split_share(one.filter) : std::nullopt;
        if (shared && !limits.shared_subscription_available)
            return reason::shared_subscriptions_not_supported;
        if (!limits.wildcard_subscription_available &&
            codec::has_wildcard(shared ? shared->filter : one.filter)) {
            return reason::wildcard_subscriptions_not_supported;
        }
    }
    return std::nullopt;
}

bool Session::Impl::can_be_forbidden(const Packet& packet) const {
    const auto* subscribe = std::get_if<Subscribe>(&packet);
    if (!v5() || subscribe == nullptr) return false;
    const auto shared = [](const Subscription& one) { return split_share(one.filter).has_value(); };
    return subscribe->properties.find(PropertyId::subscription_identifier) ||
           std::ranges::any_of(subscribe->subscriptions, shared);
}

std::expected<PacketId, Error> Session::Impl::subscribe(Subscribe& packet, Time now) {
    for (const Subscription& one : packet.subscriptions) {
        if (const auto fault = codec::check_filter(one.filter, options.version)) {
            return refuse(ErrorCode::usage, explain(*fault, one.filter));
        }
    }
    if (!live() && !early()) return not_connected();
    if (const auto code = violated_limit(packet)) {
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, 0));
    }
    packet.packet_id = state.requests.full() ? PacketId{0} : state.ids.take(Requests::owner);
    return send_request(PacketType::subscribe, packet.packet_id, packet.subscriptions.size(), packet, now);
}

std::expected<PacketId, Error> Session::Impl::unsubscribe(Unsubscribe& packet, Time now) {
    for (const std::string_view filter : packet.filters) {
        if (const auto fault = codec::check_filter(filter, options.version))
            return refuse(ErrorCode::usage, explain(*fault, filter));
    }
    if (!live() && !early()) return not_connected();
    packet.packet_id = state.requests.full() ? PacketId{0} : state.ids.take(Requests::owner);
    return send_request(PacketType::unsubscribe, packet.packet_id, packet.filters.size(), packet, now);
}

std::expected<PacketId, Error> Session::Impl::send_request(PacketType type, PacketId id, std::size_t filters,
                                                           const Packet& packet, Time now) {
    Request request;
    request.type = type;
    request.id = id;
    request.filters = filters;
    if (request.id == 0) return refuse(ErrorCode::window_full, "too many subscriptions");
    if (auto done = encode(packet, options.version, request.packet); !done) {
        state.ids.release(request.id);
        return refuse_encoding(request.type, done.error());
    }
    if (request.packet.size() > conn.limits.maximum_packet_size) {
        state.ids.release(request.id);
        return refuse(ErrorCode::limit_exceeded,
                      explain_limit(reason::packet_too_large, conn.limits, request.packet.size()));
    }
    request.early = early(request.packet.size()) && !can_be_forbidden(packet);
    if (!live() && !request.early) {
        conn.request_waits = true;
        return state.requests.add(std::move(request)).id;
    }
    conn.output.append(request.packet);
    conn.last_sent = now;
    if (options.trace != nullptr) options.trace->sent(packet);
    request.end = conn.output.end_position();
    if (request.early) conn.early_end = request.end;
    request.since = now;
    return state.requests.add(std::move(request)).id;
}

void Session::Impl::send_ack(PacketType type, PacketId id, ReasonCode code, Time now) {
    if (code != reason::success || options.trace != nullptr) {
        const std::size_t before = conn.output.buffered();
        static_cast<void>(send(Ack{type, id, code, {}}, now));
        conn.answer_bytes += conn.output.buffered() - before;
        return;
    }
    // The usual acknowledgement has the same four bytes in all versions.
    const unsigned flags = type == PacketType::pubrel ? 2 : 0;
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4U | flags), 2,
                                  static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id & 0xffU)};
    conn.output.append(bytes);
    conn.answer_bytes += sizeof bytes;
    conn.last_sent = now;
}

bool Session::Impl::too_many_answers() {
    conn.answer_bytes = 0;
    conn.output.for_each_packet([this](const Output::Packet& packet) {
        const auto type = static_cast<PacketType>(packet.inline_bytes[0] >> 4U);
        if (type >= PacketType::puback && type <= PacketType::pubcomp) conn.answer_bytes += packet.size();
    });
    return conn.answer_bytes > max_answer_bytes / 2;
}

std::expected<void, Error> Session::Impl::disconnect(ReasonCode code, PropertiesView properties, Time now) {
    if (!receiving()) return not_connected();
    Disconnect packet;
    if (v5()) packet = {code, properties};
    if (options.connect_properties.view().number_or(PropertyId::session_expiry_interval, 0) == 0 &&
        packet.properties.number_or(PropertyId::session_expiry_interval, 0) != 0) {  // section 3.14.2.2.2
        return refuse(
            ErrorCode::usage,
            "DISCONNECT cannot set a session expiry interval when CONNECT has none: set it in CONNECT");
    }
    scratch.clear();
    if (auto done = encode(packet, options.version, scratch); !done) {
        return refuse_encoding(PacketType::disconnect, done.error());
    }
    if (conn.in_event) {
        conn.deferred_disconnect = scratch;
    } else {
        conn.output.append(scratch);
    }
    conn.phase = Phase::closing;
    conn.last_sent = now;
    trace_sent(packet);
    return {};
}

std::expected<void, Error> Session::Impl::ping(Time now) {
    if (!live()) return not_connected();
    static_cast<void>(send(Pingreq{}, now));
    conn.requested_pings = ++conn.pings;
    conn.requested_ping_since = now;
    conn.ping_end = conn.output.end_position();
    return {};
}

std::expected<void, Error> Session::Impl::auth(ReasonCode code, PropertiesView properties, Time now) {
    if (!receiving()) return not_connected();
    if (!authenticates) {
        return refuse(ErrorCode::usage, "AUTH needs MQTT 5 and an authentication method in CONNECT");
    }
    if (auto done = send(Auth{code, properties}, now); !done)
        return refuse_encoding(PacketType::auth, done.error());
    return {};
}

}  // namespace mqttc
