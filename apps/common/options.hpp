// What a user asked for, as plain data: the result of parsing, before anything is opened or connected.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mqttc/endpoint.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/property.hpp"
#include "mqttc/types.hpp"

#include "option_rows.hpp"

namespace mqttc::app {

/// Where an option was given; a higher one wins.
enum class Layer : std::uint8_t { environment, profile, config_file, command_line };

/// Where the password comes from; the last one given wins.
struct PasswordSource {
    enum class Kind : std::uint8_t { none, given, file, ask, environment };
    Kind kind = Kind::none;
    Secret value;      ///< given, environment
    std::string path;  ///< file
};

/// One -D. Its value has been checked against the property table.
struct PropertyOption {
    PacketSet where = 0;  ///< one packet bit, or will_properties_bit
    PropertyId id{};
    std::uint32_t number = 0;
    std::string text;
    std::string name;  ///< of a user property
    Layer layer = Layer::command_line;
};

struct WillOptions {
    std::optional<std::string> topic;
    std::optional<std::string> payload;
    std::optional<Qos> qos;
    bool retain = false;
};

/// How the broker is reached and who we are; connection.hpp makes ClientOptions of it.
struct ConnectionSettings {
    Endpoint endpoint;  ///< its tls and websocket are made by connection.hpp from the fields below
    std::optional<std::uint16_t> port;
    bool url_tls = false;        ///< mqtts:// or wss://
    bool url_websocket = false;  ///< ws:// or wss://
    std::optional<std::string> client_id;
    std::optional<std::string> id_prefix;
    std::optional<std::string> username;
    PasswordSource password;
    bool clean = true;  ///< false: -c
    std::optional<std::uint32_t> session_expiry;
    std::optional<ProtocolVersion> version;
    std::string v5_option;  ///< the last option given that selects MQTT 5, as spelled; empty = none
    std::uint16_t keep_alive = 60;
    std::uint16_t max_inflight = 20;
    std::uint32_t max_packet_size = max_remaining_length + 5;

    TlsOptions tls;
    bool tls_asked = false;  ///< any option that only means something with TLS
    bool no_tls = false;
    std::string key_passphrase_file;
    std::string psk_file;

    bool websocket = false;  ///< --ws, or an option that only means something with it
    WebSocketOptions websocket_options;

    WillOptions will;
    std::vector<PropertyOption> properties;

    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(30);
    std::chrono::nanoseconds ack_timeout = std::chrono::seconds(20);
    std::optional<std::uint32_t> reconnect;  ///< tries; UINT32_MAX = forever; none = the program's default
    std::optional<std::chrono::nanoseconds> reconnect_min;
    std::optional<std::chrono::nanoseconds> reconnect_max;
};

/// Where mqtt_pub's messages come from.
enum class PayloadSource : std::uint8_t { none, message, file, lines, whole_stdin, null };
enum class Encoding : std::uint8_t { raw, hex, base64 };
enum class InputFormat : std::uint8_t { lines, topic, json };

struct PubOptions {
    std::vector<std::string> topics;
    PayloadSource source = PayloadSource::none;
    std::string message;  ///< -m
    std::string file;     ///< -f
    bool retain = false;
    std::uint64_t repeat = 1;
    std::chrono::nanoseconds repeat_delay{0};
    std::optional<double> rate;  ///< messages a second
    Encoding encoding = Encoding::raw;
    std::optional<InputFormat> input;
    std::optional<std::string> separator;
    bool skip_invalid = false;
    bool replay = false;
    double speed = 1;
    bool request = false;
    std::string response_topic;
    bool stamp = false;
    bool progress = false;
};

struct SubOptions {
    std::vector<std::string> topics;
    std::vector<std::string> unsubscribe;
    std::vector<std::string> filter_out;
    bool exit_after_suback = false;  ///< -E
    bool no_retain = false;          ///< -R
    bool retained_only = false;
    bool remove_retained = false;
    bool dry_run = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send_always;
    bool no_local = false;
    std::optional<double> random_filter;  ///< per cent
    std::optional<std::chrono::nanoseconds> idle_timeout;

    bool verbose = false;
    bool no_newline = false;
    std::optional<std::string> format;
    bool pretty = false;
    bool message_rate = false;
    bool watch = false;
    std::optional<std::string> field;
    bool raw = false;
    std::optional<std::string> save;
    std::optional<std::string> exec;
    unsigned jobs = 1;
};

struct Options {
    Program program = Program::pub;
    ConnectionSettings connection;
    /// -q: one for all, or in mqtt_sub as many as topics (checked). Never empty after parsing.
    std::vector<Qos> qos{Qos::at_most_once};
    std::optional<std::uint64_t> count;                   ///< -C
    std::optional<std::chrono::nanoseconds> run_timeout;  ///< -W
    bool stats = false;
    bool debug = false;
    bool quiet = false;
    std::vector<std::string> warnings;  ///< each one line for people, without the program's name
    PubOptions pub;                     ///< filled for mqtt_pub
    SubOptions sub;                     ///< filled for mqtt_sub
};

}  // namespace mqttc::app
