// Each reason code of a broker is reported on stderr and determines the exit code; its limits are checked before sending.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>

#include "broker_thread.hpp"
#include "delivery.hpp"
#include "mqttc/reason.hpp"
#include "scripted_peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::BrokerThread;

namespace {

const Words to_publish{"-V", "5", "-t", "a", "-m", "x"};
const Words to_subscribe{"-V", "5", "-t", "a", "-C", "1", "--reconnect", "never"};

struct Case {
    const char* program;
    Words options;
    std::vector<Line> script;
    PacketType answer;  ///< its codes replace ff in the last line
};

/// Runs `check(code, name, result)` for each failure code that the packet may carry.
template <class Check>
void for_each_code(const Case& one, Check check) {
    std::size_t codes = 0;
    for (const ReasonInfo& row : reason_table()) {
        if (row.code < reason::unspecified_error || !reason_allowed(one.answer, row.code)) continue;
        CAPTURE(one.program);
        CAPTURE(packet_type_name(one.answer));
        CAPTURE(row.name);
        auto script = one.script;
        for (auto& byte : script.back().bytes)
            if (byte == 0xff) byte = row.code;
        ScriptedPeer peer(std::move(script));
        const Result result = run(client(one.program, peer.port(), one.options));
        CAPTURE(result.err);
        CHECK(result.out.empty());
        CHECK(has(result.err, row.name));
        check(row.code, result);
        ++codes;
    }
    CHECK(codes > 3);
}

}  // namespace

TEST_CASE("every CONNACK code is reported and is the exit code, in both programs") {
    const std::vector<Line> script{{PacketType::connect, hex("20 03 00 ff 00")}};
    const auto check = [](ReasonCode code, const Result& result) { CHECK(result.exit.code == code); };
    for_each_code({"mqtt_pub", to_publish, script, PacketType::connack}, check);
    for_each_code({"mqtt_sub", to_subscribe, script, PacketType::connack}, check);
}

TEST_CASE("every CONNACK code of MQTT 3.1.1 is reported and is the exit code") {
    for (const char* version : {"mqttv31", "mqttv311"}) {
        for (std::uint8_t code = 1; code <= 5; ++code) {
            ScriptedPeer peer({{PacketType::connect, {0x20, 2, 0, code}}});
            for (const char* name : {"mqtt_pub", "mqtt_sub"}) {
                Words options{"-V", version, "-t", "a"};
                if (std::string_view(name) == "mqtt_pub") options.insert(options.end(), {"-m", "x"});
                const Result result = run(client(name, peer.port(), options));
                CHECK(result.exit.code == code);
                CHECK(has(result.err, connack_v3_name(code)));
            }
        }
    }
}

TEST_CASE("every code of PUBACK and PUBREC is reported and gives exit code 66") {
    const auto check = [](ReasonCode, const Result& result) {
        CHECK(result.exit.code == 66);
        CHECK(has(result.err, "0 of 1 message delivered"));
    };
    for_each_code({"mqtt_pub",
                   to_publish + Words{"-q", "1"},
                   {connack_v5(), {PacketType::publish, hex("40 03 0001 ff")}},
                   PacketType::puback},
                  check);
    for_each_code({"mqtt_pub",
                   to_publish + Words{"-q", "2"},
                   {connack_v5(), {PacketType::publish, hex("50 03 0001 ff")}},
                   PacketType::pubrec},
                  check);
}

TEST_CASE("every code of SUBACK is reported and gives exit code 67") {
    for_each_code({"mqtt_sub",
                   to_subscribe,
                   {connack_v5(), {PacketType::subscribe, hex("90 04 0001 00 ff")}},
                   PacketType::suback},
                  [](ReasonCode, const Result& result) { CHECK(result.exit.code == 67); });
}

TEST_CASE("every code of UNSUBACK is reported, and when nothing was unsubscribed the exit code is 67") {
    for_each_code({"mqtt_sub",
                   {"-V", "5", "-U", "a", "-E"},
                   {connack_v5(), {PacketType::unsubscribe, hex("b0 04 0001 00 ff")}},
                   PacketType::unsuback},
                  [](ReasonCode, const Result& result) { CHECK(result.exit.code == 67); });
}

TEST_CASE("every code of DISCONNECT is reported and gives exit code 65, or for a redirect the code itself") {
    const auto redirects = [](ReasonCode code) {
        return code == reason::use_another_server || code == reason::server_moved;
    };
    const auto check = [&](ReasonCode code, const Result& result) {
        CHECK(result.exit.code == (redirects(code) ? int{code} : 65));
    };
    for_each_code({"mqtt_sub",
                   to_subscribe,
                   {connack_v5(), {PacketType::subscribe, hex("e0 01 ff")}},
                   PacketType::disconnect},
                  check);
    for_each_code({"mqtt_pub",
                   to_publish + Words{"-q", "1"},
                   {connack_v5(), {PacketType::publish, hex("e0 01 ff")}},
                   PacketType::disconnect},
                  [&](ReasonCode code, const Result& result) {
                      CHECK(result.exit.code == (redirects(code) ? int{code} : 66));
                  });
}

