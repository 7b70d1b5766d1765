// The rules between options and a client's options.
#include "connection_setup.hpp"

#include <doctest/doctest.h>

#include "option_fixture.hpp"
#include "secrets.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

namespace {

template <typename Options>
ConnectionSetup build(const OptionFixture<Options>& fixture, std::string_view line) {
    Options options = fixture.good(line);
    CHECK(resolve_secrets(options.connection).has_value());
    auto connection = set_up_connection(options.connection, 4711);
    REQUIRE_MESSAGE(connection.has_value(), (connection ? std::string() : connection.error()));
    return std::move(*connection);
}

ClientOptions pub_client(std::string_view line) {
    return build(pub_fixture(), "-t a -n " + std::string(line)).client;
}

}  // namespace

TEST_CASE("what no option sets has the default of the manual") {
    using std::chrono::seconds;
    const ClientOptions client = pub_client("");
    CHECK(client.endpoint.host == "localhost");
    CHECK(client.session.keep_alive == 60);
    CHECK(client.session.max_inflight == 20);
    CHECK(client.session.ack_timeout == seconds(20));
    CHECK(client.connect_timeout == seconds(30));
    CHECK(client.reconnect.min_delay == seconds(1));
    CHECK(client.reconnect.max_delay == seconds(60));
    CHECK(pub_client("-k 0").session.keep_alive == 0);
    CHECK(pub_client("-M 5").session.max_inflight == 5);
}

TEST_CASE("-V auto: MQTT 5 first, unless an option needs it") {
    const auto fixture = pub_fixture();
    const auto automatic = build(fixture, "-t a -n -V auto");
    CHECK(automatic.client.session.version == ProtocolVersion::v5);
    CHECK(automatic.client.fallback_version == ProtocolVersion::v311);
    CHECK_FALSE(build(fixture, "-t a -n -V auto -V 5").client.fallback_version);
    CHECK(build(fixture, "-t a -n -V auto -V 311").client.session.version == ProtocolVersion::v311);
    for (const char* line : {"-t a -n -V auto -x 10", "-t a -n -V auto -D publish content-type x",
                             "-t a -n -V auto --request", "-t a -l -V auto --input json"}) {
        CAPTURE(line);
        const auto setup = build(fixture, line);
        CHECK(setup.client.session.version == ProtocolVersion::v5);
        CHECK_FALSE(setup.client.fallback_version);
        CHECK(setup.warnings.empty());
    }
}

TEST_CASE("the broker chooses the client id, except in 3.1") {
    CHECK(pub_client("").session.client_id.empty());
    CHECK(pub_client("-V mqttv5").session.client_id.empty());
    CHECK(pub_client("-V mqttv31").session.client_id == "mqtt_pub-4711");
    CHECK(pub_client("-i me").session.client_id == "me");
    CHECK(pub_client("-I me-").session.client_id == "me-4711");
}

TEST_CASE("what only MQTT 5 can carry selects MQTT 5") {
    CHECK(pub_client("").session.version == ProtocolVersion::v311);
    CHECK(pub_client("-x 5").session.version == ProtocolVersion::v5);
    CHECK(pub_client("-D publish content-type x -V 311").session.version == ProtocolVersion::v5);
    CHECK(pub_client("--request").session.version == ProtocolVersion::v5);
    CHECK(pub_client("--request -V 311 --response-topic r").session.version == ProtocolVersion::v311);
    CHECK(pub_client("-V 31").session.version == ProtocolVersion::v31);
    for (const char* option : {"--no-local", "--retain-as-published", "--retain-handling new"}) {
        CAPTURE(option);
        CHECK(build(sub_fixture(), std::string("-t a ") + option).client.session.version ==
              ProtocolVersion::v5);
    }
    CHECK(build(sub_fixture(), "-t a").client.session.version == ProtocolVersion::v311);
}

