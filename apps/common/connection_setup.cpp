// The rules that turn ConnectionOptions into the client's options.
#include "connection_setup.hpp"

#include <algorithm>

#include "property_option.hpp"

namespace mqttc::app {
namespace {

// How long the broker keeps the session during an outage if no option sets it.
constexpr std::uint32_t bridged_seconds = 300;
constexpr auto practically_never = std::chrono::hours(24 * 365);

std::string client_id(const ConnectionOptions& options, ProtocolVersion version, unsigned long process_id) {
    if (options.client_id) return *options.client_id;
    if (options.id_prefix) return *options.id_prefix + std::to_string(process_id);
    // In 3.1.1 and 5 the broker chooses one for a clean session; 3.1 requires one.
    if (version != ProtocolVersion::v31) return {};
    return std::string(options.called.name).append("-").append(std::to_string(process_id));
}

}  // namespace

Endpoint make_endpoint(const ConnectionOptions& options) {
    Endpoint endpoint = options.endpoint;
    endpoint.port = options.port.value_or(0);
    const bool by_port = options.port == tls_port && endpoint.unix_path.empty();
    if (!options.no_tls && (options.tls_requested || options.url_tls || by_port)) {
        endpoint.tls = options.tls;
        const bool other_anchors = !options.tls.ca_file.empty() || !options.tls.ca_path.empty();
        if (!other_anchors && options.tls.psk_key.empty()) endpoint.tls->system_store = true;
    }
    if (options.websocket || options.url_websocket) endpoint.websocket = options.websocket_options;
    return endpoint;
}

namespace {

ReconnectPolicy make_policy(const ConnectionOptions& options) {
    ReconnectPolicy policy;
    policy.first = 0;
    policy.later = options.is_stream ? ReconnectPolicy::forever : 0;
    if (options.reconnect) policy.first = policy.later = *options.reconnect;
    policy.after_refusal = options.reconnect == ReconnectPolicy::forever;
    if (options.reconnect_min) policy.min_delay = policy.quick_delay = *options.reconnect_min;
    if (options.reconnect_max) policy.max_delay = *options.reconnect_max;
    policy.max_delay = std::max(policy.min_delay, policy.max_delay);
    return policy;
}

bool gives_session_expiry(const ConnectionOptions& options) {
    const auto given = [](const PropertyOption& option) {
        return option.id == PropertyId::session_expiry_interval;
    };
    return !options.clean_start || options.session_expiry || std::ranges::any_of(options.properties, given);
}

// In MQTT 5 a session ends with its connection unless an expiry interval is requested, and a message of QoS 1 or 2 would be
// lost in an outage.
bool bridges_outages(const ConnectionOptions& options) {
    if (effective_version(options) != ProtocolVersion::v5 || make_policy(options).later == 0) return false;
    return options.may_acknowledge && !gives_session_expiry(options);
}

Properties given_properties(const ConnectionOptions& options, PacketSet where) {
    Properties properties;
    for (const PropertyOption& option : options.properties) {
        if (option.where != where) continue;
        // Accepted by to_property(), so adding it cannot fail.
        static_cast<void>(add_to(properties, option));
    }
    return properties;
}

Properties connect_properties(const ConnectionOptions& options) {
    Properties properties = given_properties(options, packet_bit(PacketType::connect));
    if (properties.view().find(PropertyId::session_expiry_interval)) return properties;
    std::optional<std::uint32_t> expiry = options.session_expiry;
    if (!expiry && !options.clean_start) expiry = UINT32_MAX;
    if (bridges_outages(options)) expiry = bridged_seconds;
    if (expiry) static_cast<void>(properties.add(PropertyId::session_expiry_interval, *expiry));
    return properties;
}

std::optional<WillMessage> make_will(const ConnectionOptions& options) {
    const WillOptions& asked = options.will;
    if (!asked.topic) return std::nullopt;
    return WillMessage{.topic = *asked.topic,
                       .payload = asked.payload.value_or(std::string()),
                       .qos = asked.qos.value_or(Qos::at_most_once),
                       .retain = asked.retain,
                       .properties = properties_for(options, will_properties_bit)};
}

using Result = std::expected<void, std::string>;

Result wrong(std::string message) {
    return std::unexpected(std::move(message));
}

const PropertyOption* find_option_property(const ConnectionOptions& options, PacketSet where, PropertyId id) {
    const auto found = std::ranges::find_if(
        options.properties, [&](const PropertyOption& one) { return one.where == where && one.id == id; });
    return found == options.properties.end() ? nullptr : &*found;
}

// A session that ends with its connection cannot be prolonged by DISCONNECT (MQTT 5.0 section 3.14.2.2.2): the broker
// would treat it as a protocol error and publish the Will.
Result check_disconnect(const ConnectionOptions& options) {
    constexpr PropertyId interval = PropertyId::session_expiry_interval;
    const PropertyOption* at_end =
        find_option_property(options, packet_bit(PacketType::disconnect), interval);
    if (at_end == nullptr || at_end->number == 0) return {};
    const PropertyOption* at_start = find_option_property(options, packet_bit(PacketType::connect), interval);
    const bool kept = at_start != nullptr ? at_start->number > 0
                                          : options.session_expiry.value_or(options.clean_start ? 0 : 1) > 0;
    if (kept) return {};
    return wrong(
        "-D disconnect session-expiry-interval needs a session that is kept: -x SECONDS or -D connect "
        "session-expiry-interval SECONDS");
}

Result check_authentication(const ConnectionOptions& options) {
    constexpr PacketSet connect = packet_bit(PacketType::connect);
    if (find_option_property(options, connect, PropertyId::authentication_data) != nullptr &&
        find_option_property(options, connect, PropertyId::authentication_method) == nullptr)
        return wrong("-D connect authentication-data needs -D connect authentication-method");
    const bool given =
        options.password.kind != PasswordSource::Kind::none && !options.password.from_environment;
    if (given && !options.username && effective_version(options) != ProtocolVersion::v5)
        return wrong("a password needs a user name (-u), except in MQTT 5 (-V mqttv5)");
    return {};
}

Result check_session(const ConnectionOptions& options) {
    if (options.client_id) return {};
    if (!options.clean_start) return wrong("-c needs a client identifier that stays the same: -i ID");
    if (options.session_expiry == UINT32_MAX)
        return wrong("a session that never expires needs a client identifier that stays the same: -i ID");
    return {};
}

}  // namespace

std::expected<void, std::string> check_connection(const ConnectionOptions& options) {
    const bool has_will_property = std::ranges::any_of(
        options.properties, [](const PropertyOption& one) { return one.where == will_properties_bit; });
    if (has_will_property && !options.will.topic) return wrong("-D will needs --will-topic");
    if (auto brokers = check_failover(options, make_endpoint(options)); !brokers) return brokers;
    if (auto session = check_session(options); !session) return session;
    if (auto authentication = check_authentication(options); !authentication) return authentication;
    return check_disconnect(options);
}

ProtocolVersion effective_version(const ConnectionOptions& options) {
    if (!options.v5_option.empty() || options.version_auto) return ProtocolVersion::v5;
    return options.version.value_or(ProtocolVersion::v311);
}

Properties properties_for(const ConnectionOptions& options, PacketSet where) {
    Properties properties = given_properties(options, where);
    if (where == packet_bit(PacketType::disconnect) && bridges_outages(options))
        static_cast<void>(properties.add(PropertyId::session_expiry_interval, 0));
    return properties;
}

std::expected<ConnectionSetup, std::string> set_up_connection(const ConnectionOptions& options,
                                                              unsigned long process_id) {
    ConnectionSetup connection;
    ClientOptions& client = connection.client;
    client.endpoint = make_endpoint(options);
    if (!options.failover.empty()) client.endpoints.push_back(client.endpoint);
    for (const FailoverBroker& broker : options.failover) {
        Endpoint& endpoint = client.endpoints.emplace_back(client.endpoint);
        endpoint.host = broker.host;
        if (broker.port != 0) endpoint.port = broker.port;
    }
    client.reconnect = make_policy(options);
    client.follow_redirect = options.follow_redirect;
    client.connect_timeout =
        options.connect_timeout.count() == 0 ? practically_never : options.connect_timeout;

    if (options.version_auto && options.v5_option.empty()) client.fallback_version = ProtocolVersion::v311;
    SessionOptions& session = client.session;
    session.version = effective_version(options);
    session.client_id = client_id(options, session.version, process_id);
    session.clean_start = options.clean_start;
    session.session_expiry = 0;  // connect_properties() adds the interval
    session.subscribe_before_connack = true;
    session.keep_alive = options.keep_alive;
    session.username = options.username;
    if (options.password.kind == PasswordSource::Kind::given) session.password = options.password.value;
    session.will = make_will(options);
    session.max_inflight = options.max_inflight;
    session.max_packet_size = options.max_packet_size;
    session.ack_timeout = options.ack_timeout;
    if (session.version == ProtocolVersion::v5) {
        session.connect_properties = connect_properties(options);
        if (const auto checked = session.connect_properties.check(packet_bit(PacketType::connect));
            !checked) {
            return std::unexpected("-D connect: " + std::string(describe(checked.error())));
        }
        // A user who chooses aliases does not expect others.
        const Properties publish = properties_for(options, packet_bit(PacketType::publish));
        if (publish.view().find(PropertyId::topic_alias)) session.use_topic_aliases = false;
    }
    if (options.version && *options.version != session.version) {
        // Mosquitto accepts it too, so it is not an error.
        const bool old = *options.version == ProtocolVersion::v31;
        connection.warnings.push_back(std::string(old ? "-V mqttv31" : "-V mqttv311") +
                                      " is not used: " + options.v5_option + " needs MQTT 5");
    }
    if (client.endpoint.tls && !client.endpoint.tls->verify) {
        connection.warnings.emplace_back("--insecure: the broker's certificate is not verified");
    }
    return connection;
}

}  // namespace mqttc::app
