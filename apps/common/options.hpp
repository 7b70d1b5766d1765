// What the user asked for, as plain data: the result of parsing, before anything is opened or connected.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "failover.hpp"
#include "mqttc/endpoint.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/property.hpp"
#include "mqttc/types.hpp"

#include "called_as.hpp"
#include "color.hpp"
#include "option_row.hpp"

namespace mqttc::app {

/// The source of the password.
struct PasswordSource {
    enum class Kind : std::uint8_t { none, given, file, ask };
    Kind kind = Kind::none;
    Secret value = {};      ///< given
    std::string path = {};  ///< file
    /// MQTT_PASSWORD: a default, which counts only together with a user name.
    bool from_environment = false;
};

/// One -D. Its value has been checked against the property table.
struct PropertyOption {
    PacketSet where = 0;  ///< one packet bit, or will_properties_bit
    PropertyId id{};
    std::uint32_t number = 0;
    std::string text;
    std::string name;  ///< of a user property
    OptionSource source = OptionSource::command_line;
};

struct WillOptions {
    std::optional<std::string> topic;
    std::optional<std::string> payload;
    std::optional<Qos> qos;
    bool retain = false;
};

/// How to reach the broker, and the client's identity and session; connection_setup.hpp makes ClientOptions of it.
struct ConnectionOptions {
    CalledAs called = own_name(Program::pub);
    Endpoint endpoint;  ///< its port, tls and websocket are set by connection_setup.hpp from the fields below
    std::optional<std::uint16_t> port;
    std::vector<FailoverBroker> failover;
    bool url_tls = false;        ///< mqtts:// or wss://
    bool url_websocket = false;  ///< ws:// or wss://
    std::optional<std::string> client_id;
    std::optional<std::string> id_prefix;
    std::optional<std::string> username;
    PasswordSource password;
    bool clean_start = true;  ///< false: -c
    std::optional<std::uint32_t> session_expiry;
    std::optional<ProtocolVersion> version;
    bool version_auto = false;  ///< -V auto: MQTT 5, and 3.1.1 when the broker does not accept it
    std::string v5_option;      ///< the last option given that selects MQTT 5, as spelled; empty = none
    std::uint16_t keep_alive = 60;
    std::uint16_t max_inflight = 20;
    std::uint32_t max_packet_size = max_packet_bytes;

    TlsOptions tls;
    std::string ca_file_option;                 ///< the option that gave tls.ca_file, as spelled
    std::optional<OptionSource> tls_requested;  ///< the last option that turns TLS on was given there
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

    /// Set by the programs: messages arrive or are sent for an indefinite time, so a lost connection is tried again.
    bool is_stream = false;
    /// Set by the programs: messages of QoS 1 or 2 may be in flight when the connection is lost.
    bool may_acknowledge = false;
    bool follow_redirect = false;
};

/// How --stats is printed.
enum class StatsForm : std::uint8_t { json, text };

/// What concerns the run as a whole.
struct RunOptions {
    std::optional<std::chrono::nanoseconds> timeout = {};  ///< -W
    std::optional<StatsForm> stats = {};
    bool debug = false;
    bool quiet = false;
    ColorMode color = ColorMode::automatic;
    /// Found while parsing, one line each, without the program's name.
    std::vector<std::string> warnings = {};
    /// The file of Mosquitto's program that was read: there is none of its own.
    std::string borrowed_config = {};
};

/// How payloads are written that --decode and --encode translate from or to JSON.
enum class PayloadFormat : std::uint8_t { json, cbor, msgpack, sparkplug, protobuf, automatic };
struct PayloadChoice {
    PayloadFormat format = PayloadFormat::automatic;
    std::string file = {};     ///< protobuf: of the type's definition
    std::string message = {};  ///< protobuf: the name of the type
};

/// The source of mqtt_pub's messages.
enum class PayloadSource : std::uint8_t { none, message, file, lines, whole_stdin, null };
enum class Encoding : std::uint8_t { raw, hex, base64 };
enum class InputFormat : std::uint8_t { lines, topic, json, csv };

struct PubOptions {
    ConnectionOptions connection;
    RunOptions run;
    std::vector<std::string> topics;
    Qos qos = Qos::at_most_once;
    PayloadSource source = PayloadSource::none;
    std::string message;  ///< -m
    std::string file;     ///< -f
    bool retain = false;
    std::uint64_t repeat = 1;
    std::chrono::nanoseconds repeat_delay{0};
    std::optional<double> rate;  ///< messages per second
    Encoding encoding = Encoding::raw;
    std::optional<PayloadChoice> encode;
    InputFormat input = InputFormat::lines;
    std::string payload_column;
    std::optional<std::string> separator;
    bool skip_invalid = false;
    bool replay = false;
    double speed = 1;
    bool request = false;
    std::string response_topic;
    std::uint64_t answers = 1;          ///< -C
    bool answer_topic = false;          ///< -v
    bool answer_newline = true;         ///< cleared by -N
    std::optional<std::string> format;  ///< -F
    bool pretty = false;
    bool stamp = false;
    bool progress = false;
};

struct SubOptions {
    ConnectionOptions connection;
    RunOptions run;
    std::vector<std::string> topics;
    /// One for all topics, or one per topic (checked). Never empty after parsing.
    std::vector<Qos> qos{Qos::at_most_once};
    std::vector<std::string> unsubscribe;
    std::vector<std::string> filter_out;
    std::optional<std::uint64_t> count;  ///< -C
    bool exit_after_suback = false;      ///< -E
    bool no_retain = false;              ///< -R
    bool retained_only = false;
    bool remove_retained = false;
    bool dry_run = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send_always;
    bool no_local = false;
    std::optional<double> random_filter;  ///< percent
    std::optional<std::chrono::nanoseconds> idle_timeout;

    std::optional<PayloadChoice> decode;
    bool skip_invalid = false;  ///< payloads that cannot be decoded or lack a field are not printed
    bool verbose = false;
    bool no_newline = false;
    std::optional<std::string> format;
    std::optional<std::string> csv;
    bool pretty = false;
    bool message_rate = false;
    bool watch = false;
    std::optional<std::string> field;
    bool only_changes = false;
    bool raw = false;
    std::optional<std::string> save;
    std::optional<std::string> exec;
    unsigned jobs = 1;
};

}  // namespace mqttc::app