TEST_CASE("-V that another option overrides is reported") {
    const auto warnings = [](std::string_view line) {
        const auto all = build(pub_fixture(), "-t a -n " + std::string(line)).warnings;
        return all.empty() ? std::string() : all.front();
    };
    CHECK(warnings("-V 311 -x 5") == "-V mqttv311 is not used: -x needs MQTT 5");
    CHECK(warnings("-V 31 -D publish content-type x") == "-V mqttv31 is not used: -D needs MQTT 5");
    CHECK(warnings("-D publish content-type x -V mqttv311") == "-V mqttv311 is not used: -D needs MQTT 5");
    CHECK(build(sub_fixture(), "-t a -V 311 --no-local").warnings ==
          std::vector<std::string>{"-V mqttv311 is not used: --no-local needs MQTT 5"});
    CHECK(warnings("-V 5 -x 5").empty());
    CHECK(warnings("-x 5").empty());
    CHECK(warnings("-V 311").empty());
    CHECK(warnings("-V 311 --request --response-topic r").empty());
}

TEST_CASE("DISCONNECT may prolong a session that is kept, and end any") {
    for (const char* kept : {"-x 9", "-c -i me", "-D connect session-expiry-interval 9"}) {
        CAPTURE(kept);
        const std::string line = std::string("-t a -n -D disconnect session-expiry-interval 5 ") + kept;
        CHECK(pub_fixture().wrong(line).empty());
    }
    CHECK(pub_fixture().wrong("-t a -n -D disconnect session-expiry-interval 0").empty());
}

TEST_CASE("a session that is kept never expires in MQTT 5, unless -x says so") {
    const auto expiry = [](std::string_view line) {
        return pub_client(line).session.connect_properties.view().number_or(
            PropertyId::session_expiry_interval, 0);
    };
    CHECK(expiry("-V 5 -c -i me") == UINT32_MAX);
    CHECK(expiry("-V 5 -c -i me -x 60") == 60);
    CHECK(expiry("-V 5 -c -i me -D connect session-expiry-interval 7") == 7);
    CHECK(expiry("-V 5") == 0);
    CHECK_FALSE(pub_client("-V 5 -c -i me").session.clean_start);
    CHECK(pub_client("-c -i me").session.connect_properties.empty());
}

TEST_CASE(
    "in MQTT 5, who reconnects with QoS 1 or 2 has a session that bridges outages, and ends it when "
    "leaving") {
    const auto session_of = [](const auto& fixture, std::string_view line) {
        const auto options = fixture.good(line);
        const auto connection = set_up_connection(options.connection, 1);
        REQUIRE(connection.has_value());
        const auto find = [](PropertiesView in) { return in.find(PropertyId::session_expiry_interval); };
        const auto connect = find(connection->client.session.connect_properties.view());
        const Properties leaving = properties_for(options.connection, packet_bit(PacketType::disconnect));
        const auto disconnect = find(leaving.view());
        return std::pair(connect ? std::optional(connect->number) : std::nullopt,
                         disconnect ? std::optional(disconnect->number) : std::nullopt);
    };
    using Session = std::pair<std::optional<std::uint32_t>, std::optional<std::uint32_t>>;
    const Session none;
    const Session bridging{300, 0};
    for (const char* line : {"-t a -l -V 5 -q 1", "-t a -l -V 5 -q 2", "-t a -m x -V 5 -q 1 --reconnect 3",
                             "-l --input json -V 5", "-t a -l -q 1 -D publish content-type x"}) {
        CAPTURE(line);
        CHECK(session_of(pub_fixture(), line) == bridging);
    }
    for (const char* line :
         {"-t a -l -q 1", "-t a -l -V 5", "-t a -m x -V 5 -q 1", "-t a -l -V 5 -q 1 --reconnect never"}) {
        CAPTURE(line);
        CHECK(session_of(pub_fixture(), line) == none);
    }
    for (const char* line : {"-t a -V 5 -q 1", "-t a -V 5 -q 0 -t b -q 2", "-t a -V 5 -q 1 -i me"}) {
        CAPTURE(line);
        CHECK(session_of(sub_fixture(), line) == bridging);
    }
    CHECK(session_of(sub_fixture(), "-t a -V 5") == none);
    CHECK(session_of(sub_fixture(), "-t a -V 311 -q 2") == none);
    // What the user says about sessions stands.
    CHECK(session_of(sub_fixture(), "-t a -q 1 -x 60") == Session{60, std::nullopt});
    CHECK(session_of(sub_fixture(), "-t a -q 1 -x 0") == Session{0, std::nullopt});
    CHECK(session_of(sub_fixture(), "-t a -q 1 -V 5 -c -i me") == Session{UINT32_MAX, std::nullopt});
    CHECK(session_of(sub_fixture(), "-t a -q 1 -D connect session-expiry-interval 9") ==
          Session{9, std::nullopt});
    CHECK(session_of(sub_fixture(), "-t a -q 1 -D disconnect session-expiry-interval 0") ==
          Session{std::nullopt, 0});
    CHECK(session_of(sub_fixture(), "-t a -q 1 -x 60 -D disconnect session-expiry-interval 9") ==
          Session{60, 9});
}

