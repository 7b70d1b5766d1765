// How mqtt_sub ends: exit codes, signals, refusals, lost connections.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "sub_program.hpp"
#include "support/port.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::Behaviour;
using mqttc::broker::BrokerThread;

TEST_CASE("SIGINT and SIGTERM end the program at once, with DISCONNECT and exit code 0") {
    for (const int number : {SIGINT, SIGTERM}) {
        for (const bool broker_closes : {true, false}) {
            BrokerThread broker;
            broker.set([=](Behaviour& it) { it.close_after_disconnect = broker_closes; });
            // Without DISCONNECT the broker would publish the will.
            Subscribed sub(broker, {"-t", "a", "--will-topic", "will", "--will-payload", "gone"});
            const auto start = std::chrono::steady_clock::now();
            sub.process.send_signal(number);
            CHECK(sub.process.wait() == ok);
            CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1000));
            CHECK(sub.process.err().empty());
            Subscribed after(broker, {"-t", "will", "--idle-timeout", "0.2"});
            CHECK(after.process.wait() == ok);
            CHECK(after.process.out().empty());
        }
    }
}

TEST_CASE("a signal ends the program while it waits for CONNACK") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_connect = false; });
    Process sub(subscriber(broker, {"-t", "a"}));
    REQUIRE(broker.wait_until([](broker::Broker& it) { return it.counters().connections == 1; }));
    sub.send_signal(SIGTERM);
    CHECK(sub.wait() == ok);
}

TEST_CASE("signals until the process has ended do not replace its exit code") {
    BrokerThread broker;
    for (int round = 0; round < 50; ++round) {
        Subscribed sub(broker, {"-t", "a", "-C", "1"});
        broker.publish("a", "x");
        while (sub.process.running()) sub.process.send_signal(SIGTERM);
        CHECK(sub.process.wait() == ok);
    }
}

TEST_CASE("when all subscriptions are refused, they are reported and the exit code is 67") {
    broker::Options options;
    options.deny_subscribe = {"secret/1", "secret/2"};
    BrokerThread broker(options);
    Result result = run(subscriber(broker, {"-t", "secret/1"}));
    CHECK(result.exit == Exit{.code = 67});
    CHECK(result.err == "mqtt_sub: the broker refused the subscription to 'secret/1'\n");
    result = run(subscriber(broker, {"-V", "5", "-t", "secret/1", "-t", "secret/2", "-C", "1"}));
    CHECK(result.exit == Exit{.code = 67});
    CHECK(result.err ==
          "mqtt_sub: warning: the broker refused the subscription to 'secret/1': not authorized\n"
          "mqtt_sub: warning: the broker refused the subscription to 'secret/2': not authorized\n"
          "mqtt_sub: all subscriptions were refused\n");
}

TEST_CASE("one refused subscription of several is a warning") {
    broker::Options options;
    options.deny_subscribe = {"secret"};
    BrokerThread broker(options);
    Subscribed sub(broker, {"-V", "5", "-t", "secret", "-t", "open", "-C", "1"});
    REQUIRE(sub.process.wait_err("the subscription to 'secret': not authorized\n"));
    broker.publish("open", "x");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "x\n");
}

TEST_CASE("with -E one refused subscription ends with 67") {
    broker::Options options;
    options.deny_subscribe = {"secret"};
    BrokerThread broker(options);
    const Result result = run(subscriber(broker, {"-V", "5", "-t", "secret", "-t", "open", "-E"}));
    CHECK(result.exit == Exit{.code = 67});
    CHECK(result.err ==
          "mqtt_sub: warning: the broker refused the subscription to 'secret': not authorized\n");
    broker.set([](Behaviour& it) { it.unsuback_code = reason::not_authorized; });
    CHECK(run(subscriber(broker, {"-V", "5", "-U", "old", "-E"})).exit == Exit{.code = 67});
    // With subscriptions their answers are waited for, as in Mosquitto.
    CHECK(run(subscriber(broker, {"-V", "5", "-t", "open", "-U", "old", "-E"})).exit == Exit{.code = 0});
}

TEST_CASE("the code of a refusing CONNACK is the exit code") {
    struct Row {
        const char* version;
        std::uint8_t code;
    };
    for (const Row row :
         {Row{"311", 1}, Row{"311", 4}, Row{"311", 5}, Row{"31", 5}, Row{"5", 134}, Row{"5", 135}}) {
        CAPTURE(row.version);
        BrokerThread broker;
        broker.set([=](Behaviour& it) { it.connack_code = row.code; });
        const Result result = run(subscriber(broker, {"-V", row.version, "-t", "a"}));
        CHECK(result.exit == Exit{.code = row.code});
        CHECK(result.out.empty());
        CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    }
}

TEST_CASE("connection refused ends with 61, an unknown host with 60") {
    Result result =
        run({program("mqtt_sub"), "-h", "127.0.0.1", "-p", std::to_string(free_port()), "-t", "a"});
    CHECK(result.exit == Exit{.code = 61});
    CHECK(result.err.find("mqtt_sub: cannot connect to 127.0.0.1:") == 0);
    result = run({program("mqtt_sub"), "-h", "no-such-host.invalid", "-t", "a"});
    CHECK(result.exit == Exit{.code = 60});
}

