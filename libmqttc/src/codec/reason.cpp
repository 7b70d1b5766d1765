// The tables of reason codes (MQTT 5.0 section 2.4) and of 3.x return codes (3.1.1 section 3.2.2.3).
#include "mqttc/reason.hpp"

#include <algorithm>
#include <array>

#include "packet_sets.hpp"

namespace mqttc {

namespace {

using namespace codec::only;

/// The first answers to a PUBLISH have the same codes.
constexpr PacketSet received = puback | pubrec;

constexpr auto reason_rows = std::to_array<ReasonInfo>({
    {reason::success, "success",
     connack | received | pubrel | pubcomp | suback | unsuback | disconnect | auth},
    {reason::granted_qos_1, "granted QoS 1", suback},
    {reason::granted_qos_2, "granted QoS 2", suback},
    {reason::disconnect_with_will, "disconnect with will message", disconnect},
    {reason::no_matching_subscribers, "no matching subscribers", received},
    {reason::no_subscription_existed, "no subscription existed", unsuback},
    {reason::continue_authentication, "continue authentication", auth},
    {reason::reauthenticate, "re-authenticate", auth},
    {reason::unspecified_error, "unspecified error", connack | received | suback | unsuback | disconnect},
    {reason::malformed_packet, "malformed packet", connack | disconnect},
    {reason::protocol_error, "protocol error", connack | disconnect},
    {reason::implementation_specific_error, "implementation specific error",
     connack | received | suback | unsuback | disconnect},
    {reason::unsupported_protocol_version, "unsupported protocol version", connack},
    {reason::client_identifier_not_valid, "client identifier not valid", connack},
    {reason::bad_user_name_or_password, "bad user name or password", connack},
    {reason::not_authorized, "not authorized", connack | received | suback | unsuback | disconnect},
    {reason::server_unavailable, "server unavailable", connack},
    {reason::server_busy, "server busy", connack | disconnect},
    {reason::banned, "banned", connack},
    {reason::server_shutting_down, "server shutting down", disconnect},
    {reason::bad_authentication_method, "bad authentication method", connack | disconnect},
    {reason::keep_alive_timeout, "keep alive timeout", disconnect},
    {reason::session_taken_over, "session taken over", disconnect},
    {reason::topic_filter_invalid, "topic filter invalid", suback | unsuback | disconnect},
    {reason::topic_name_invalid, "topic name invalid", connack | received | disconnect},
    {reason::packet_identifier_in_use, "packet identifier in use", received | suback | unsuback},
    {reason::packet_identifier_not_found, "packet identifier not found", pubrel | pubcomp},
    {reason::receive_maximum_exceeded, "receive maximum exceeded", disconnect},
    {reason::topic_alias_invalid, "topic alias invalid", disconnect},
    {reason::packet_too_large, "packet too large", connack | disconnect},
    {reason::message_rate_too_high, "message rate too high", disconnect},
    {reason::quota_exceeded, "quota exceeded", connack | received | suback | disconnect},
    {reason::administrative_action, "administrative action", disconnect},
    {reason::payload_format_invalid, "payload format invalid", connack | received | disconnect},
    {reason::retain_not_supported, "retain not supported", connack | disconnect},
    {reason::qos_not_supported, "QoS not supported", connack | disconnect},
    {reason::use_another_server, "use another server", connack | disconnect},
    {reason::server_moved, "server moved", connack | disconnect},
    {reason::shared_subscriptions_not_supported, "shared subscriptions not supported", suback | disconnect},
    {reason::connection_rate_exceeded, "connection rate exceeded", connack | disconnect},
    {reason::maximum_connect_time, "maximum connect time", disconnect},
    {reason::subscription_identifiers_not_supported, "subscription identifiers not supported",
     suback | disconnect},
    {reason::wildcard_subscriptions_not_supported, "wildcard subscriptions not supported",
     suback | disconnect},
});

static_assert(reason_rows.size() == 43);
static_assert(std::is_sorted(reason_rows.begin(), reason_rows.end(),
                             [](const ReasonInfo& a, const ReasonInfo& b) { return a.code <= b.code; }),
              "sorted by code, each once");

/// The row of each code plus one, 0 for a code that has none.
constexpr auto row_by_code = [] {
    std::array<std::uint8_t, 256> index{};
    for (std::size_t i = 0; i < reason_rows.size(); ++i)
        index[reason_rows[i].code] = static_cast<std::uint8_t>(i + 1);
    return index;
}();

const ReasonInfo* find_reason(ReasonCode code) {
    const std::size_t row = row_by_code[code];
    return row == 0 ? nullptr : &reason_rows[row - 1];
}

}  // namespace

std::span<const ReasonInfo> reason_table() {
    return reason_rows;
}

bool reason_allowed(PacketType type, ReasonCode code) {
    const ReasonInfo* row = find_reason(code);
    return row != nullptr && (row->packets & packet_bit(type)) != 0;
}

std::string_view reason_name(PacketType type, ReasonCode code) {
    if (code == reason::success && type == PacketType::disconnect) return "normal disconnection";
    if (code == reason::success && type == PacketType::suback) return "granted QoS 0";
    const ReasonInfo* row = find_reason(code);
    return row == nullptr ? "unknown reason" : row->name;
}

std::string_view connack_v3_name(std::uint8_t code) {
    static constexpr std::array<std::string_view, 6> names = {
        "connection accepted", "unacceptable protocol version", "identifier rejected",
        "server unavailable",  "bad user name or password",     "not authorized"};
    return code < names.size() ? names[code] : "unknown return code";
}

ReasonCode reason_of(CodecError error, PacketType type) {
    switch (error) {
        case CodecError::malformed:
        case CodecError::invalid_utf8:
        case CodecError::property_not_allowed:
            return reason::malformed_packet;
        case CodecError::protocol_error:
        case CodecError::property_out_of_range:
            return reason::protocol_error;
        case CodecError::packet_too_large:
        case CodecError::too_large_to_encode:
            return reason::packet_too_large;
        case CodecError::unsupported_version:
            return reason::unsupported_protocol_version;
        case CodecError::invalid_topic:
            return type == PacketType::subscribe || type == PacketType::unsubscribe
                       ? reason::topic_filter_invalid
                       : reason::topic_name_invalid;
        case CodecError::string_too_long:
            break;
    }
    return reason::implementation_specific_error;
}

}  // namespace mqttc