TEST_CASE("MQTT_CAFILE turns TLS on, unless a URL above it says mqtt://") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_CAFILE"] = "ca.pem";
    const auto has_tls = [&](std::string_view line) {
        return build(fixture, line).client.endpoint.tls.has_value();
    };
    CHECK(has_tls("-t a -n"));
    CHECK_FALSE(has_tls("-t a -n -L mqtt://b"));
    CHECK(has_tls("-t a -n -L mqtts://b"));
    CHECK(has_tls("-t a -n -L mqtt://b --tls-version tlsv1.3"));
    CHECK(build(fixture, "-t a -n -L mqtt://b:8883").client.endpoint.tls->ca_file == "ca.pem");
    fixture.environment["MQTT_URL"] = "mqtt://b";
    CHECK(has_tls("-t a -n"));
}

TEST_CASE("any TLS option turns TLS on, and so does port 8883") {
    CHECK_FALSE(pub_client("").endpoint.tls.has_value());
    for (const char* line :
         {"--cafile x", "--capath x", "--tls-use-os-certs", "--cert c --key k", "--insecure",
          "--tls-version tlsv1.3", "--ciphers x", "--tls13-ciphers x", "--tls-alpn x", "--tls-keylog x",
          "--psk 00 --psk-identity me", "-p 8883", "-L mqtts://b", "-L wss://b"}) {
        CAPTURE(line);
        CHECK(pub_client(line).endpoint.tls.has_value());
        if (line[1] != 'L') CHECK_FALSE(pub_client(std::string(line) + " --no-tls").endpoint.tls.has_value());
    }
}

TEST_CASE("--no-tls drops TLS of its own and lower sources, and a higher source turns it on again") {
    auto fixture = pub_fixture();
    const auto has_tls = [&](std::string_view line) {
        return build(fixture, "-t a -n " + std::string(line)).client.endpoint.tls.has_value();
    };
    fixture.files["/home/me/.config/mqtt_pub"] = "-L mqtts://b\n--cafile ca.pem\n";
    CHECK(has_tls(""));
    CHECK_FALSE(has_tls("--no-tls"));
    fixture.files["/home/me/.config/mqtt_pub"] = "--no-tls\n--cafile ca.pem\n";
    CHECK_FALSE(has_tls(""));
    CHECK_FALSE(has_tls("-p 8883"));
    CHECK(fixture.good("-t a -n -p 8883").run.warnings ==
          std::vector<std::string>{
              "port 8883 is used without TLS, because a configuration file contains --no-tls"});
    CHECK(fixture.good("-t a -n -p 8883 --no-tls").run.warnings.empty());
    CHECK(fixture.good("-t a -n -p 8883 --cafile mine.pem").run.warnings.empty());
    CHECK(fixture.good("-t a -n -p 1883").run.warnings.empty());
    CHECK(has_tls("--cafile mine.pem"));
    CHECK(has_tls("-L mqtts://b"));
    CHECK(fixture.wrong("-t a -n -L mqtts://b --no-tls") ==
          "-L: mqtts:// and wss:// cannot be used with --no-tls");
    CHECK(fixture.wrong("-t a -n --no-tls -L wss://b") ==
          "-L: mqtts:// and wss:// cannot be used with --no-tls");
    // The config file is the higher source.
    fixture.files["/home/me/.config/mqtt/p.conf"] = "--cafile ca.pem\n";
    CHECK_FALSE(has_tls("--profile p"));
    fixture.files["/home/me/.config/mqtt_pub"] = "--cafile ca.pem\n";
    fixture.files["/home/me/.config/mqtt/p.conf"] = "--no-tls\n";
    CHECK(has_tls("--profile p"));
    fixture.files.erase("/home/me/.config/mqtt_pub");
    CHECK_FALSE(has_tls("--profile p"));
    CHECK(has_tls("--profile p -L mqtts://b"));
}