TEST_CASE("after a lost connection mqtt_sub reconnects and resubscribes, and reports it once") {
    for (const char* version : {"311", "5"}) {
        CAPTURE(version);
        BrokerThread broker;
        Subscribed sub(broker, {"-V", version, "-t", "a", "-C", "2", "--reconnect-delay", "0.05:0.05"});
        broker.publish("a", "before");
        REQUIRE(sub.process.read_line() == "before");
        broker.stop_accepting();
        broker.drop_connections();
        REQUIRE(sub.process.wait_err("cannot connect"));
        REQUIRE(broker.resume_accepting());
        REQUIRE(sub.process.wait_err("connected again to 127.0.0.1:" + std::to_string(broker.port()) + "\n"));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", "after");
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out() == "before\nafter\n");
        const std::string err = sub.process.err();
        CHECK(err.find("trying again in 0.05 s (forever; --reconnect N or -W limits it)") !=
              std::string::npos);
        CHECK(std::count(err.begin(), err.end(), '\n') == 3);
        CHECK(broker.violations().empty());
    }
}

TEST_CASE(
    "a broker that closes twice in a row on an unusual filter ends the run with 67 and the likely cause") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.close_at_subscribe = true; });
    const Result result = run(subscriber(broker, {"-t", "$share/group/a.b"}));
    CHECK(result.exit == Exit{.code = 67});
    CHECK(result.err.find(
              "again; likely cause: it does not accept a dot in the topic, or shared subscriptions\n") !=
          std::string::npos);
    CHECK(broker.connects().size() == 2);
}

TEST_CASE("a shared subscription that brought nothing in MQTT 3.1.1 is reported at the end") {
    constexpr auto* note =
        "no message was received for '$share/group/a': a broker without shared subscriptions";
    BrokerThread broker;
    for (const char* version : {"311", "5"}) {
        CAPTURE(version);
        const Result result = run(subscriber(broker, {"-V", version, "-t", "$share/group/a", "-W", "0.3"}));
        CHECK(result.exit == Exit{.code = 27});
        CHECK((result.err.find(note) != std::string::npos) == (std::string(version) == "311"));
    }
    Subscribed sub(broker, {"-V", "311", "-t", "$share/group/a", "-C", "1"});
    broker.publish("a", "x");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.err().empty());
}

TEST_CASE("shared subscriptions that a broker forgot are repeated, and no retained messages arrive again") {
    for (const char* version : {"311", "5"}) {
        CAPTURE(version);
        BrokerThread broker;
        broker.publish("kept", "retained", Qos::at_most_once, true);
        Subscribed sub(broker,
                       {"-V", version, "-i", "worker", "-c", "-t", "$share/group/a", "-t", "kept", "-v", "-C",
                        "2", "--reconnect-delay", "0.05:0.05"},
                       2);
        REQUIRE(sub.process.read_line() == "kept retained");
        // As Mosquitto 2.0 when it restarts.
        broker.ask([](broker::Broker& it) {
            it.sessions().unsubscribe(*it.sessions().find("worker"), "$share/group/a");
            it.drop_connections();
        });
        REQUIRE(wait_for_subscriptions(broker, 2));
        broker.publish("a", "after");
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out() == "kept retained\na after\n");
    }
}

TEST_CASE("--reconnect never ends with 65 when the connection is lost") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "--reconnect", "never"});
    broker.drop_connections();
    CHECK(sub.process.wait() == Exit{.code = 65});
    const std::string err = sub.process.err();
    CHECK(std::count(err.begin(), err.end(), '\n') == 1);
}

TEST_CASE("QoS 2 messages are printed once over a lost connection") {
    BrokerThread broker;
    Subscribed sub(broker, {"-V", "5", "-i", "once", "-c", "-q", "2", "-t", "a", "-C", "300",
                            "--reconnect-delay", "0.01:0.01"});
    for (int i = 0; i < 300; ++i) {
        broker.publish("a", std::to_string(i), Qos::exactly_once);
        if (i % 50 == 25) {
            broker.drop_connections();
            REQUIRE(broker.wait_for_clients(1));
        }
    }
    CHECK(sub.process.wait() == ok);
    std::string expected;
    for (int i = 0; i < 300; ++i) expected += std::to_string(i) + "\n";
    CHECK(sub.process.out() == expected);
    CHECK(broker.violations().empty());
}

TEST_CASE("-d prints each packet on stderr, not on stdout") {
    BrokerThread broker;
    Subscribed sub(broker, {"-d", "-t", "a", "-C", "1"});
    broker.publish("a", "x");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "x\n");
    const std::string err = sub.process.err();
    for (const char* line : {"sent CONNECT", "received CONNACK", "sent SUBSCRIBE", "received SUBACK",
                             "received PUBLISH", "sent DISCONNECT"}) {
        CHECK(err.find(std::string("mqtt_sub: ") + line) != std::string::npos);
    }
}

TEST_CASE("invalid filters and formats are reported before connecting") {
    for (const Words& options : {Words{"-t", "maison/+temp"}, Words{"-t", "a", "-F", "%z"},
                                 Words{"-t", "a", "-T", "x#"}, Words{"-U", "a/#/b"}, Words{"-C", "1"}}) {
        CAPTURE(as_line(options));
        BrokerThread broker;
        const Result result = run(subscriber(broker, options));
        CHECK(result.exit == Exit{.code = 1});
        CHECK(result.err.find("mqtt_sub: ") == 0);
        CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
        CHECK(broker.ask([](broker::Broker& it) { return it.counters().connections; }) == 0);
    }
    BrokerThread broker;
    CHECK(run(subscriber(broker, {"-t", "maison/+temp"})).err.find("maison/+/temp") != std::string::npos);
}
