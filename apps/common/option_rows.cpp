// The option rows of mqtt_pub and mqtt_sub, and look-up in them.
#include "option_rows.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "nearest.hpp"

namespace mqttc::app {
namespace {

constexpr ProgramSet pub = only(Program::pub);
constexpr ProgramSet sub = only(Program::sub);
constexpr ProgramSet both = both_programs;

using enum OptionGroup;
using K = ValueKind;
using R = Repeats;
using S = OptionStatus;
using I = OptionId;

using X = Secrecy;

constexpr Secrecy open_value = Secrecy::open;

// clang-format off
constexpr OptionRow rows[] = {
    {I::topic, 't', "topic", "TOPIC", pub, message, K::topic, R::per_layer, S::ready, open_value, {},
     "topic to publish to; repeated: the message goes to each topic"},
    {I::message, 'm', "message", "TEXT", pub, message, K::text, R::once, S::ready, open_value, {}, "payload"},
    {I::file, 'f', "file", "FILE", pub, message, K::file, R::once, S::ready, open_value, {},
     "payload is the content of FILE; '-' is stdin"},
    {I::stdin_line, 'l', "stdin-line", {}, pub, message, K::none, R::once, S::ready, open_value, {},
     "each line of stdin is a message"},
    {I::stdin_file, 's', "stdin-file", {}, pub, message, K::none, R::once, S::ready, open_value, {},
     "all of stdin is one message"},
    {I::null_message, 'n', "null-message", {}, pub, message, K::none, R::once, S::ready, open_value, {},
     "empty payload (with -r it clears the retained message)"},
    {I::qos, 'q', "qos", "QOS", pub, message, K::choice, R::last_wins, S::ready, open_value, "0 1 2",
     "quality of service: 0, 1 or 2 (default 0)"},
    {I::retain, 'r', "retain", {}, pub, message, K::none, R::last_wins, S::ready, open_value, {},
     "the broker keeps the message for later subscribers"},
    {I::encoding, 0, "encoding", "NAME", pub, message, K::choice, R::last_wins, S::ready, open_value, "raw hex base64",
     "how the payload of -m and -l is written: raw, hex, base64"},
    {I::input, 0, "input", "NAME", pub, message, K::choice, R::last_wins, S::ready, open_value, "lines topic json",
     "what a line of -l holds: a payload, topic and payload, or a JSON object"},
    {I::separator, 0, "separator", "TEXT", pub, message, K::text, R::last_wins, S::ready, open_value, {},
     "stands between topic and payload with --input topic"},

    {I::repeat, 0, "repeat", "N", pub, sending, K::number, R::last_wins, S::ready, open_value, {},
     "publish the message N times (not with -l)"},
    {I::repeat_delay, 0, "repeat-delay", "SECONDS", pub, sending, K::seconds, R::last_wins, S::ready, open_value, {},
     "wait between two of them; may be fractional"},
    {I::rate, 0, "rate", "N", pub, sending, K::number, R::last_wins, S::ready, open_value, {},
     "publish at most N messages a second"},
    {I::skip_invalid, 0, "skip-invalid", {}, pub, sending, K::none, R::last_wins, S::ready, open_value, {},
     "report and count lines of --input that can't be read, and go on"},
    {I::replay, 0, "replay", {}, pub, sending, K::none, R::last_wins, S::ready, open_value, {},
     "with --input json: keep the time between the messages"},
    {I::speed, 0, "speed", "X", pub, sending, K::number, R::last_wins, S::ready, open_value, {},
     "with --replay: X times as fast"},
    {I::request, 0, "request", {}, pub, sending, K::none, R::last_wins, S::ready, open_value, {},
     "publish a request and print the answers"},
    {I::response_topic, 0, "response-topic", "TOPIC", pub, sending, K::topic, R::last_wins, S::ready, open_value, {},
     "where answers to --request are expected"},
    {I::count, 'C', {}, "COUNT", pub, sending, K::number, R::last_wins, S::ready, open_value, {},
     "with --request: end after COUNT answers (default 1)"},
    {I::stamp, 0, "stamp", {}, pub, sending, K::none, R::last_wins, S::ready, open_value, {},
     "number and time in front of each payload, for mqtt_sub --stats"},
    {I::progress, 0, "progress", {}, pub, sending, K::none, R::last_wins, S::ready, open_value, {},
     "show the progress on stderr"},

    {I::topic, 't', "topic", "FILTER", sub, subscription, K::filter, R::adds, S::ready, open_value, {},
     "topic filter to subscribe to, e.g. home/+/temp or home/#; repeats"},
    {I::unsubscribe, 'U', "unsubscribe", "FILTER", sub, subscription, K::filter, R::adds, S::ready, open_value, {},
     "unsubscribe after the subscriptions; repeats"},
    {I::filter_out, 'T', "filter-out", "FILTER", sub, subscription, K::filter, R::adds, S::ready, open_value, {},
     "don't print messages whose topic matches; repeats"},
    {I::qos, 'q', "qos", "QOS", sub, subscription, K::choice, R::per_layer, S::ready, open_value, "0 1 2",
     "quality of service: 0, 1 or 2 (default 0); as many as topics: each its own"},
    {I::count, 'C', {}, "COUNT", sub, subscription, K::number, R::last_wins, S::ready, open_value, {},
     "end after COUNT printed messages"},
    {I::exit_after_suback, 'E', {}, {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "end when the subscriptions are acknowledged"},
    {I::no_retain, 'R', {}, {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "don't print retained messages"},
    {I::retained_only, 0, "retained-only", {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "print retained messages only, end at the first other one"},
    {I::remove_retained, 0, "remove-retained", {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "remove each retained message received from the broker"},
    {I::retain_as_published, 0, "retain-as-published", {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "keep the publisher's retain flag; selects MQTT 5"},
    {I::retain_handling, 0, "retain-handling", "WHEN", sub, subscription, K::choice, R::last_wins, S::ready, open_value,
     "always new never", "retained messages when subscribing: always, new, never; selects MQTT 5"},
    {I::no_local, 0, "no-local", {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "no messages that this client published; selects MQTT 5"},
    {I::dry_run, 0, "dry-run", {}, sub, subscription, K::none, R::last_wins, S::ready, open_value, {},
     "with --remove-retained: only print what would be removed"},
    {I::random_filter, 0, "random-filter", "PERCENT", sub, subscription, K::number, R::last_wins, S::ready, open_value, {},
     "print that share of the messages, 0.1 to 100"},
    {I::idle_timeout, 0, "idle-timeout", "SECONDS", sub, subscription, K::seconds, R::last_wins, S::ready, open_value, {},
     "end with 0 after that time without a message"},

    {I::verbose, 'v', "verbose", {}, sub, output, K::none, R::last_wins, S::ready, open_value, {},
     "print the topic in front of the payload"},
    {I::no_newline, 'N', {}, {}, sub, output, K::none, R::last_wins, S::ready, open_value, {},
     "no newline after each message"},
    {I::format, 'F', {}, "FORMAT", sub, output, K::format, R::last_wins, S::ready, open_value, {},
     "what to print, e.g. '%I %t %p'; %j is JSON; see the manual page"},
    {I::pretty, 0, "pretty", {}, sub, output, K::none, R::last_wins, S::ready, open_value, {}, "indent %j and %J"},
    {I::message_rate, 0, "message-rate", {}, sub, output, K::none, R::last_wins, S::ready, open_value, {},
     "print the number of messages once a second instead of them"},
    {I::watch, 'w', "watch", {}, sub, output, K::none, R::last_wins, S::ready, open_value, {},
     "each topic keeps its line on the terminal"},
    {I::field, 0, "field", "PATH", sub, output, K::text, R::last_wins, S::ready, open_value, {},
     "with -w: show this value of JSON payloads, e.g. sensors.0.temp"},
    {I::raw, 0, "raw", {}, sub, output, K::none, R::last_wins, S::ready, open_value, {},
     "exact bytes also on a terminal"},
    {I::save, 0, "save", "TEMPLATE", sub, output, K::format, R::last_wins, S::ready, open_value, {},
     "each message into a file of its own, named as in -F"},
    {I::exec, 0, "exec", "COMMAND", sub, output, K::command, R::last_wins, S::ready, open_value, {},
     "run COMMAND for each message, payload on its stdin"},
    {I::jobs, 0, "jobs", "N", sub, output, K::number, R::last_wins, S::ready, open_value, {},
     "with --exec: so many commands at a time"},

    {I::host, 'h', "host", "HOST", both, broker, K::host, R::last_wins, S::ready, open_value, {},
     "broker's name or address (default localhost)"},
    {I::port, 'p', "port", "PORT", both, broker, K::number, R::last_wins, S::ready, open_value, {},
     "default 1883, 8883 with TLS; 8883 turns TLS on"},
    {I::url, 'L', "url", "URL", both, broker, K::url, R::last_wins, S::ready, X::url_password, {},
     "mqtt://[user[:password]@]host[:port]/topic, also mqtts, ws, wss"},
    {I::unix_socket, 0, "unix", "PATH", both, broker, K::file, R::last_wins, S::ready, open_value, {},
     "connect to a unix domain socket"},
    {I::srv, 'S', {}, {}, both, broker, K::none, R::last_wins, S::ready, open_value, {},
     "look the broker up by DNS SRV records of the host"},
    {I::bind_address, 'A', {}, "ADDRESS", both, broker, K::host, R::last_wins, S::ready, open_value, {},
     "local address to connect from"},
    {I::protocol_version, 'V', "protocol-version", "VERSION", both, broker, K::choice, R::last_wins, S::ready, open_value,
     "mqttv31 mqttv311 mqttv5 31 311 5", "mqttv31, mqttv311 (default) or mqttv5"},
    {I::keep_alive, 'k', "keepalive", "SECONDS", both, broker, K::number, R::last_wins, S::ready, open_value, {},
     "5 to 65535, 0 = off (default 60)"},
    {I::connect_timeout, 0, "connect-timeout", "SECONDS", both, broker, K::seconds, R::last_wins, S::ready, open_value, {},
     "for name, connection and CONNACK together (default 30)"},
    {I::ack_timeout, 0, "ack-timeout", "SECONDS", both, broker, K::seconds, R::last_wins, S::ready, open_value, {},
     "longest wait for an acknowledgement, 0 = for ever (default 20)"},
    {I::run_timeout, 'W', {}, "SECONDS", both, broker, K::seconds, R::last_wins, S::ready, open_value, {},
     "stop after that time; exit code 27"},
    {I::reconnect, 0, "reconnect", "TRIES", both, broker, K::text, R::last_wins, S::ready, open_value, {},
     "never, a number of tries, or forever"},
    {I::reconnect_delay, 0, "reconnect-delay", "MIN[:MAX]", both, broker, K::seconds, R::last_wins, S::ready, open_value, {},
     "seconds between tries, doubling from MIN to MAX (default 1:60)"},
    {I::max_inflight, 'M', "max-inflight", "N", both, broker, K::number, R::last_wins, S::ready, open_value, {},
     "unacknowledged QoS 1 and 2 messages in flight (default 20)"},
    {I::max_packet_size, 0, "max-packet-size", "BYTES", both, broker, K::number, R::last_wins, S::ready, open_value, {},
     "refuse larger packets from the broker (default 268435460)"},
    {I::no_delay, 0, "nodelay", {}, both, broker, K::none, R::last_wins, S::ready, open_value, {}, "TCP_NODELAY"},

    {I::client_id, 'i', "id", "ID", both, identity, K::text, R::last_wins, S::ready, open_value, {},
     "client id (default: the broker assigns one)"},
    {I::id_prefix, 'I', "id-prefix", "PREFIX", both, identity, K::text, R::last_wins, S::ready, open_value, {},
     "client id is PREFIX and the process id"},
    {I::username, 'u', "username", "NAME", both, identity, K::text, R::last_wins, S::ready, open_value, {}, "user name"},
    {I::password, 'P', "pw", "PASSWORD", both, identity, K::text, R::last_wins, S::ready, X::value, {},
     "password (others may see it; better one of the next two)"},
    {I::password_file, 0, "password-file", "FILE", both, identity, K::file, R::last_wins, S::ready, open_value, {},
     "the password is the first line of FILE"},
    {I::ask_password, 0, "ask-password", {}, both, identity, K::none, R::last_wins, S::ready, open_value, {},
     "ask for the password on the terminal"},
    {I::disable_clean_session, 'c', "disable-clean-session", {}, both, identity, K::none, R::last_wins, S::ready, open_value, {},
     "the broker keeps the session; needs -i"},
    {I::session_expiry, 'x', {}, "SECONDS", both, identity, K::number, R::last_wins, S::ready, open_value, {},
     "session expiry, -1 = never; selects MQTT 5"},
    {I::property, 'D', "property", "COMMAND NAME VALUE", both, identity, K::property, R::adds, S::ready, X::property_value, {},
     "MQTT 5 property, e.g. -D publish content-type text/plain; repeats"},

    {I::ca_file, 0, "cafile", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {},
     "trusted CA certificates (PEM)"},
    {I::ca_path, 0, "capath", "DIR", both, tls, K::directory, R::last_wins, S::ready, open_value, {},
     "folder of trusted CA certificates"},
    {I::system_store, 0, "tls-use-os-certs", {}, both, tls, K::none, R::last_wins, S::ready, open_value, {},
     "trust the system's CA certificates (the default with TLS)"},
    {I::cert, 0, "cert", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {}, "client certificate (PEM)"},
    {I::key, 0, "key", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {}, "its private key (PEM)"},
    {I::key_passphrase_file, 0, "key-passphrase-file", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {},
     "the key's passphrase is the first line of FILE"},
    {I::tls_version, 0, "tls-version", "VERSION", both, tls, K::choice, R::last_wins, S::ready, open_value,
     "tlsv1.2 tlsv1.3", "lowest version: tlsv1.2 (default) or tlsv1.3"},
    {I::ciphers, 0, "ciphers", "LIST", both, tls, K::text, R::last_wins, S::ready, open_value, {},
     "ciphers of TLS 1.2, as OpenSSL writes them"},
    {I::tls13_ciphers, 0, "tls13-ciphers", "LIST", both, tls, K::text, R::last_wins, S::ready, open_value, {},
     "cipher suites of TLS 1.3"},
    {I::tls_alpn, 0, "tls-alpn", "PROTOCOL", both, tls, K::text, R::last_wins, S::ready, open_value, {},
     "ALPN protocol, e.g. x-amzn-mqtt-ca"},
    {I::insecure, 0, "insecure", {}, both, tls, K::none, R::last_wins, S::ready, open_value, {},
     "don't verify the broker's certificate: anybody can listen"},
    {I::tls_keylog, 0, "tls-keylog", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {},
     "write the session keys to FILE, for Wireshark"},
    {I::psk, 0, "psk", "HEX", both, tls, K::text, R::last_wins, S::ready, X::value, {}, "pre-shared key in hex"},
    {I::psk_file, 0, "psk-file", "FILE", both, tls, K::file, R::last_wins, S::ready, open_value, {},
     "the pre-shared key is the first line of FILE"},
    {I::psk_identity, 0, "psk-identity", "NAME", both, tls, K::text, R::last_wins, S::ready, open_value, {},
     "name of the pre-shared key"},
    {I::no_tls, 0, "no-tls", {}, both, tls, K::none, R::last_wins, S::ready, open_value, {},
     "no TLS, whatever the other options say"},
    {I::key_form, 0, "keyform", "FORM", both, tls, K::text, R::last_wins, S::unsupported, open_value, {}, {}},
    {I::tls_engine, 0, "tls-engine", "ENGINE", both, tls, K::text, R::last_wins, S::unsupported, open_value, {}, {}},
    {I::tls_engine_kpass_sha1, 0, "tls-engine-kpass-sha1", "SHA1", both, tls, K::text, R::last_wins, S::unsupported, X::value, {}, {}},

    {I::websocket, 0, "ws", {}, both, transport, K::none, R::last_wins, S::ready, open_value, {}, "MQTT over WebSocket"},
    {I::websocket_path, 0, "ws-path", "PATH", both, transport, K::text, R::last_wins, S::ready, open_value, {},
     "path of the WebSocket (default /mqtt)"},
    {I::websocket_header, 0, "ws-header", "'NAME: VALUE'", both, transport, K::text, R::adds, S::ready, X::header_value, {},
     "header line of the WebSocket request; repeats"},
    {I::proxy, 0, "proxy", "URL", both, transport, K::url, R::last_wins, S::ready, X::url_password, {},
     "socks5h://[user[:password]@]host[:port] or http://…"},

    {I::will_topic, 0, "will-topic", "TOPIC", both, will, K::topic, R::last_wins, S::ready, open_value, {},
     "the broker publishes there when this client vanishes"},
    {I::will_payload, 0, "will-payload", "TEXT", both, will, K::text, R::last_wins, S::ready, open_value, {},
     "payload of that message (default empty)"},
    {I::will_qos, 0, "will-qos", "QOS", both, will, K::choice, R::last_wins, S::ready, open_value, "0 1 2", "its QoS"},
    {I::will_retain, 0, "will-retain", {}, both, will, K::none, R::last_wins, S::ready, open_value, {}, "it is retained"},

    {I::config_file, 'o', {}, "FILE", both, general, K::file, R::once, S::ready, open_value, {},
     "read options from FILE, not from the default config file"},
    {I::profile, 0, "profile", "NAME", both, general, K::text, R::last_wins, S::ready, open_value, {},
     "read options that both programs share from ~/.config/mqtt/NAME.conf"},
    {I::stats, 0, "stats", {}, pub, general, K::none, R::last_wins, S::ready, open_value, {},
     "a summary on stderr at the end"},
    {I::stats, 0, "stats", {}, sub, general, K::none, R::last_wins, S::ready, open_value, {},
     "a summary on stderr at the end"},
    {I::debug, 'd', "debug", {}, both, general, K::none, R::last_wins, S::ready, open_value, {},
     "a line on stderr for each packet"},
    {I::quiet, 0, "quiet", {}, both, general, K::none, R::last_wins, S::ready, open_value, {},
     "no error messages; the exit code tells"},
    {I::help, 0, "help", {}, both, general, K::none, R::last_wins, S::ready, open_value, {}, "this text"},
    {I::version, 0, "version", {}, both, general, K::none, R::last_wins, S::ready, open_value, {}, "the version"},
};
// clang-format on

constexpr bool same_program(const OptionRow& a, const OptionRow& b) {
    return (a.programs & b.programs) != 0;
}

constexpr bool names_are_unique() {
    for (const OptionRow& a : rows) {
        for (const OptionRow& b : rows) {
            if (&a == &b || !same_program(a, b)) continue;
            if (a.id == b.id) return false;
            if (a.short_name != 0 && a.short_name == b.short_name) return false;
            if (!a.long_name.empty() && a.long_name == b.long_name) return false;
        }
    }
    return true;
}
static_assert(names_are_unique());
static_assert(std::ranges::is_sorted(rows, {}, &OptionRow::group));
static_assert(std::ranges::all_of(rows, [](const OptionRow& row) {
    return (row.short_name != 0 || !row.long_name.empty()) &&
           row.argument.empty() == (row.kind == ValueKind::none) &&
           (row.kind == ValueKind::choice) == !row.choices.empty();
}));

// Names that other programs, or common sense, give to options of ours.
struct Synonym {
    std::string_view name;
    OptionId id;
    std::string_view meant;
};
constexpr Synonym synonyms[] = {
    {"password", I::password, "--pw or --password-file"},
    {"passwd", I::password, "--pw or --password-file"},
    {"pass", I::password, "--pw or --password-file"},
    {"user", I::username, "--username"},
    {"client-id", I::client_id, "--id"},
    {"clientid", I::client_id, "--id"},
    {"payload", I::message, "--message"},
    {"timeout", I::run_timeout, "-W"},
    {"count", I::count, "-C"},
    {"format", I::format, "-F"},
    {"json", I::format, "-F %j"},
    {"tls", I::system_store, "--tls-use-os-certs"},
    {"ssl", I::system_store, "--tls-use-os-certs"},
    {"ca", I::ca_file, "--cafile"},
};

}  // namespace

std::string_view program_name(Program program) {
    return program == Program::pub ? "mqtt_pub" : "mqtt_sub";
}

std::string_view group_title(OptionGroup group) {
    switch (group) {
        case OptionGroup::message:
            return "Message";
        case OptionGroup::sending:
            return "Sending";
        case OptionGroup::subscription:
            return "Subscription";
        case OptionGroup::output:
            return "Output";
        case OptionGroup::broker:
            return "Broker";
        case OptionGroup::identity:
            return "Client and session";
        case OptionGroup::tls:
            return "TLS (each of these turns it on)";
        case OptionGroup::transport:
            return "WebSocket and proxy";
        case OptionGroup::will:
            return "Will";
        case OptionGroup::general:
            return "General";
    }
    return {};
}

std::span<const OptionRow> option_rows() {
    return rows;
}

const OptionRow* find_option(Program program, std::string_view long_name) {
    for (const OptionRow& row : rows) {
        if ((row.programs & only(program)) != 0 && !long_name.empty() && row.long_name == long_name)
            return &row;
    }
    return nullptr;
}

const OptionRow* find_option(Program program, char short_name) {
    for (const OptionRow& row : rows) {
        if ((row.programs & only(program)) != 0 && short_name != 0 && row.short_name == short_name)
            return &row;
    }
    return nullptr;
}

const OptionRow& option_row(Program program, OptionId id) {
    for (const OptionRow& row : rows) {
        if ((row.programs & only(program)) != 0 && row.id == id) return row;
    }
    std::abort();
}

std::string option_name(const OptionRow& row) {
    std::string name;
    if (row.short_name != 0) {
        name += '-';
        name += row.short_name;
    }
    if (!row.long_name.empty()) {
        if (!name.empty()) name += ", ";
        name += "--";
        name += row.long_name;
    }
    return name;
}

std::string nearest_option(Program program, std::string_view given) {
    while (given.starts_with('-')) given.remove_prefix(1);
    given = given.substr(0, given.find('='));
    std::vector<std::string_view> names;
    for (const OptionRow& row : rows) {
        if ((row.programs & only(program)) == 0) continue;
        const auto* const synonym = std::ranges::find_if(
            synonyms, [&](const Synonym& one) { return one.name == given && one.id == row.id; });
        if (synonym != std::end(synonyms)) return std::string(synonym->meant);
        if (!row.long_name.empty()) names.push_back(row.long_name);
    }
    const std::string_view nearest = nearest_name(given, names);
    if (nearest.empty()) return {};
    return std::string("--").append(nearest);
}

}  // namespace mqttc::app
