// What mqtt_sub prints, and when it ends.
#include <doctest/doctest.h>

#include <string>

#include "sub_program.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

std::string all_bytes() {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    return bytes;
}

std::string digits(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('0' + i % 7);
    return text;
}

}  // namespace

TEST_CASE("each message is printed as soon as it arrives") {
    BrokerThread broker;
    Subscribed sub(broker, {"-v", "-t", "test/val"});
    broker.publish("test/val", "Bonjour");
    CHECK(sub.process.read_line() == "test/val Bonjour");
    broker.publish("test/val", "\xc3\xa9t\xc3\xa9");
    CHECK(sub.process.read_line() == "test/val \xc3\xa9t\xc3\xa9");
    broker.publish("test/val", "");
    CHECK(sub.process.read_line() == "test/val (null)");
    CHECK(broker.violations().empty());
}

TEST_CASE("all payload bytes are printed unchanged at each QoS in each version") {
    for (const char* version : {"31", "311", "5"}) {
        for (const Qos qos : {Qos::at_most_once, Qos::at_least_once, Qos::exactly_once}) {
            CAPTURE(version);
            CAPTURE(static_cast<int>(qos));
            BrokerThread broker;
            Subscribed sub(broker, {"-V", version, "-q", std::to_string(static_cast<int>(qos)), "-t", "#",
                                    "-C", "4", "-N"});
            const std::string large = digits(3'000'000);
            for (const std::string& payload : {all_bytes(), std::string("x"), large, std::string()}) {
                broker.publish("a", payload, qos);
            }
            CHECK(sub.process.wait() == ok);
            CHECK(sub.process.out() == all_bytes() + "x" + large);
            CHECK(broker.violations().empty());
        }
    }
}

TEST_CASE("wildcards match as in the standard, and # matches no $ topic") {
    BrokerThread broker;
    Subscribed sub(broker, {"-v", "-t", "maison/+/temp", "-t", "rdc/#", "-C", "4"}, 2);
    for (const char* topic : {"$SYS/x", "maison/salon/hum", "maison/salon/temp", "jardin/temp",
                              "maison/garage/temp", "rdc", "rdc/salon/hum"}) {
        broker.publish(topic, "1");
    }
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "maison/salon/temp 1\nmaison/garage/temp 1\nrdc 1\nrdc/salon/hum 1\n");

    Subscribed all(broker, {"-v", "-t", "#", "-C", "1"});
    broker.publish("$SYS/y", "1");
    broker.publish("z", "1");
    CHECK(all.process.wait() == ok);
    CHECK(all.process.out() == "z 1\n");
}

