// What a packet must obey beyond its layout: the same rules for what is decoded and for what is encoded.
//
// Each check answers with what is wrong, or none. Strings other than topics are checked where they are read
// or measured.
#pragma once

#include <optional>

#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/topic.hpp"
#include "utf8.hpp"

namespace mqttc::codec {

using Fault = std::optional<CodecError>;

inline bool is_v5(ProtocolVersion version) {
    return version == ProtocolVersion::v5;
}

/// Of the version that the packet names.
Fault check(const Connect& packet, ProtocolVersion);
Fault check(const Connack& packet, ProtocolVersion version);
Fault check(const Ack& packet, ProtocolVersion version);
Fault check(const Subscribe& packet, ProtocolVersion version);
Fault check(const Suback& packet, ProtocolVersion version);
Fault check(const Unsubscribe& packet, ProtocolVersion version);
Fault check(const Unsuback& packet, ProtocolVersion version);
Fault check(const Disconnect& packet, ProtocolVersion version);
Fault check(const Auth& packet, ProtocolVersion version);
inline Fault check(const Pingreq&, ProtocolVersion) {
    return {};
}
inline Fault check(const Pingresp&, ProtocolVersion) {
    return {};
}

/// What is wrong with the topic of a PUBLISH; for those that plain_name does not accept.
Fault check_unusual_topic(const Publish& packet, ProtocolVersion version);

inline Fault check(const Publish& packet, ProtocolVersion version) {
    if (packet.qos == Qos::at_most_once) {
        if (packet.dup) return CodecError::protocol_error;  // [MQTT-3.3.1-2]
    } else if (packet.packet_id == 0 || packet.qos > Qos::exactly_once) {
        return CodecError::protocol_error;  // [MQTT-2.2.1-3], [MQTT-3.3.1-4]
    }
    if (!packet.topic.empty() && plain_name(packet.topic)) [[likely]]
        return {};
    return check_unusual_topic(packet, version);
}

inline constexpr std::string_view wildcards = "+#";
inline bool has_wildcard(std::string_view text) {
    return text.find_first_of(wildcards) != std::string_view::npos;
}
/// check_topic_filter without the rules of shared subscriptions, which 3.x does not know.
std::optional<TopicFault> check_plain_filter(std::string_view filter);
/// What is wrong with a filter in this version.
std::optional<TopicFault> check_filter(std::string_view filter, ProtocolVersion version);

}  // namespace mqttc::codec
