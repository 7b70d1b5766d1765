// Which messages mqtt_sub prints (-T, -R, retained ones, --random-filter), and its subscription options.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "sub_program.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::Broker;
using mqttc::broker::BrokerThread;

namespace {

void retain(BrokerThread& broker, const std::string& topic, const std::string& payload) {
    broker.publish(topic, payload, Qos::at_most_once, true);
}

/// The options of the subscription to `filter`.
broker::SubscriptionOptions subscription(BrokerThread& broker, const std::string& filter) {
    return broker.ask([&](Broker& it) {
        for (const auto& [id, session] : it.sessions()) {
            const auto found = session->subscriptions.find(filter);
            if (found != session->subscriptions.end()) return found->second;
        }
        return broker::SubscriptionOptions{};
    });
}

std::size_t count_lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("messages that -T filters out are neither printed nor counted") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "#", "-T", "noise/#", "-T", "+/hum", "-C", "2", "-v"});
    for (const char* topic : {"noise/1", "salon/hum", "salon/temp", "noise", "salon/x"})
        broker.publish(topic, "1");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "salon/temp 1\nsalon/x 1\n");
}

TEST_CASE("-R prints no retained messages") {
    BrokerThread broker;
    retain(broker, "a", "old");
    Subscribed sub(broker, {"-t", "#", "-R", "-C", "1"});
    broker.publish("a", "new");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "new\n");
}

TEST_CASE("--retained-only ends at the first message that is not retained") {
    BrokerThread broker;
    retain(broker, "a", "1");
    retain(broker, "b", "2");
    Subscribed sub(broker, {"-t", "#", "--retained-only", "-v"});
    REQUIRE(sub.process.wait_out("b 2\n"));
    broker.publish("c", "3");
    CHECK(sub.process.wait() == ok);
    CHECK(count_lines(sub.process.out()) == 2);
}

TEST_CASE("--idle-timeout does not count an outage") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "--idle-timeout", "0.3", "--connect-timeout", "0.2",
                            "--reconnect-delay", "0.01"});
    broker.set([](broker::Behaviour& it) { it.answer_connect = false; });
    broker.drop_connections();
    // Each attempt takes 0.2 s.
    REQUIRE(broker.wait_until([](Broker& it) { return it.counters().connections >= 5; }));
    CHECK(sub.process.running());
    broker.set([](broker::Behaviour& it) { it.answer_connect = true; });
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.err().find("connected again") != std::string::npos);
}

TEST_CASE("--remove-retained clears what it receives, except what -T filters out") {
    BrokerThread broker;
    for (int i = 0; i < 50; ++i) retain(broker, "clear/" + std::to_string(i), "x");
    retain(broker, "spare/1", "y");
    const Result result = run(subscriber(broker, {"-t", "#", "-T", "spare/#", "--remove-retained",
                                                  "--retained-only", "--idle-timeout", "0.3"}));
    CHECK(result.exit == ok);
    CHECK(count_lines(result.out) == 50);
    const Result left = run(subscriber(broker, {"-t", "#", "--idle-timeout", "0.2", "-v"}));
    CHECK(left.out == "spare/1 y\n");
    CHECK(broker.violations().empty());
}

TEST_CASE("--remove-retained with -C clears what was printed before it ends") {
    BrokerThread broker;
    for (int i = 0; i < 30; ++i) retain(broker, "clear/" + std::to_string(i), "x");
    const Result result = run(subscriber(broker, {"-t", "#", "--remove-retained", "-C", "30"}));
    CHECK(result.exit == ok);
    CHECK(run(subscriber(broker, {"-t", "#", "--idle-timeout", "0.2"})).out.empty());
}

TEST_CASE("a broker that refuses to clear a retained message is reported") {
    broker::Options options;
    options.deny_publish = {"locked"};
    BrokerThread broker(options);
    retain(broker, "locked", "x");
    retain(broker, "open", "x");
    const Result result =
        run(subscriber(broker, {"-V", "5", "-t", "#", "--remove-retained", "--idle-timeout", "0.3"}));
    CHECK(result.exit == Exit{.code = 66});
    CHECK(result.err ==
          "mqtt_sub: warning: the broker did not clear the retained message of 'locked': not authorized\n"
          "mqtt_sub: 1 of 2 retained messages cleared\n");
}

TEST_CASE("--random-filter prints about that percentage") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "#", "--random-filter", "25"});
    for (int i = 0; i < 4000; ++i) broker.publish("a", "x");
    broker.publish("a", "", Qos::at_most_once);
    Subscribed all(broker, {"-t", "#", "--random-filter", "100", "-C", "200"}, 2);
    for (int i = 0; i < 200; ++i) broker.publish("a", "y");
    CHECK(all.process.wait() == ok);
    CHECK(count_lines(all.process.out()) == 200);
    REQUIRE(sub.process.wait_out("y"));
    sub.process.send_signal(SIGTERM);
    CHECK(sub.process.wait() == ok);
    const std::string out = sub.process.out();
    const auto printed = static_cast<int>(std::count(out.begin(), out.end(), 'x'));
    CHECK(printed > 800);
    CHECK(printed < 1200);
}

TEST_CASE("with as many -q as -t each topic has its own QoS") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "-q", "0", "-t", "b", "-q", "1", "-t", "c", "-q", "2"}, 3);
    CHECK(subscription(broker, "a").qos == Qos::at_most_once);
    CHECK(subscription(broker, "b").qos == Qos::at_least_once);
    CHECK(subscription(broker, "c").qos == Qos::exactly_once);
}

TEST_CASE("MQTT 5 subscription options and properties reach the broker") {
    BrokerThread broker;
    Subscribed sub(broker,
                   {"-V", "5", "-t", "a", "--retain-as-published", "--retain-handling", "new", "--no-local",
                    "-D", "subscribe", "subscription-identifier", "42", "-F", "%S %r %p", "-C", "1"});
    const auto options = subscription(broker, "a");
    CHECK(options.no_local);
    CHECK(options.retain_as_published);
    broker.publish("a", "x", Qos::at_most_once, true);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "42 1 x\n");
}

TEST_CASE("with --retain-handling never the broker sends no retained messages") {
    BrokerThread broker;
    retain(broker, "a", "x");
    const Result result =
        run(subscriber(broker, {"-t", "#", "--retain-handling", "never", "--idle-timeout", "0.2"}));
    CHECK(result.exit == ok);
    CHECK(result.out.empty());
}

TEST_CASE("-U without -t unsubscribes in a persistent session") {
    for (const char* version : {"311", "5"}) {
        BrokerThread broker;
        const Words session = {"-V", version, "-i", "persistent", "-c"};
        Words first = session;
        first.insert(first.end(), {"-t", "a", "-t", "b", "-E"});
        REQUIRE(run(subscriber(broker, first)).exit == ok);
        Words second = session;
        second.insert(second.end(), {"-U", "a", "-E"});
        CHECK(run(subscriber(broker, second)).exit == ok);
        CHECK(wait_for_subscriptions(broker, 1));
        CHECK(broker.violations().empty());
    }
}