TEST_CASE("codes that refuse nothing are reported where they matter, and do not change the exit code") {
    struct Row {
        const char* program;
        Words options;
        std::vector<Line> script;
        const char* reported;  ///< "": nothing
        int exit_code;
    };
    const Words stay{"-V", "5", "-t", "a", "--reconnect", "never"};
    const auto publish = [](std::initializer_list<const char*> more) {
        return to_publish + Words(more.begin(), more.end());
    };
    const auto after_publish = [](const char* bytes) {
        return std::vector<Line>{connack_v5(), {PacketType::publish, hex(bytes)}};
    };
    const auto after_subscribe = [](const char* bytes) {
        return std::vector<Line>{connack_v5(), {PacketType::subscribe, hex(bytes)}};
    };
    const Line pubcomp{PacketType::pubrel, hex("70 02 0001")};
    const Line pubrel_unknown{PacketType::pubrec, hex("62 03 0001 92  30 05 0001'a' 00 'y'")};
    const Row rows[] = {
        {"mqtt_pub", publish({"-q", "1"}), after_publish("40 03 0001 00"), "", 0},
        {"mqtt_pub", publish({"-q", "1"}), after_publish("40 03 0001 10"), "", 0},
        {"mqtt_pub", publish({"-q", "1", "-d"}), after_publish("40 03 0001 10"), "no matching subscribers",
         0},
        {"mqtt_pub",
         publish({"-q", "2", "-d"}),
         {connack_v5(), {PacketType::publish, hex("50 03 0001 10")}, pubcomp},
         "no matching subscribers",
         0},
        {"mqtt_pub",
         publish({"-q", "2"}),
         {connack_v5(), {PacketType::publish, hex("50 02 0001")}, {PacketType::pubrel, hex("70 03 0001 92")}},
         "whether 1 was delivered is unknown",
         66},
        {"mqtt_sub",
         {"-V", "5", "-t", "a", "-q", "2", "-C", "2", "-d"},
         {connack_v5(),
          {PacketType::subscribe, hex("90 04 0001 00 02  34 07 0001'a' 0001 00 'x'")},
          pubrel_unknown},
         "packet identifier not found",
         0},
        {"mqtt_sub", stay + Words{"-E"}, after_subscribe("90 04 0001 00 00"), "", 0},
        {"mqtt_sub", stay + Words{"-E", "-q", "2"}, after_subscribe("90 04 0001 00 02"), "", 0},
        {"mqtt_sub", stay + Words{"-E", "-q", "2"}, after_subscribe("90 04 0001 00 01"),
         "grants QoS 1 for 'a' instead of 2", 0},
        {"mqtt_sub", stay + Words{"-E", "-q", "1"}, after_subscribe("90 04 0001 00 00"),
         "grants QoS 0 for 'a' instead of 1", 0},
        {"mqtt_sub",
         {"-V", "311", "-t", "a", "-E", "-q", "2"},
         {connack_v311(), {PacketType::subscribe, hex("90 03 0001 00")}},
         "grants QoS 0 for 'a' instead of 2",
         0},
        {"mqtt_sub", stay + Words{"-E", "-q", "2", "--quiet"}, after_subscribe("90 04 0001 00 01"), "", 0},
        {"mqtt_sub",
         {"-V", "5", "-U", "a", "-E"},
         {connack_v5(), {PacketType::unsubscribe, hex("b0 04 0001 00 00")}},
         "",
         0},
        {"mqtt_sub",
         {"-V", "5", "-U", "a", "-E"},
         {connack_v5(), {PacketType::unsubscribe, hex("b0 04 0001 00 11")}},
         "unsubscribing from 'a': no subscription existed",
         0},
        {"mqtt_sub", stay, after_subscribe("e0 00"), "normal disconnection", 65},
        {"mqtt_sub", stay, after_subscribe("e0 01 04"), "disconnect with will message", 65},
        {"mqtt_pub", publish({"-q", "1"}), after_publish("e0 00"), "normal disconnection", 66},
    };
    for (const Row& row : rows) {
        CAPTURE(row.program);
        CAPTURE(row.reported);
        ScriptedPeer peer(row.script);
        const Result result = run(client(row.program, peer.port(), row.options));
        CAPTURE(result.err);
        CHECK(has(result.err, row.reported));
        CHECK(result.err.empty() == std::string_view(row.reported).empty());
        CHECK(result.exit == Exit{.code = row.exit_code});
    }
}

