// Options of a broker: listeners, access, limits announced in CONNACK, and misbehaviour for tests.
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

/// Creates the transport (TCP, TLS, WebSocket) of an accepted non-blocking socket and owns the socket.
using StreamFactory = std::function<net::StreamPtr(int fd)>;

/// Which clients may connect to one listener.
struct Access {
    bool allow_anonymous = false;
    std::string password_file = {};
    bool by_identity = false;  ///< the TLS identity replaces user name and password
};

struct ListenerOptions {
    std::string address = "127.0.0.1";  ///< numeric IPv4 or IPv6 address
    std::uint16_t port = 0;             ///< 0: the system chooses
    std::string unix_path = {};         ///< not empty: a unix socket instead
    StreamFactory make_stream = net::make_socket_stream;
    std::optional<Access> access = {};  ///< replaces the access settings of Options
};

/// Enforced, and announced in an MQTT 5 CONNACK if they differ from the standard's defaults.
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

/// Bounds of stored messages. Below a bound in bytes one more message of any size is accepted.
struct Bounds {
    std::size_t in_flight = 100;  ///< incomplete QoS 1 and 2 messages to a client
    std::size_t queued_messages = 200'000;
    std::size_t queued_bytes = std::size_t{512} << 20;
    std::size_t output_bytes = std::size_t{256} << 20;  ///< above it QoS 0 messages are dropped
    std::size_t logged_messages = 200'000;              ///< of Broker::received()
    Duration connect_timeout = std::chrono::seconds(30);
    Duration sys_interval = std::chrono::seconds(10);
};

/// Unusual behaviour for tests. Can be changed while the broker runs (Broker::behaviour).
struct Behaviour {
    bool answer_connect = true;
    std::optional<std::uint8_t> connack_code;  ///< refuses each CONNECT with this code, unless it is 0
    Properties connack_properties;             ///< MQTT 5: added to CONNACK
    std::optional<std::vector<std::uint8_t>>
        raw_reply;               ///< sent instead of CONNACK before closing the connection
    bool answer_publish = true;  ///< false: neither PUBACK nor PUBREC; the message is delivered
    bool answer_pubrel = true;
    /// MQTT 5: in PUBACK or PUBREC; from 0x80 nothing is delivered.
    std::optional<ReasonCode> publish_reason;
    /// N > 0: the n-th PUBLISH from now is ignored and its connection closed.
    std::size_t drop_at_publish = 0;
    /// A PUBLISH with this QoS or above is ignored and its connection closed.
    std::optional<Qos> close_at_qos;
    bool close_at_subscribe = false;
    bool answer_subscribe = true;
    std::optional<std::uint8_t> suback_code;  ///< for each filter; from 0x80 nothing is subscribed
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
    std::vector<std::string> deny_publish;    ///< filters of topics that clients must not publish to
    std::vector<std::string> deny_subscribe;  ///< topics: a filter that matches one of them is refused
    Limits limits;
    Bounds bounds;
    Behaviour behaviour;
    bool use_topic_aliases = true;  ///< to MQTT 5 clients that allow them
    bool record = true;             ///< record packets for received() and connects()
    std::function<void(std::string_view line)> log;
};

}  // namespace mqttc::broker
