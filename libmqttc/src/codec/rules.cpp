// What a packet must obey beyond its layout. Numbers in brackets are MQTT 5.0's normative statements.
#include "rules.hpp"

#include <algorithm>

namespace mqttc::codec {

namespace {

CodecError error_of(TopicFault fault) {
    switch (fault) {
        case TopicFault::too_long:
            return CodecError::string_too_long;
        case TopicFault::invalid_utf8:
            return CodecError::invalid_utf8;
        default:
            return CodecError::invalid_topic;
    }
}

Fault check_name(std::string_view name) {
    if (const auto fault = check_topic_name(name)) return error_of(*fault);
    return {};
}

/// For the answers to a client's requests. From 0x80 on each code refuses, also one of another packet: to a message that is
/// too large Mosquitto 2.0 answers with 0x95, which PUBACK must not have.
bool answer_allowed(PacketType type, ReasonCode code) {
    return code >= reason::unspecified_error || reason_allowed(type, code);
}

Fault check_codes(PacketType type, Bytes codes, ProtocolVersion version) {
    if (codes.empty()) return CodecError::protocol_error;
    const auto known = [=](std::uint8_t code) {
        return is_v5(version) ? answer_allowed(type, code) : code <= 2 || code == 0x80;
    };
    if (!std::all_of(codes.begin(), codes.end(), known)) return CodecError::protocol_error;
    return {};
}

}  // namespace

std::optional<TopicFault> check_filter(std::string_view filter, ProtocolVersion version) {
    return is_v5(version) ? check_topic_filter(filter) : check_plain_filter(filter);
}

Fault check(const Connect& packet, ProtocolVersion) {
    if (packet.version != ProtocolVersion::v31 && packet.version != ProtocolVersion::v311 &&
        packet.version != ProtocolVersion::v5)
        return CodecError::unsupported_version;
    if (packet.will) {
        if (packet.will->qos > Qos::exactly_once) return CodecError::malformed;  // [MQTT-3.1.2-12]
        if (const Fault fault = check_name(packet.will->topic)) return fault;
    }
    if (!is_v5(packet.version) && packet.password && !packet.username)
        return CodecError::protocol_error;  // 3.1.1 [MQTT-3.1.2-22]
    return {};
}

Fault check(const Connack& packet, ProtocolVersion version) {
    if (packet.session_present && packet.code != 0) return CodecError::protocol_error;  // [MQTT-3.2.2-6]
    if (is_v5(version) && !answer_allowed(PacketType::connack, packet.code))
        return CodecError::protocol_error;  // [MQTT-3.2.2-8]
    return {};
}

Fault check_unusual_topic(const Publish& packet, ProtocolVersion version) {
    if (!packet.topic.empty() || !is_v5(version)) return check_name(packet.topic);
    if (!packet.properties.find(PropertyId::topic_alias))
        return CodecError::protocol_error;  // section 3.3.2.1
    return {};
}

Fault check(const Ack& packet, ProtocolVersion version) {
    if (packet.type < PacketType::puback || packet.type > PacketType::pubcomp)
        return CodecError::protocol_error;
    if (packet.packet_id == 0) return CodecError::protocol_error;
    const bool answer = packet.type == PacketType::puback || packet.type == PacketType::pubrec;
    if (is_v5(version) && !(answer ? answer_allowed : reason_allowed)(packet.type, packet.code))
        return CodecError::protocol_error;  // [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1]
    return {};
}

Fault check(const Subscribe& packet, ProtocolVersion version) {
    if (packet.packet_id == 0 || packet.subscriptions.empty())
        return CodecError::protocol_error;  // [MQTT-3.8.3-2]
    for (const Subscription& subscription : packet.subscriptions) {
        if (const auto fault = check_filter(subscription.filter, version)) return error_of(*fault);
        if (subscription.qos > Qos::exactly_once) return CodecError::protocol_error;
        if (!is_v5(version)) continue;
        if (subscription.retain_handling > RetainHandling::send_never) return CodecError::protocol_error;
        if (subscription.no_local && split_share(subscription.filter))
            return CodecError::protocol_error;  // [MQTT-3.8.3-4]
    }
    return {};
}

Fault check(const Suback& packet, ProtocolVersion version) {
    if (packet.packet_id == 0) return CodecError::protocol_error;
    return check_codes(PacketType::suback, packet.codes, version);
}

Fault check(const Unsubscribe& packet, ProtocolVersion version) {
    if (packet.packet_id == 0 || packet.filters.empty())
        return CodecError::protocol_error;  // [MQTT-3.10.3-2]
    for (const std::string_view filter : packet.filters) {
        if (const auto fault = check_filter(filter, version)) return error_of(*fault);
    }
    return {};
}

Fault check(const Unsuback& packet, ProtocolVersion version) {
    if (packet.packet_id == 0) return CodecError::protocol_error;
    if (!is_v5(version)) return {};
    return check_codes(PacketType::unsuback, packet.codes, version);
}

Fault check(const Disconnect& packet, ProtocolVersion version) {
    if (is_v5(version) && !reason_allowed(PacketType::disconnect, packet.code))
        return CodecError::protocol_error;  // [MQTT-3.14.2-1]
    return {};
}

Fault check(const Auth& packet, ProtocolVersion version) {
    if (!is_v5(version) || !reason_allowed(PacketType::auth, packet.code))
        return CodecError::protocol_error;  // [MQTT-3.15.2-1]
    const bool bare = packet.code == reason::success && packet.properties.empty();
    if (!bare && !packet.properties.find(PropertyId::authentication_method))
        return CodecError::protocol_error;  // section 3.15.2.2.2
    return {};
}

}  // namespace mqttc::codec