TEST_CASE("the system's CAs are trusted when nothing else is named") {
    CHECK(pub_client("-p 8883").endpoint.tls->system_store);
    CHECK(pub_client("--cert c --key k").endpoint.tls->system_store);
    CHECK_FALSE(pub_client("--cafile x").endpoint.tls->system_store);
    CHECK(pub_client("--cafile x --tls-use-os-certs").endpoint.tls->system_store);
    CHECK_FALSE(pub_client("--psk 00 --psk-identity me").endpoint.tls->system_store);
}

TEST_CASE("--insecure warns") {
    CHECK(build(pub_fixture(), "-t a -n --insecure").warnings.size() == 1);
    CHECK(build(pub_fixture(), "-t a -n -p 8883").warnings.empty());
}

TEST_CASE("the port is the one given, else that of the transport") {
    CHECK(effective_port(pub_client("").endpoint) == 1883);
    CHECK(effective_port(pub_client("--cafile x").endpoint) == 8883);
    CHECK(effective_port(pub_client("--cafile x -p 1").endpoint) == 1);
    CHECK(effective_port(pub_client("-L ws://b").endpoint) == 80);
    CHECK(effective_port(pub_client("-L wss://b").endpoint) == 443);
    CHECK(effective_port(pub_client("-L mqtt://b:5").endpoint) == 5);
}

TEST_CASE("WebSocket by option or URL, with path and headers") {
    CHECK_FALSE(pub_client("").endpoint.websocket.has_value());
    CHECK(pub_client("--ws").endpoint.websocket->path == "/mqtt");
    CHECK(pub_client("-L ws://b --ws-path /x").endpoint.websocket->path == "/x");
    CHECK(pub_client("--ws-header 'A: b'").endpoint.websocket->headers == std::vector<std::string>{"A: b"});
}

TEST_CASE("a policy of reconnecting for each kind of run") {
    constexpr auto forever = ReconnectPolicy::forever;
    CHECK(pub_client("").reconnect.first == 0);
    CHECK(pub_client("").reconnect.later == 0);
    CHECK(build(pub_fixture(), "-t a -l").client.reconnect.first == 0);
    CHECK(build(pub_fixture(), "-t a -l").client.reconnect.later == forever);
    CHECK(build(sub_fixture(), "-t a").client.reconnect.first == 0);
    CHECK(build(sub_fixture(), "-t a").client.reconnect.later == forever);
    CHECK(pub_client("--reconnect 3").reconnect.first == 3);
    CHECK(build(sub_fixture(), "-t a --reconnect 3").client.reconnect.later == 3);
    CHECK(pub_client("--reconnect-delay 90").reconnect.max_delay == std::chrono::seconds(90));
}

TEST_CASE("the will") {
    CHECK_FALSE(pub_client("").session.will.has_value());
    const auto will = *pub_client(
                           "--will-topic w --will-payload gone --will-qos 1 --will-retain "
                           "-D will will-delay-interval 5")
                           .session.will;
    CHECK(will.topic == "w");
    CHECK(will.payload == "gone");
    CHECK(will.qos == Qos::at_least_once);
    CHECK(will.retain);
    CHECK(will.properties.view().number_or(PropertyId::will_delay_interval, 0) == 5);
}

TEST_CASE("a password of the environment counts with a user name only") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_PASSWORD"] = "secret";
    CHECK_FALSE(build(fixture, "-t a -n").client.session.password.has_value());
    CHECK(build(fixture, "-t a -n -u me").client.session.password->view() == "secret");
    CHECK(build(fixture, "-t a -n -u me -P other").client.session.password->view() == "other");
}

TEST_CASE("who sets topic aliases by hand gets no others") {
    CHECK(pub_client("-V 5").session.use_topic_aliases);
    CHECK_FALSE(pub_client("-D publish topic-alias 3").session.use_topic_aliases);
}

TEST_CASE("time-outs: 0 is no limit") {
    CHECK(pub_client("--connect-timeout 2.5").connect_timeout == std::chrono::milliseconds(2500));
    CHECK(pub_client("--connect-timeout 0").connect_timeout > std::chrono::hours(24));
    CHECK(pub_client("--ack-timeout 0").session.ack_timeout == Duration::zero());
}
