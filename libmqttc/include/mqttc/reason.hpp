// Reason codes of MQTT 5.0 (section 2.4) and return codes of MQTT 3.x CONNACK (3.1.1 section 3.2.2.3), as
// tables.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// A reason code as on the wire; 0x80 and above are failures.
using ReasonCode = std::uint8_t;

/// The reason codes by their names in the standard.
namespace reason {
/// As on the wire (section 2.4); reason_table() says in which packets.
///@{
inline constexpr ReasonCode success = 0x00;  // also: normal disconnection, granted QoS 0
inline constexpr ReasonCode granted_qos_1 = 0x01;
inline constexpr ReasonCode granted_qos_2 = 0x02;
inline constexpr ReasonCode disconnect_with_will = 0x04;
inline constexpr ReasonCode no_matching_subscribers = 0x10;
inline constexpr ReasonCode no_subscription_existed = 0x11;
inline constexpr ReasonCode continue_authentication = 0x18;
inline constexpr ReasonCode reauthenticate = 0x19;
inline constexpr ReasonCode unspecified_error = 0x80;
inline constexpr ReasonCode malformed_packet = 0x81;
inline constexpr ReasonCode protocol_error = 0x82;
inline constexpr ReasonCode implementation_specific_error = 0x83;
inline constexpr ReasonCode unsupported_protocol_version = 0x84;
inline constexpr ReasonCode client_identifier_not_valid = 0x85;
inline constexpr ReasonCode bad_user_name_or_password = 0x86;
inline constexpr ReasonCode not_authorized = 0x87;
inline constexpr ReasonCode server_unavailable = 0x88;
inline constexpr ReasonCode server_busy = 0x89;
inline constexpr ReasonCode banned = 0x8a;
inline constexpr ReasonCode server_shutting_down = 0x8b;
inline constexpr ReasonCode bad_authentication_method = 0x8c;
inline constexpr ReasonCode keep_alive_timeout = 0x8d;
inline constexpr ReasonCode session_taken_over = 0x8e;
inline constexpr ReasonCode topic_filter_invalid = 0x8f;
inline constexpr ReasonCode topic_name_invalid = 0x90;
inline constexpr ReasonCode packet_identifier_in_use = 0x91;
inline constexpr ReasonCode packet_identifier_not_found = 0x92;
inline constexpr ReasonCode receive_maximum_exceeded = 0x93;
inline constexpr ReasonCode topic_alias_invalid = 0x94;
inline constexpr ReasonCode packet_too_large = 0x95;
inline constexpr ReasonCode message_rate_too_high = 0x96;
inline constexpr ReasonCode quota_exceeded = 0x97;
inline constexpr ReasonCode administrative_action = 0x98;
inline constexpr ReasonCode payload_format_invalid = 0x99;
inline constexpr ReasonCode retain_not_supported = 0x9a;
inline constexpr ReasonCode qos_not_supported = 0x9b;
inline constexpr ReasonCode use_another_server = 0x9c;
inline constexpr ReasonCode server_moved = 0x9d;
inline constexpr ReasonCode shared_subscriptions_not_supported = 0x9e;
inline constexpr ReasonCode connection_rate_exceeded = 0x9f;
inline constexpr ReasonCode maximum_connect_time = 0xa0;
inline constexpr ReasonCode subscription_identifiers_not_supported = 0xa1;
inline constexpr ReasonCode wildcard_subscriptions_not_supported = 0xa2;
///@}
}  // namespace reason

/// A set of packet types, one bit each (bit n for type n); properties add `will_properties_bit`.
using PacketSet = std::uint32_t;
/// The set of this type alone.
constexpr PacketSet packet_bit(PacketType type) {
    return 1U << static_cast<unsigned>(type);
}

/// One row of the reason table. `name` is a lower-case sentence of the standard's words ("not authorized").
struct ReasonInfo {
    ReasonCode code;        ///< as on the wire
    std::string_view name;  ///< static storage
    PacketSet packets;      ///< where the code may appear
};

/// All reason codes, sorted by code; static storage. Code 0 appears once ("success").
MQTTC_API std::span<const ReasonInfo> reason_table();

/// True iff `code` may appear in a v5 packet of this type.
MQTTC_API bool reason_allowed(PacketType type, ReasonCode code);

/// The name of a v5 reason code in this type of packet (0 in DISCONNECT is "normal disconnection", in
/// SUBACK "granted QoS 0"); "unknown reason" for a code that is not in the table. Static storage.
MQTTC_API std::string_view reason_name(PacketType type, ReasonCode code);

/// The meaning of a CONNACK return code of MQTT 3.1/3.1.1 (0 to 5); "unknown return code" above. Static
/// storage.
MQTTC_API std::string_view connack_v3_name(std::uint8_t code);

/// The reason code that reports to the peer what was wrong with a packet of `type` (DISCONNECT,
/// section 4.13); the type only makes a difference between topic names and filters.
MQTTC_API ReasonCode reason_of(CodecError error, PacketType type = PacketType::publish);

}  // namespace mqttc
