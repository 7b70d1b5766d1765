// mqtt_pub with Debian's Mosquitto: its broker and its subscriber.
#include <doctest/doctest.h>

#include <memory>

#include "pub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc::test;
using namespace std::string_literals;

namespace {

// A retained message from which each subscriber knows that its subscriptions are active.
void announce(RealBroker& broker) {
    publish_ok(broker.port(), {"-t", "ready", "-m", "ready", "-r", "-q", "1"});
}

// A mosquitto_sub that has subscribed and seen the announcement.
std::unique_ptr<Process> subscriber(RealBroker& broker, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {mosquitto_sub_path, "-h", "127.0.0.1", "-p",
                                         std::to_string(broker.port()), "-W", "60"});
    arguments.insert(arguments.end(), {"-t", "ready"});
    auto process = std::make_unique<Process>(Command{.argv = std::move(arguments)});
    REQUIRE(process->wait_out("ready"));
    return process;
}

}  // namespace

TEST_CASE("mosquitto_sub prints our messages at each QoS in each version" * needs_mosquitto()) {
    RealBroker broker;
    announce(broker);
    for (const char* version : {"mqttv31", "mqttv311", "mqttv5"}) {
        for (const char* qos : {"0", "1", "2"}) {
            const auto sub =
                subscriber(broker, {"-t", "maison/+/temp", "-q", "2", "-C", "3", "-F", "<%t|%q|%p>"});
            publish_ok(broker.port(), {"-V", version, "-q", qos, "-t", "maison/salon/hum", "-m", "no"});
            publish_ok(broker.port(), {"-V", version, "-q", qos, "-t", "maison/salon/temp", "-m", "21"});
            publish_ok(broker.port(),
                       {"-V", version, "-q", qos, "-t", "maison/garage/temp", "-m", "\u00e9t\u00e9"});
            CHECK(sub->wait().code == 0);
            CHECK(sub->out().find("<maison/salon/temp|"s + qos + "|21>") != std::string::npos);
            CHECK(sub->out().find("<maison/garage/temp|"s + qos + "|\u00e9t\u00e9>") != std::string::npos);
            CHECK(sub->out().find("|no>") == std::string::npos);
        }
    }
}

TEST_CASE("all 20,000 lines arrive" * needs_mosquitto()) {
    RealBroker broker("allow_anonymous true\nmax_queued_messages 0\n");
    std::string lines;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) lines.append(std::to_string(i)).append("\n");
    announce(broker);
    for (const char* qos : {"0", "1", "2"}) {
        const auto sub = subscriber(broker, {"-t", "n", "-q", qos, "-C", std::to_string(count + 1)});
        publish_ok(broker.port(), {"-q", qos, "-t", "n", "-l"}, lines);
        CHECK(sub->wait(std::chrono::seconds(60)).code == 0);
        CHECK((sub->out() == "ready\n" + lines));
    }
}

TEST_CASE("lines with topics arrive, with --progress and --stats" * needs_mosquitto()) {
    RealBroker broker;
    announce(broker);
    const auto listener = subscriber(broker, {"-t", "room/#", "-q", "1", "-v", "-C", "5"});
    const Result result = publish(
        broker.port(), {"-l", "--input", "topic", "-q", "1", "--skip-invalid", "--stats", "--progress"},
        "room/a 1\nroom/#  wrong\nroom/b\ttwo words\nroom/a 3\nroom/c \n");
    CHECK(result.exit == Exit{.code = 66});
    CHECK(listener->wait() == Exit{.code = 0});
    const std::string out = listener->out();
    for (const char* line : {"room/a 1\n", "room/b two words\n", "room/a 3\n", "room/c (null)\n"})
        CHECK(out.find(line) != std::string::npos);
    CHECK(result.err.find("mqtt_pub: line 2: ") != std::string::npos);
    CHECK(result.err.find("mqtt_pub: 4 ") != std::string::npos);
    CHECK(result.err.find("acknowledg") != std::string::npos);
}

TEST_CASE("the code of its refusing CONNACK is our exit code" * needs_mosquitto()) {
    RealBroker broker("allow_anonymous false\n");
    CHECK(publish(broker.port(), {"-t", "ctrlled", "-m", "1"}).exit.code == 5);
    CHECK(publish(broker.port(), {"-V", "5", "-t", "ctrlled", "-m", "1"}).exit.code == 135);
}

TEST_CASE("a message over its limit is refused, and the others are delivered" * needs_mosquitto()) {
    RealBroker broker("allow_anonymous true\nmessage_size_limit 1000\n");
    announce(broker);
    const std::string lines = "one\n" + std::string(2000, 'x') + "\nthree\n";
    for (const char* qos : {"1", "2"}) {
        const auto sub = subscriber(broker, {"-t", "n", "-q", qos, "-C", "3"});
        const Result result = publish(broker.port(), {"-V", "mqttv5", "-q", qos, "-t", "n", "-l"}, lines);
        CHECK(result.exit == Exit{.code = 66});
        CHECK(result.err.find("packet too large") != std::string::npos);
        CHECK(result.err.find("2 of 3 messages delivered") != std::string::npos);
        CHECK(sub->wait().code == 0);
        CHECK(sub->out() == "ready\none\nthree\n");
    }
}

TEST_CASE("a retained message is stored and cleared" * needs_mosquitto()) {
    RealBroker broker;
    publish_ok(broker.port(), {"-t", "retained", "-m", "value", "-r", "-q", "1"});
    const Result first = run({mosquitto_sub_path, "-h", "127.0.0.1", "-p", std::to_string(broker.port()),
                              "-t", "retained", "-C", "1", "-W", "20"});
    CHECK(first.out == "value\n");
    publish_ok(broker.port(), {"-t", "retained", "-n", "-r", "-q", "1"});
    publish_ok(broker.port(), {"-t", "other", "-m", "end", "-r", "-q", "1"});
    const Result second = run({mosquitto_sub_path, "-h", "127.0.0.1", "-p", std::to_string(broker.port()),
                               "-t", "retained", "-t", "other", "-C", "1", "-W", "20"});
    CHECK(second.out == "end\n");
}
