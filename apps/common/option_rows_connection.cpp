// The options for the broker and the connection to it.
#include <array>

#include "base/escape.hpp"
#include "failover.hpp"
#include "mqttc/client.hpp"
#include "mqttc/url.hpp"
#include "option_rows.hpp"

namespace mqttc::app {
namespace {

using PasswordKind = PasswordSource::Kind;

// Whether a part of a URL was given in a lower source; then it is forgotten.
bool take_lower(std::optional<OptionSource>& part, OptionSource source) {
    if (!part || *part == source) return false;
    part.reset();
    return true;
}

// The user name and password in the URL of one broker must not be sent to another one.
void forget_lower_credentials(OptionContext& context) {
    if (take_lower(context.url.username, context.source)) context.connection->username.reset();
    if (take_lower(context.url.password, context.source)) context.connection->password = {};
}

OptionResult set_host(OptionContext& context) {
    auto host = to_host(context.value());
    if (!host) return std::unexpected(std::move(host.error()));
    Endpoint& endpoint = context.connection->endpoint;
    if (*host != endpoint.host) forget_lower_credentials(context);
    forget_lower_failover(context);
    endpoint.unix_path.clear();
    context.forget("unix");
    endpoint.host = std::move(*host);
    return {};
}

OptionResult set_unix_path(OptionContext& context) {
    forget_lower_credentials(context);
    forget_lower_failover(context);
    return set_text<&ConnectionOptions::endpoint, &Endpoint::unix_path>(context);
}

// A URL replaces another one completely.
void forget_lower_url(OptionContext& context) {
    forget_lower_credentials(context);
    forget_lower_failover(context);
    if (take_lower(context.url.topic, context.source)) forget_url_topic(context);
}

OptionResult set_url_topic(OptionContext& context, const std::string& topic) {
    if (topic.find('?') != topic.npos)
        context.run->warnings.push_back(in_quotes(topic).append(
            " is the topic: a URL has no settings after '?', use options such as -q"));
    if (context.sub != nullptr) {
        context.url.filter_index = context.sub->topics.size();
        context.url.topic = context.source;
        return assign(context.sub->topics.emplace_back(), to_filter(topic));
    }
    // The last one of -t and the URL counts, unless the URL may give the WebSocket's path.
    if (context.repeated("topic") && !context.url.path.empty()) return {};
    context.url.topic = context.source;
    context.pub->topics.resize(1);
    return assign(context.pub->topics.front(), to_topic(topic));
}

OptionResult set_url(OptionContext& context) {
    const UrlList list = split_urls(context.value());
    auto url = parse_url(list.first);
    if (!url) return std::unexpected(std::move(url.error().context));
    if (url->username)
        if (auto good = check_max_length(*url->username, "the user name"); !good) return good;
    if (url->password)
        if (auto good = check_max_length(url->password->view(), "the password"); !good) return good;
    if (auto good = check_address(url->host); !good) return good;
    if (url->tls && context.has_no_tls)
        return std::unexpected(std::string("mqtts:// and wss:// cannot be used with --no-tls"));
    forget_lower_url(context);
    ConnectionOptions& to = *context.connection;
    to.endpoint.host = std::move(url->host);
    to.endpoint.unix_path.clear();
    context.forget("unix");
    to.port = url->port == 0 ? std::nullopt : std::optional(url->port);
    to.url_tls = url->tls;
    to.url_websocket = url->websocket;
    // MQTT_CAFILE is a default; mqtt:// in a higher source means no TLS.
    if (!url->tls && context.source > OptionSource::environment &&
        to.tls_requested == OptionSource::environment)
        to.tls_requested.reset();
    if (url->tls) to.no_tls = false;
    if (url->username) {
        to.username = std::move(url->username);
        context.url.username = context.source;
    }
    if (url->password) {
        to.password = {PasswordKind::given, std::move(*url->password), {}};
        context.url.password = context.source;
        context.forget("password-file");
    }
    context.url.path.clear();
    if (url->topic) {
        if (url->websocket) context.url.path = "/" + *url->topic;
        if (auto good = set_url_topic(context, *url->topic); !good) return good;
    }
    return add_failover_urls(context, list.rest);
}

OptionResult set_version(OptionContext& context) {
    constexpr std::array versions{ProtocolVersion::v31, ProtocolVersion::v311, ProtocolVersion::v5};
    ConnectionOptions& to = *context.connection;
    to.version_auto = context.choice == 2 * versions.size();
    to.version.reset();
    if (!to.version_auto) to.version = versions[context.choice % versions.size()];
    return {};
}

OptionResult set_keep_alive(OptionContext& context) {
    constexpr std::uint64_t shortest = 5;
    const auto number = to_number(context.value(), 0, UINT16_MAX);
    if (!number || (*number > 0 && *number < shortest))
        return std::unexpected(
            in_quotes(context.value()).append(" is not a whole number from 5 to 65535, or 0 (off)"));
    context.connection->keep_alive = static_cast<std::uint16_t>(*number);
    return {};
}

OptionResult set_reconnect(OptionContext& context) {
    std::optional<std::uint32_t>& tries = context.connection->reconnect;
    if (context.value() == "forever") {
        tries = ReconnectPolicy::forever;
    } else if (context.value() == "never") {
        tries = 0;
    } else {
        const auto number = to_number(context.value(), 0, ReconnectPolicy::forever - 1);
        if (!number)
            return std::unexpected(
                in_quotes(context.value()).append(" is not never, forever or a number of tries"));
        tries = static_cast<std::uint32_t>(*number);
    }
    return {};
}

OptionResult set_reconnect_delay(OptionContext& context) {
    const std::string_view value = context.value();
    const std::size_t colon = value.find(':');
    ConnectionOptions& to = *context.connection;
    to.reconnect_max.reset();
    if (auto min = assign(to.reconnect_min, to_seconds(value.substr(0, colon), min_seconds)); !min)
        return min;
    if (colon == value.npos) return {};
    if (auto max = assign(to.reconnect_max, to_seconds(value.substr(colon + 1), min_seconds)); !max)
        return max;
    if (*to.reconnect_max < *to.reconnect_min)
        return std::unexpected(in_quotes(value).append(": the longest delay is shorter than the first"));
    return {};
}

// clang-format off
constexpr OptionRow broker_options[] = {
    {.short_name = 'h', .name = "host", .argument = "HOST", .value = ValueKind::host, .environment = "MQTT_HOST",
     .replaces_environment = "url|unix",
     .help = "broker's name or address (default localhost)",
     .manual = R"(The broker's host name or IP address.
An IPv6 address may be in brackets.
The default is
.Cm localhost .
The user name and password of a URL in a configuration file or in
.Ev MQTT_URL
are not sent to another host.)",
     .set = set_host},
    {.short_name = 'p', .name = "port", .argument = "PORT", .value = ValueKind::number, .environment = "MQTT_PORT",
     .replaces_environment = "url|unix",
     .help = "default 1883, 8883 with TLS; 8883 turns TLS on",
     .manual = R"(The broker's port.
The default is 1883, or 8883 with TLS; with
.Fl -ws
it is 80, or 443 with TLS.
Port 8883 without any TLS option turns TLS on, with the system's certificates.)",
     .set = set_number<0, UINT16_MAX, &ConnectionOptions::port>},
    {.short_name = 'L', .name = "url", .argument = "URL", .choices = "mqtt:// mqtts:// ws:// wss://", .secrecy = Secrecy::url_password, .environment = "MQTT_URL",
     .ends_at_space = true,
     .help = "mqtt://[user[:password]@]host[:port]/topic, also mqtts, ws, wss",
     .manual = R"(The connection as one URL:
.Sm off
.Cm mqtt:// | mqtts:// | ws:// | wss:// \:
.Oo Ar user Oo : Ar password Oc @ Oc Ar host Oo : Ar port Oc Oo / Ar topic Oc .
.Sm on
User name and password are percent-decoded; an IPv6 address must be in
brackets.
The part after the host and port is the topic.
With
.Cm ws://
and
.Cm wss://
it is the path of the WebSocket if it is
.Pa /mqtt
or
.Pa /ws ,
or if
.Fl t
gives the topic and
.Fl -ws-path
is not used.
This option replaces a URL from a configuration file or from
.Ev MQTT_URL
completely, including its user name and password.
More URLs may follow, separated by commas; they work like
.Fl -failover .)",
     .set = set_url},
    {.name = "failover", .argument = "BROKER", .repeats = Repeats::per_source, .secrecy = Secrecy::url_password,
     .ends_at_space = true,
     .help = "HOST[:PORT] or URL of a broker to try when the previous one fails; repeats",
     .manual = R"(Another broker:
.Ar host Ns Op : Ns Ar port ,
or a URL without user name, password and topic.
The default port is that of the first broker, from
.Fl h
or
.Fl L .
All brokers are connected in the same way (TLS, WebSocket, proxy), with the same
user name and password.
When one cannot be reached, refuses the connection or does not answer within
.Fl -connect-timeout ,
the next one is tried at once.
After the last one, the list starts again, with the delays of
.Fl -reconnect-delay .
The program stays with the broker that works.
Unacknowledged messages of QoS 1 and 2 are published again there.
If the brokers share sessions, as the nodes of a cluster do, nothing is lost and
QoS 2 messages arrive once.)",
     .set = add_failover},
    {.name = "unix", .argument = "PATH", .value = ValueKind::file,
     .help = "connect to a unix domain socket",
     .manual = "Connect to a Unix domain socket instead of a host and port.",
     .set = set_unix_path},
    {.short_name = 'S', .excludes = "unix|proxy",
     .help = "look up the broker in the DNS SRV records of the host",
     .manual = R"(Look up the SRV records of the host
.Pq _mqtt._tcp or _secure-mqtt._tcp
and connect to the hosts and ports found, ordered by priority and weight.)",
     .set = set_flag<&ConnectionOptions::endpoint, &Endpoint::srv>},
    {.short_name = 'A', .argument = "ADDRESS", .value = ValueKind::host, .not_empty = "the address",
     .help = "local address to connect from",
     .manual = "The local IP address or host name to connect from.",
     .set = set_text<&ConnectionOptions::endpoint, &Endpoint::bind_address>},
    {.short_name = 'V', .name = "protocol-version", .argument = "VERSION", .value = ValueKind::choice,
     .choices = "mqttv31 mqttv311 mqttv5 31 311 5 auto",
     .help = "mqttv31, mqttv311 (default), mqttv5 or auto",
     .manual = R"(The protocol version;
.Cm 31 , 311
and
.Cm 5
are accepted too.
The default is
.Cm mqttv311 .
.Cm auto
tries MQTT 5 first, and connects again with MQTT 3.1.1 when the broker refuses
this version or closes the connection; the run then stays with 3.1.1, and
.Fl d
reports it.
It is the recommended value in a profile for several brokers.
With options that need MQTT 5, only MQTT 5 is tried.)",
     .set = set_version},
    {.short_name = 'k', .name = "keepalive", .argument = "SECONDS", .value = ValueKind::number,
     .help = "5 to 65535, 0 = off (default 60)",
     .manual = R"(The keep-alive interval: the longest time without traffic on the connection, 5
to 65535, or 0 to turn it off.
The default is 60.)",
     .set = set_keep_alive},
    {.name = "connect-timeout", .argument = "SECONDS", .value = ValueKind::seconds,
     .help = "for name, connection and CONNACK together, 0 = no limit (default 30)",
     .manual = R"(The time limit for name resolution, TCP, TLS, WebSocket and the broker's
CONNACK together.
The default is 30; 0 waits forever.)",
     .set = set_seconds<0.0, &ConnectionOptions::connect_timeout>},
    {.name = "ack-timeout", .argument = "SECONDS", .value = ValueKind::seconds,
     .help = "longest wait for an acknowledgement, 0 = no limit (default 20)",
     .manual = R"(The longest time to wait for an acknowledgement.
After that, the connection counts as lost.
The default is 20; 0 waits forever.
If the broker acknowledges nothing on two connections in a row, the program
stops with exit status 66, unless
.Fl -reconnect
is given.)",
     .set = set_seconds<0.0, &ConnectionOptions::ack_timeout>},
    {.short_name = 'W', .argument = "SECONDS", .value = ValueKind::seconds,
     .help = "stop after SECONDS with exit code 27",
     .manual = R"(Stop after this many seconds, whatever happens.
The exit status is then 27, and a line on standard error reports the progress.)",
     .set = set_seconds<min_seconds, &RunOptions::timeout>},
    {.name = "reconnect", .argument = "TRIES", .choices = "never forever", .ends_at_space = true,
     .help = "never, a number of tries, or forever",
     .manual = R"(How often to retry a failed or lost connection.
The same policy applies to the first connection and to later ones.
Without this option, the first connection is tried once.
A lost connection is then retried forever by
.Ic mqtt_sub
and
.Ic mqtt_pub -l ,
and not at all by other uses of
.Ic mqtt_pub .
Consecutive tries are counted; the count starts again after a good connection:
one on which a message was acknowledged or received, or that lasted 10 seconds.
Without this option, a broker that closes two connections in a row on the same
message ends the run with exit status 66 if some brokers do not accept such
messages (QoS 2, retained, large, or with an unusual topic), and with 67 in the
same way if it does so on the subscriptions; the message names the likely cause.
.Pp
Some failures are final, because another try cannot help: the broker refuses the
connection (except with server unavailable, server busy, quota exceeded or
connection rate exceeded), disconnects because of an error, a missing
permission, an administrative action or an identifier in use, or violates the
protocol.
With
.Cm forever ,
after a first success, a refusal or a disconnection is final only if another
client uses the identifier.)",
     .set = set_reconnect},
    {.name = "reconnect-delay", .argument = "MIN[:MAX]", .value = ValueKind::seconds,
     .help = "seconds between tries, doubling from MIN to MAX (default 1:60)",
     .manual = R"(The seconds to wait before the next attempt.
The delay starts at
.Ar min
and doubles up to
.Ar max ,
with some randomness.
The default is 1:60.
Without this option, the first attempt after a good connection (see
.Fl -reconnect )
follows within 0.1 to 0.3 seconds.
An outage is reported when it starts, when its cause changes, and once a
minute.)",
     .set = set_reconnect_delay},
    {.name = "follow-redirect",
     .help = "follow MQTT 5's \"use another server\"",
     .manual = R"(When an MQTT 5 broker refers to another server, connect to that server.
The user name and password are sent there too, so this is done only over TLS
with a verified certificate, or to another port of the same host, and once.
Otherwise, and without this option, the program names the server and stops with
exit status 156 or 157.)",
     .set = set_flag<&ConnectionOptions::follow_redirect>},
    {.short_name = 'M', .name = "max-inflight", .argument = "N", .value = ValueKind::number,
     .help = "unacknowledged QoS 1 and 2 messages in flight (default 20)",
     .manual = R"(The maximum number of unacknowledged QoS 1 and 2 messages.
The default is 20.)",
     .set = set_number<1, UINT16_MAX, &ConnectionOptions::max_inflight>},
    {.name = "max-packet-size", .argument = "BYTES", .value = ValueKind::number,
     .help = "refuse larger packets from the broker (default 268435460)",
     // 128: room for a CONNACK with properties
     .manual = R"(Refuse packets from the broker that are larger than this.
In MQTT 5 the broker is informed of the limit and leaves out larger messages; in
MQTT 3.1 and 3.1.1 such a packet ends the connection and the run.
The smallest value is 128, the default 268435460.)",
     .set = set_number<128, max_packet_bytes, &ConnectionOptions::max_packet_size>},
    // The library always sets it.
    {.name = "nodelay", .help = "TCP_NODELAY (always on)",
     .manual = R"(Accepted for compatibility and has no effect.
TCP_NODELAY is always set, because messages are batched before they are
written.)",
     .set = no_setting},
};
// clang-format on

}  // namespace

constinit const std::span<const OptionRow> broker_rows = broker_options;

void forget_url_topic(OptionContext& context) {
    context.url.topic.reset();
    if (context.pub != nullptr) return context.pub->topics.clear();
    auto& topics = context.sub->topics;
    topics.erase(topics.begin() + static_cast<std::ptrdiff_t>(context.url.filter_index));
}

}  // namespace mqttc::app
