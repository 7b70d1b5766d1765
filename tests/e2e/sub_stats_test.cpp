// mqtt_sub --stats, with and without the stamps of mqtt_pub.
#include <doctest/doctest.h>

#include <string>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

TEST_CASE("--stats prints the number of messages on stderr at the end") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "-C", "2", "--stats"});
    broker.publish("a", "12345");
    REQUIRE(sub.process.wait_out("12345\n"));  // messages that arrive in one read have no rate
    broker.publish("a", "12345");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "12345\n12345\n");
    CHECK(sub.process.err().starts_with("mqtt_sub: 2 messages received, 10 bytes of payload in "));
    CHECK_FALSE(has(sub.process.err(), "stamped"));

    Subscribed ended(broker, {"-t", "a", "-W", "0.1", "--stats"});
    CHECK(ended.process.wait() == Exit{.code = 27});
    CHECK(has(ended.process.err(), "mqtt_sub: 0 messages received, "));
}

TEST_CASE("stamped messages show losses, duplicates, order and latency") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "-q", "1", "-C", "500", "--stats"});
    CHECK(run(client("mqtt_pub", broker.port(),
                     {"-t", "a", "-q", "1", "-m", "x", "--repeat", "500", "--stamp"}))
              .exit == ok);
    CHECK(sub.process.wait() == ok);
    CHECK(has(sub.process.err(), "500 messages received, 25.5 kB of payload in "));
    CHECK(has(sub.process.err(),
              "; 500 stamped by 1 publisher: 0 lost, 0 duplicates, 0 out of order; latency: min "));
}

TEST_CASE("--stats=json is the last line, after what is printed") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-t", "a", "-C", "1", "--stats=json", "--decode", "json"});
    command.argv = Words{"sh", "-c", "exec \"$@\" 2>&1", "sh"} + runnable(command.argv);
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "12");
    CHECK(sub.wait() == ok);
    CHECK(
        sub.out() ==
        "12\n"
        R"({"messages":1,"payload_bytes":2,"seconds":0,"messages_per_second":null,"payload_bytes_per_second":null,)"
        R"("stamped":null,"latency":null,"undecoded":0})"
        "\n");
}

TEST_CASE("stamped messages through Mosquitto arrive once and in order" * needs_mosquitto()) {
    const RealBroker broker;
    Process sub(client("mqtt_sub", broker.port(), {"-t", "a", "-q", "2", "-C", "100", "-d", "--stats"}));
    REQUIRE(sub.wait_err("SUBACK"));
    CHECK(run(client("mqtt_pub", broker.port(), {"-t", "a", "-q", "2", "-n", "--repeat", "100", "--stamp"}))
              .exit == ok);
    CHECK(sub.wait() == ok);
    CHECK(
        has(sub.err(), "; 100 stamped by 1 publisher: 0 lost, 0 duplicates, 0 out of order; latency: min "));
}