TEST_CASE("a code that is not allowed in its packet ends with 64") {
    const Words stay{"-V", "5", "-t", "a", "-q", "2", "--reconnect", "never"};
    struct Row {
        const char* program;
        Line line;
    };
    const Row rows[] = {
        {"mqtt_pub", {PacketType::publish, hex("40 03 0001 01")}},
        {"mqtt_pub", {PacketType::publish, hex("50 03 0001 01")}},
        {"mqtt_sub", {PacketType::subscribe, hex("90 04 0001 00 03")}},
        {"mqtt_sub", {PacketType::subscribe, hex("34 06 0001'a' 0001 00  62 03 0001 80")}},
        {"mqtt_sub", {PacketType::subscribe, hex("e0 01 01")}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.program);
        ScriptedPeer peer({connack_v5(), row.line});
        const bool sub = std::string_view(row.program) == "mqtt_sub";
        const Result result =
            run(client(row.program, peer.port(), sub ? stay : to_publish + Words{"-q", "2"}));
        CAPTURE(result.err);
        CHECK(has(result.err, "the broker sent a bad"));
        // An unacknowledged message determines the exit code first.
        CHECK(result.exit == Exit{.code = sub ? 64 : 66});
    }
}

TEST_CASE("a lower granted QoS is reported once per filter, not again after a reconnect") {
    broker::Options options;
    options.limits.maximum_qos = Qos::at_least_once;
    BrokerThread broker(options);
    Process process(client("mqtt_sub", broker.port(),
                           {"-V", "5", "-t", "a", "-q", "2", "-t", "b", "-q", "1", "-t", "c", "-q", "2",
                            "--reconnect-delay", "0.001:0.002"}));
    REQUIRE(process.wait_err("for 'c'"));
    broker.drop_connections();
    REQUIRE(process.wait_err("connected again"));
    broker.publish("c", "x", Qos::exactly_once, false);
    while (!process.wait_out("x\n", std::chrono::milliseconds(50)))
        broker.publish("c", "x", Qos::exactly_once, false);
    process.send_signal(SIGTERM);
    CHECK(process.wait() == Exit{.code = 0});
    CHECK(count_of(process.err(), "grants QoS 1 for 'a' instead of 2") == 1);
    CHECK(count_of(process.err(), "grants QoS 1 for 'c' instead of 2") == 1);
    CHECK(count_of(process.err(), "grants") == 2);
}

TEST_CASE("AUTH that continues authentication ends the program at once with 1") {
    const std::vector<Line> continuing{{PacketType::connect, hex("f0 0b 18 09 15 0006 'SCRAM!'")}};
    for (const char* name : {"mqtt_pub", "mqtt_sub"}) {
        CAPTURE(name);
        Words options{"-V", "5", "-t", "a", "-D", "connect", "authentication-method", "SCRAM!"};
        if (std::string_view(name) == "mqtt_pub") options.insert(options.end(), {"-m", "x"});
        ScriptedPeer peer(continuing);
        const Result result = run(client(name, peer.port(), options));
        CAPTURE(result.err);
        CHECK(result.exit == Exit{.code = 1});
        CHECK(has(result.err, "'SCRAM!'"));
        CHECK(has(result.err, "continue authentication"));
        CHECK(peer.wait_for_close());
        const auto received = peer.received();
        CHECK(received[received.size() - 3] == 0xe0);
        CHECK(received.back() == reason::implementation_specific_error);

        // A broker that accepts the method without AUTH.
        ScriptedPeer accepting({connack_v5(), {PacketType::subscribe, hex("90 04 0001 00 00")}});
        if (std::string_view(name) == "mqtt_sub") options.emplace_back("-E");
        CHECK(run(client(name, accepting.port(), options)).exit == Exit{.code = 0});
    }
}

TEST_CASE("an unexpected AUTH is a protocol error") {
    for (const char* bytes : {"f0 00", "f0 01 18", "f0 01 19"}) {
        CAPTURE(bytes);
        ScriptedPeer peer({{PacketType::connect, hex(bytes)}});
        const Result result = run(client("mqtt_pub", peer.port(), to_publish));
        CHECK(result.exit == Exit{.code = 64});
        CHECK(has(result.err, "AUTH"));
    }
    // Re-authentication, which only a client may start, and success before CONNACK.
    for (const char* bytes : {"f0 00", "f0 01 19"}) {
        CAPTURE(bytes);
        ScriptedPeer peer({{PacketType::connect, hex(bytes)}});
        const Result result = run(client("mqtt_pub", peer.port(),
                                         to_publish + Words{"-D", "connect", "authentication-method", "m"}));
        CHECK(result.exit == Exit{.code = 64});
        CHECK(has(result.err, "AUTH"));
    }
}

