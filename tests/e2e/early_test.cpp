// What is sent with CONNECT, before CONNACK: SUBSCRIBE.
#include <doctest/doctest.h>

#include "delivery.hpp"
#include "scripted_peer.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

Result run_against(const ScriptedPeer& peer, const char* program, const Words& options) {
    return run(client(program, peer.port(), options));
}

/// In the output of -d.
bool is_before(const Result& result, std::string_view first, std::string_view second) {
    REQUIRE(has(result.err, first));
    REQUIRE(has(result.err, second));
    return result.err.find(first) < result.err.find(second);
}

}  // namespace

TEST_CASE("the broker gets SUBSCRIBE before it has sent CONNACK") {
    // CONNACK is sent after it.
    for (const bool v5 : {false, true}) {
        CAPTURE(v5);
        const std::string connack = v5 ? "20 03 00 00 00 " : "20 02 00 00 ";
        const Words version = {"-d", "-V", v5 ? "5" : "311"};
        ScriptedPeer subscribed(
            {{PacketType::subscribe, hex(connack + (v5 ? "90 04 00 01 00 00" : "90 03 00 01 00"))}});
        const Result received = run_against(subscribed, "mqtt_sub", version + Words{"-t", "a/#", "-E"});
        CHECK(received.exit == ok);
        CHECK(is_before(received, "sent SUBSCRIBE", "received CONNACK"));
        CHECK(subscribed.connections() == 1);
    }
}

TEST_CASE("what depends on CONNACK waits for it") {
    ScriptedPeer v311({connack_v311()}, true);
    // A broker that does not accept early packets might have taken it, and would get it twice.
    for (const Words& options : {Words{"-q", "0"}, Words{"-q", "1"}, Words{"-q", "2"}}) {
        CAPTURE(as_line(options));
        const Result result = run_against(v311, "mqtt_pub", Words{"-t", "a", "-m", "x", "-d"} + options);
        CHECK(is_before(result, "received CONNACK", "sent PUBLISH"));
    }
    ScriptedPeer v5({connack_v5()}, true);
    for (const Words& options :
         {Words{"-V", "5", "-t", "$share/g/a"}, Words{"-V", "5", "-t", "a", "-t", "$share/g/a"},
          Words{"-t", "a", "-D", "subscribe", "subscription-identifier", "1"}, Words{"-t", "a", "-V", "auto"},
          Words{"-V", "5", "-t", "a", "--will-topic", "gone"}}) {
        CAPTURE(as_line(options));
        const Result result = run_against(v5, "mqtt_sub", Words{"-d", "--reconnect", "never"} + options);
        CHECK(is_before(result, "received CONNACK", "sent SUBSCRIBE"));
    }
}

TEST_CASE("a broker that closes the connection for it is connected to again at once, silently") {
    const std::vector<Line> script = {connack_v311(),
                                      {PacketType::subscribe, hex("90 03 00 01 00 30 04 00 01 'a' 'x'")}};
    ScriptedPeer subscribed(script, false, 1);
    const Result received = run_against(subscribed, "mqtt_sub", {"-t", "a", "-C", "1"});
    CHECK(received.exit == ok);
    CHECK(received.out == "x\n");
    CHECK(received.err.empty());
    CHECK(subscribed.connections() == 2);

    // Also with --reconnect never.
    ScriptedPeer once(script, false, 1);
    const Result reported =
        run_against(once, "mqtt_sub", {"-t", "a", "-C", "1", "--reconnect", "never", "-d"});
    CHECK(reported.exit == ok);
    CHECK(has(reported.err, "; trying again, waiting for CONNACK before other packets\n"));
    CHECK(reported.err.rfind("sent SUBSCRIBE") > reported.err.find("received CONNACK"));
}

TEST_CASE("when the second connection is closed too, message and exit code are those of a run that waits") {
    ScriptedPeer closing({}, true);
    const Result waits = run_against(closing, "mqtt_sub", {"-t", "a", "-V", "31", "--reconnect", "never"});
    CHECK(closing.connections() == 1);
    const Result early = run_against(closing, "mqtt_sub", {"-t", "a", "--reconnect", "never"});
    CHECK(closing.connections() == 3);
    CHECK(early.exit == waits.exit);
    CHECK(early.err == waits.err);
}

TEST_CASE("a refusal in CONNACK is final: there is no second connection") {
    ScriptedPeer refusing({{PacketType::connect, hex("20 02 00 05")}}, true);
    const Result sub = run_against(refusing, "mqtt_sub", {"-t", "a"});
    CHECK(sub.exit.code == 5);
    CHECK(refusing.connections() == 1);
    const Result pub = run_against(refusing, "mqtt_pub", {"-t", "a", "-m", "x", "-q", "1"});
    CHECK(pub.exit.code == 5);
    CHECK(refusing.connections() == 2);
}

TEST_CASE("Mosquitto's refusal of a password is received though it does not read what follows CONNECT" *
          needs_mosquitto()) {
    RealBroker broker("allow_anonymous false\n");
    const auto connections = [](const std::string& log) { return count_of(log, "New connection from"); };
    for (std::size_t i = 1; i <= 20; ++i) {
        const Result sub = run(client("mqtt_sub", broker.port(), {"-t", "a", "-u", "me", "-P", "wrong"}));
        CHECK(sub.exit.code == 5);
        CHECK(has(sub.err, "the broker refused the connection"));
        const Result pub =
            run(client("mqtt_pub", broker.port(), {"-t", "a", "-m", "x", "-q", "1", "-V", "5"}));
        CHECK(pub.exit.code == 135);
    }
    // Its log is read by another thread.
    broker.process().wait_until([&](auto&, const std::string& log) { return connections(log) >= 40; });
    CHECK(connections(broker.log()) == 40);
}