TEST_CASE("-C prints exactly that number of messages and leaves the others unacknowledged at the broker") {
    for (const char* version : {"311", "5"}) {
        BrokerThread broker;
        const Words session = {"-V", version, "-i", "counter", "-c", "-q", "1", "-t", "count"};
        Words first = session;
        first.emplace_back("-E");
        REQUIRE(run(subscriber(broker, first)).exit == ok);
        for (int i = 0; i < 100; ++i) broker.publish("count", std::to_string(i), Qos::at_least_once);
        std::string all;
        for (const char* count : {"1", "7", "50", "42"}) {
            Words some = session;
            some.insert(some.end(), {"-C", count});
            const Result result = run(subscriber(broker, some));
            CHECK(result.exit == ok);
            CHECK(std::count(result.out.begin(), result.out.end(), '\n') == std::stoi(count));
            all += result.out;
        }
        std::string expected;
        for (int i = 0; i < 100; ++i) expected += std::to_string(i) + "\n";
        CHECK(all == expected);
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("-E ends when all subscriptions are acknowledged") {
    BrokerThread broker;
    const Result result = run(subscriber(broker, {"-E", "-t", "a", "-t", "b"}));
    CHECK(result.exit == ok);
    CHECK(result.out.empty());
    CHECK(result.err.empty());
}

TEST_CASE("-W reports progress") {
    BrokerThread broker;
    const auto end_of = [&](const Words& options, unsigned messages) {
        Words all{"-t", "a", "-W", "1"};
        all.insert(all.end(), options.begin(), options.end());
        Subscribed sub(broker, all);
        for (unsigned i = 0; i < messages; ++i) broker.publish("a", "x");
        CHECK(sub.process.wait() == Exit{.code = 27});
        CHECK(wait_for_subscriptions(broker, 0));
        return sub.process.err();
    };
    CHECK(end_of({}, 0) == "mqtt_sub: stopped by -W after 1 s: no message received\n");
    CHECK(end_of({}, 2) == "mqtt_sub: stopped by -W after 1 s: 2 messages received\n");
    CHECK(end_of({"-C", "3"}, 1) == "mqtt_sub: stopped by -W after 1 s: 1 of 3 messages received\n");
}

TEST_CASE("-W ends with 27, also before the connection is established") {
    BrokerThread broker;
    Result result = run(subscriber(broker, {"-W", "0.05", "-t", "a"}));
    CHECK(result.exit == Exit{.code = 27});
    CHECK(result.err.starts_with("mqtt_sub: stopped by -W after 0.05 s: "));
    broker.set([](broker::Behaviour& it) { it.answer_connect = false; });
    result = run(subscriber(broker, {"-W", "0.05", "-t", "a"}));
    CHECK(result.exit == Exit{.code = 27});
    CHECK(result.err.starts_with("mqtt_sub: stopped by -W after 0.05 s: cannot connect to 127.0.0.1:" +
                                 std::to_string(broker.port()) + ": connected, but no CONNACK within 0.0"));
    result = run(subscriber(broker, {"-W", "0.05", "-t", "a", "--quiet"}));
    CHECK(result.err.empty());
}

TEST_CASE("--idle-timeout ends with 0 after a time without messages") {
    BrokerThread broker;
    broker.publish("a", "retained", Qos::at_most_once, true);
    const Result result = run(subscriber(broker, {"--idle-timeout", "0.2", "-t", "#"}));
    CHECK(result.exit == ok);
    CHECK(result.out == "retained\n");
}

TEST_CASE("--message-rate prints the last, incomplete second at the end") {
    BrokerThread broker;
    Subscribed sub(broker, {"--message-rate", "-t", "a", "-C", "3"});
    for (int i = 0; i < 3; ++i) broker.publish("a", "x");
    CHECK(sub.process.wait() == ok);
    int all = 0;
    while (const auto line = sub.process.read_line()) all += std::stoi(*line);
    CHECK(all == 3);
}

TEST_CASE("--message-rate prints numbers instead of messages") {
    BrokerThread broker;
    Subscribed sub(broker, {"--message-rate", "-t", "a"});
    for (int i = 0; i < 5; ++i) broker.publish("a", "x");
    REQUIRE(sub.process.wait_until([](const std::string& out, const std::string&) {
        int sum = 0;
        for (const char c : out) sum += c == '\n' ? 0 : c - '0';
        return sum == 5;
    }));
}

TEST_CASE("formats print the fields of the packet") {
    BrokerThread broker;
    Subscribed sub(broker, {"-q", "2", "-F", "%t|%p|%q|%r|%l|%m|%x", "-t", "#", "-C", "3"});
    broker.publish("a", "zero");
    broker.publish("b", "one", Qos::at_least_once);
    broker.publish("c", "two", Qos::exactly_once);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "a|zero|0|0|4|0|7a65726f\nb|one|1|0|3|1|6f6e65\nc|two|2|0|3|2|74776f\n");
}

TEST_CASE("--field prints one value of JSON payloads, and reports messages without it") {
    BrokerThread broker;
    Subscribed sub(broker, {"-v", "--field", "sensors.0.temp", "-t", "#", "-C", "2"});
    broker.publish("a", R"({"sensors":[{"temp":20.5}]})");
    broker.publish("b", R"({"sensors":[]})");
    broker.publish("c", "bright");
    broker.publish("d", R"({"sensors":[{"temp":"warm"}]})");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "a 20.5\nd warm\n");
    CHECK(sub.process.err() ==
          "mqtt_sub: a message on topic 'b' is not printed: no sensors.0.temp\n"
          "mqtt_sub: a message on topic 'c' is not printed: not JSON\n");
}

TEST_CASE("a filter that a shell made of $SYS/# is noted") {
    BrokerThread broker;
    const Result result = run(subscriber(broker, {"-t", "/#", "-E"}));
    CHECK(result.exit == ok);
    CHECK(result.err ==
          "mqtt_sub: warning: '/#' begins with an empty level: write '$SYS/#' in single quotes for the "
          "topics of the "
          "broker\n");
    CHECK(run(subscriber(broker, {"-t", "/a/#", "-E"})).err.empty());
}

TEST_CASE("%J and %f report payloads that they cannot print, and continue") {
    BrokerThread broker;
    Subscribed sub(broker, {"-F", "%J", "-t", "#", "-C", "1"});
    broker.publish("bad/\x1b", "nope");
    broker.publish("good", "[1]");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out().starts_with("{"));
    CHECK(sub.process.err() ==
          "mqtt_sub: the payload of a message on topic 'bad/\\x1b' is not valid JSON (error at byte 2): not "
          "printed (%j prints any payload)\n");
    CHECK(sub.process.out().find("\"payload\":[1]}") != std::string::npos);

    Subscribed floats(broker, {"-F", "%f", "-t", "f", "-C", "1"});
    broker.publish("f", "12345");
    CHECK(floats.process.wait() == ok);
    CHECK(floats.process.err() ==
          "mqtt_sub: the payload of a message on topic 'f' is not a float: it has 5 bytes, not 4\n");
}
