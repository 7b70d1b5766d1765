// Several brokers: mqtt_pub and mqtt_sub with --failover, when the one in use is gone.
#include <doctest/doctest.h>

#include <string>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "sub_program.hpp"
#include "support/port.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::BrokerThread;

namespace {

std::string address(std::uint16_t port) {
    return "127.0.0.1:" + std::to_string(port);
}

}  // namespace

TEST_CASE("a first broker that cannot be reached is replaced at once, for a single message too") {
    BrokerThread second;
    const auto nobody = free_port();
    const Result result = publish(nobody, {"--failover", address(free_port()), "--failover",
                                           address(second.port()), "-q", "1", "-t", "a", "-m", "x"});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(has(result.err, "cannot connect to " + address(nobody)));
    CHECK(has(result.err, "connected to " + address(second.port()) + "\n"));
    CHECK(second.received().size() == 1);

    const Result none = publish(nobody, {"--failover", address(free_port()), "-t", "a", "-m", "x"});
    CHECK(none.exit == Exit{.code = 61});
}

TEST_CASE("a list of URLs in MQTT_URL is tried in its order") {
    BrokerThread first;
    BrokerThread second;
    for (const bool gone : {false, true}) {
        CAPTURE(gone);
        if (gone) first.stop_accepting();
        Command command = pub_command({"-m", "x", "-q", "1"});
        command.env.emplace_back(
            "MQTT_URL", "mqtt://" + address(first.port()) + "/topic,mqtt://" + address(second.port()));
        CHECK(run(std::move(command)).exit == Exit{.code = 0});
        REQUIRE(first.received().size() == 1);
        CHECK(second.received().size() == (gone ? 1 : 0));
    }
}

TEST_CASE("a stream and its subscriber move to the next broker, and lose nothing of what follows") {
    BrokerThread first;
    BrokerThread second;
    Subscribed sub(first, {"-t", "a", "-q", "1", "-C", "2", "--failover", address(second.port())});
    Command command =
        pub_command(first.port(), {"-q", "1", "-t", "a", "-l", "--failover", address(second.port())});
    command.keep_stdin_open = true;
    Process pub(command);
    pub.write("before\n");
    REQUIRE(sub.process.read_line() == "before");
    first.stop_accepting();
    first.drop_connections();
    REQUIRE(sub.process.wait_err("connected again to " + address(second.port())));
    REQUIRE(wait_for_subscriptions(second));
    REQUIRE(pub.wait_err("connected again to " + address(second.port())));
    pub.write("after\n");
    pub.close_stdin();
    CHECK(pub.wait() == Exit{.code = 0});
    CHECK(sub.process.wait() == Exit{.code = 0});
    CHECK(sub.process.out() == "before\nafter\n");
}
