// What a broker is told: listeners, access, limits that CONNACK announces, and misbehaviour that tests ask
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/property.hpp"
#include "mqttc/reason.hpp"
#include "mqttc/types.hpp"
#include "stream.hpp"

namespace mqttc::broker {

/// Makes the transport of an accepted, non-blocking socket, which it owns from then on: TLS and WebSocket
/// come in here.
using StreamFactory = std::function<net::StreamPtr(int fd)>;

/// Who may connect through one listener.
struct Access {
    bool allow_anonymous = false;
    std::string password_file = {};
    bool by_identity = false;  ///< the TLS handshake says who a client is: no other name or password is asked
};

struct ListenerOptions {
    std::string address = "127.0.0.1";  ///< numeric IPv4 or IPv6 address
    std::uint16_t port = 0;             ///< 0: the system chooses
    std::string unix_path = {};         ///< not empty: a unix socket instead
    StreamFactory make_stream = net::make_socket_stream;
    std::optional<Access> access = {};  ///< in place of what Options says for all
};

/// Announced in a v5 CONNACK where they differ from the standard's defaults, and enforced.
struct Limits {
    std::uint16_t receive_maximum = 100;
    Qos maximum_qos = Qos::exactly_once;
    bool retain_available = true;
    std::optional<std::uint32_t> maximum_packet_size;
    std::uint16_t topic_alias_maximum = 10;
    bool wildcard_subscriptions = true;
    bool subscription_identifiers = true;
    bool shared_subscriptions = true;
    std::optional<std::uint16_t> server_keep_alive;
    std::optional<std::uint32_t> maximum_session_expiry;
};

/// Bounds of what the broker keeps for others. A limit in bytes always lets one more message in while it is
/// not reached.
struct Bounds {
    std::size_t in_flight = 100;  ///< QoS 1 and 2 messages sent to a client and not yet complete
    std::size_t queued_messages = 200'000;
    std::size_t queued_bytes = std::size_t{512} << 20;
    std::size_t output_bytes = std::size_t{256} << 20;  ///< QoS 0 messages beyond it are dropped
    std::size_t logged_messages = 200'000;              ///< of Broker::received()
    Duration connect_timeout = std::chrono::seconds(30);
    Duration sys_interval = std::chrono::seconds(10);
};

/// What an ordinary broker does not do. May be changed while the broker runs (Broker::behaviour).
struct Behaviour {
    bool answer_connect = true;
    std::optional<std::uint8_t> connack_code;  ///< refuses each CONNECT with it (0 is no refusal)
    Properties connack_properties;             ///< v5: added to the CONNACK
    std::optional<std::vector<std::uint8_t>>
        raw_reply;               ///< sent in place of CONNACK; then the connection is closed
    bool answer_publish = true;  ///< false: neither PUBACK nor PUBREC; the message is delivered
    bool answer_pubrel = true;
    std::optional<ReasonCode> publish_reason;  ///< v5: in PUBACK or PUBREC; from 0x80 on nothing is delivered
    std::size_t drop_at_publish =
        0;  ///< n > 0: the n-th PUBLISH from now on is ignored, its connection closed
    bool answer_subscribe = true;
    std::optional<std::uint8_t> suback_code;  ///< for each filter; from 0x80 on nothing is subscribed
    bool answer_unsubscribe = true;
    std::optional<std::uint8_t> unsuback_code;
    bool retained_before_suback = false;
    bool answer_ping = true;
    bool close_after_disconnect = true;
};

struct Options {
    std::vector<ListenerOptions> listeners;
    bool allow_anonymous = true;
    std::string password_file;
    std::vector<std::string> deny_publish;    ///< topic filters nobody may publish to
    std::vector<std::string> deny_subscribe;  ///< topics: a filter that matches one of them is refused
    Limits limits;
    Bounds bounds;
    Behaviour behaviour;
    bool use_topic_aliases = true;  ///< towards v5 clients that allow them
    bool record = true;             ///< keep what received() and connects() tell
    std::function<void(std::string_view line)> log;
};

}  // namespace mqttc::broker
