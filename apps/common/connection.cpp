// The rules that make a client's options of what the user asked for.
#include "connection.hpp"

#include <algorithm>

#include "property_option.hpp"

namespace mqttc::app {
namespace {

constexpr std::uint16_t tls_port = 8883;
// How long the broker keeps the session while we are away without the user's word on it.
constexpr std::uint32_t bridged_seconds = 300;
constexpr auto practically_never = std::chrono::hours(24 * 365);

std::string client_id(const Options& options, ProtocolVersion version, unsigned long process_id) {
    const ConnectionSettings& settings = options.connection;
    if (settings.client_id) return *settings.client_id;
    if (settings.id_prefix) return *settings.id_prefix + std::to_string(process_id);
    // 3.1.1 and 5 let the broker choose one for a clean session; 3.1 wants one.
    if (version != ProtocolVersion::v31) return {};
    return std::string(program_name(options.program)).append("-").append(std::to_string(process_id));
}

Endpoint make_endpoint(const ConnectionSettings& settings) {
    Endpoint endpoint = settings.endpoint;
    endpoint.port = settings.port.value_or(0);
    const bool by_port = settings.port == tls_port && endpoint.unix_path.empty();
    if (!settings.no_tls && (settings.tls_asked || settings.url_tls || by_port)) {
        endpoint.tls = settings.tls;
        const bool other_anchors = !settings.tls.ca_file.empty() || !settings.tls.ca_path.empty();
        if (!other_anchors && settings.tls.psk_key.empty()) endpoint.tls->system_store = true;
    }
    if (settings.websocket || settings.url_websocket) endpoint.websocket = settings.websocket_options;
    return endpoint;
}

ReconnectPolicy make_policy(const Options& options) {
    const ConnectionSettings& settings = options.connection;
    ReconnectPolicy policy;
    policy.first = 0;
    const bool stream = options.program == Program::sub || options.pub.source == PayloadSource::lines;
    policy.later = stream ? ReconnectPolicy::forever : 0;
    if (settings.reconnect) policy.first = policy.later = *settings.reconnect;
    if (settings.reconnect_min) policy.min_delay = *settings.reconnect_min;
    if (settings.reconnect_max) policy.max_delay = *settings.reconnect_max;
    policy.max_delay = std::max(policy.min_delay, policy.max_delay);
    return policy;
}

bool gives_session_expiry(const Options& options) {
    const ConnectionSettings& settings = options.connection;
    const auto given = [](const PropertyOption& option) {
        return option.id == PropertyId::session_expiry_interval;
    };
    return !settings.clean || settings.session_expiry || std::ranges::any_of(settings.properties, given);
}

// In MQTT 5 the broker forgets a session with its connection unless it is asked not to, and QoS 1 and 2 would
// not reach over a reconnect.
bool bridges_outages(const Options& options) {
    if (effective_version(options.connection) != ProtocolVersion::v5 || make_policy(options).later == 0)
        return false;
    const bool acknowledged =
        std::ranges::any_of(options.qos, [](Qos qos) { return qos != Qos::at_most_once; });
    return (acknowledged || options.pub.input == InputFormat::json) && !gives_session_expiry(options);
}

Properties given_properties(const Options& options, PacketSet where) {
    Properties properties;
    for (const PropertyOption& option : options.connection.properties) {
        if (option.where != where) continue;
        // Accepted by to_property(), so adding it can't fail.
        static_cast<void>(add_to(properties, option));
    }
    return properties;
}

Properties connect_properties(const Options& options) {
    Properties properties = given_properties(options, packet_bit(PacketType::connect));
    const ConnectionSettings& settings = options.connection;
    if (properties.view().find(PropertyId::session_expiry_interval)) return properties;
    std::optional<std::uint32_t> expiry = settings.session_expiry;
    if (!expiry && !settings.clean) expiry = UINT32_MAX;
    if (bridges_outages(options)) expiry = bridged_seconds;
    if (expiry) static_cast<void>(properties.add(PropertyId::session_expiry_interval, *expiry));
    return properties;
}

std::optional<WillMessage> make_will(const Options& options) {
    const WillOptions& asked = options.connection.will;
    if (!asked.topic) return std::nullopt;
    return WillMessage{.topic = *asked.topic,
                       .payload = asked.payload.value_or(std::string()),
                       .qos = asked.qos.value_or(Qos::at_most_once),
                       .retain = asked.retain,
                       .properties = properties_for(options, will_properties_bit)};
}

}  // namespace

ProtocolVersion effective_version(const ConnectionSettings& settings) {
    if (!settings.v5_option.empty()) return ProtocolVersion::v5;
    return settings.version.value_or(ProtocolVersion::v311);
}

Properties properties_for(const Options& options, PacketSet where) {
    Properties properties = given_properties(options, where);
    if (where == packet_bit(PacketType::disconnect) && bridges_outages(options))
        static_cast<void>(properties.add(PropertyId::session_expiry_interval, 0));
    return properties;
}

std::expected<Connection, std::string> build_connection(const Options& options, unsigned long process_id) {
    const ConnectionSettings& settings = options.connection;
    Connection connection;
    ClientOptions& client = connection.client;
    client.endpoint = make_endpoint(settings);
    client.reconnect = make_policy(options);
    client.connect_timeout =
        settings.connect_timeout.count() == 0 ? practically_never : settings.connect_timeout;

    SessionOptions& session = client.session;
    session.version = effective_version(settings);
    session.client_id = client_id(options, session.version, process_id);
    session.clean_start = settings.clean;
    session.keep_alive = settings.keep_alive;
    session.username = settings.username;
    if (settings.password.kind == PasswordSource::Kind::given) session.password = settings.password.value;
    session.will = make_will(options);
    session.max_inflight = settings.max_inflight;
    session.max_packet_size = settings.max_packet_size;
    session.ack_timeout = settings.ack_timeout;
    if (session.version == ProtocolVersion::v5) {
        session.connect_properties = connect_properties(options);
        if (const auto checked = session.connect_properties.check(packet_bit(PacketType::connect));
            !checked) {
            return std::unexpected("-D connect: " + std::string(describe(checked.error())));
        }
        // Who sets aliases by hand doesn't want ours among them.
        const Properties publish = properties_for(options, packet_bit(PacketType::publish));
        if (publish.view().find(PropertyId::topic_alias)) session.use_topic_aliases = false;
    }
    if (settings.version && *settings.version != session.version) {
        // Mosquitto accepts it too, so it is no error.
        const bool old = *settings.version == ProtocolVersion::v31;
        connection.warnings.push_back(std::string(old ? "-V mqttv31" : "-V mqttv311") +
                                      " is not used: " + settings.v5_option + " needs MQTT 5");
    }
    if (client.endpoint.tls && !client.endpoint.tls->verify) {
        connection.warnings.emplace_back("--insecure: the broker's certificate is not verified");
    }
    return connection;
}

}  // namespace mqttc::app
