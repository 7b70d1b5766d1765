// mqtt_sub --remove-retained --dry-run: what would be cleared.
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

TEST_CASE("--dry-run prints the topics that --remove-retained would clear, and clears nothing") {
    BrokerThread broker;
    for (const char* topic : {"a/1", "a/2", "a/keep"}) broker.publish(topic, "x", Qos::at_most_once, true);
    const Words dry{"-t", "a/#", "-T", "a/keep", "--remove-retained", "--dry-run"};
    Subscribed sub(broker, dry);
    REQUIRE(sub.process.wait_out("a/2\n"));
    broker.publish("a/live", "y");
    sub.process.send_signal(SIGINT);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "a/1\na/2\n");
    CHECK(broker.received().empty());

    // The messages are still retained; -v and -F print them; --random-filter has no effect.
    for (const Words& more : {Words{"-v"}, Words{"-F", "%t %p"}, Words{"-v", "--random-filter", "0.1"}}) {
        const Result again = run(subscriber(broker, dry + more + Words{"--idle-timeout", "0.2"}));
        CHECK(again.exit == ok);
        CHECK(again.out == "a/1 x\na/2 x\n");
    }
}

TEST_CASE("--dry-run and then the removal with Mosquitto" * needs_mosquitto()) {
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    REQUIRE(run({mosquitto_pub_path, "-p", port, "-t", "a/1", "-r", "-m", "x"}).exit == ok);
    const Words list{program("mqtt_sub"), "-h", "127.0.0.1", "-p", port, "-t", "#", "--remove-retained",
                     "--idle-timeout",    "0.3"};
    CHECK(run(list + Words{"--dry-run"}).out == "a/1\n");
    CHECK(run(list + Words{"--dry-run"}).out == "a/1\n");
    CHECK(run(list).exit == ok);
    CHECK(run(list + Words{"--dry-run"}).out.empty());
}