TEST_CASE("the reason string of the broker is reported with control characters escaped") {
    const std::vector<std::uint8_t> why = hex("1f 0006 'no'1b'[2J'");
    auto bytes = hex("20 0c 00 87 09");
    bytes.insert(bytes.end(), why.begin(), why.end());
    ScriptedPeer peer({{PacketType::connect, bytes}});
    const Result result = run(client("mqtt_pub", peer.port(), to_publish));
    CHECK(result.exit.code == 135);
    CHECK(has(result.err, "not authorized"));
    CHECK(has(result.err, "no"));
    CHECK(!has(result.err, "\x1b"));
}

TEST_CASE("limits of the broker are checked before sending, and reported") {
    broker::Options options;
    options.limits.maximum_qos = Qos::at_least_once;
    options.limits.retain_available = false;
    options.limits.maximum_packet_size = 100;
    options.limits.wildcard_subscriptions = false;
    options.limits.shared_subscriptions = false;
    options.limits.subscription_identifiers = false;
    BrokerThread broker(options);
    const std::string large(200, 'x');
    struct Row {
        const char* program;
        Words options;
        const char* reported;
    };
    const Row rows[] = {
        {"mqtt_pub", {"-q", "2", "-t", "a", "-m", "x"}, "at most QoS 1"},
        {"mqtt_pub", {"-r", "-t", "a", "-m", "x"}, "not support retained messages"},
        {"mqtt_pub", {"-t", "a", "-m", large}, "the broker accepts at most 100"},
        // It is sent before the limits are known.
        {"mqtt_sub", {"-t", "a/#"}, "wildcard subscriptions not supported"},
        {"mqtt_sub", {"-t", "$share/g/a"}, "not support shared subscriptions"},
        {"mqtt_sub",
         {"-t", "a", "-D", "subscribe", "subscription-identifier", "7"},
         "not support subscription identifiers"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.reported);
        Command command = client(row.program, broker.port(), row.options + Words{"-V", "5"});
        const Result result = run(std::move(command));
        CHECK(has(result.err, row.reported));
        CHECK(result.exit.code == (std::string_view(row.program) == "mqtt_pub" ? 66 : 67));
    }
    CHECK(broker.violations().empty());
    CHECK(broker.received().empty());
}

TEST_CASE("receive maximum, topic alias maximum, server keep-alive and assigned client identifier are used") {
    broker::Options options;
    options.limits.receive_maximum = 2;
    options.limits.topic_alias_maximum = 1;
    options.limits.server_keep_alive = 5;
    BrokerThread broker(options);
    Command command =
        client("mqtt_pub", broker.port(), {"-V", "5", "-q", "1", "-l", "-d", "-t", "a/long/enough/topic"});
    command.input = numbered_lines(200);
    const Result result = run(std::move(command));
    CHECK(result.exit.code == 0);
    CHECK(broker.received().size() == 200);
    CHECK(broker.violations().empty());
    // The reconnect uses the client identifier that the broker assigned.
    Process process(client("mqtt_sub", broker.port(), {"-V", "5", "-t", "a", "--reconnect-delay", "0.01"}));
    REQUIRE(broker.wait_for_clients(1));
    broker.drop_connections();
    REQUIRE(process.wait_err("connected again"));
    CHECK(broker.connects().back().client_id != "");
    process.send_signal(SIGTERM);
    CHECK(process.wait().code == 0);
    CHECK(broker.violations().empty());
}

TEST_CASE("a redirect to another server is named, and followed with --follow-redirect, but not in a loop") {
    BrokerThread other;
    BrokerThread first;
    const auto send_to = [](BrokerThread& from, std::uint16_t port) {
        from.set([port](Behaviour& it) {
            it.connack_code = reason::use_another_server;
            static_cast<void>(
                it.connack_properties.add(PropertyId::server_reference, "127.0.0.1:" + std::to_string(port)));
        });
    };
    send_to(first, other.port());
    const Result named = run(client("mqtt_pub", first.port(), to_publish));
    CHECK(named.exit.code == reason::use_another_server);
    CHECK(has(named.err, "use another server: 127.0.0.1:" + std::to_string(other.port()) +
                             " (connect there, or use --follow-redirect)"));
    CHECK(other.connects().empty());
    Words follow = to_publish;
    follow.push_back("--follow-redirect");
    const Result followed = run(client("mqtt_pub", first.port(), follow));
    CHECK(followed.exit.code == 0);
    CHECK(has(followed.err, ":" + std::to_string(other.port()) + " (connecting there)\n"));
    CHECK(other.wait_for_received(1));
    send_to(other, first.port());
    const Result result = run(client("mqtt_pub", first.port(), follow));
    CHECK(result.exit.code == reason::use_another_server);
    CHECK(has(result.err, "use another server"));
}
