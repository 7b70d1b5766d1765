// Recording with mqtt_sub, replaying with mqtt_pub: the same messages, in their own time.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <regex>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::BrokerThread;

namespace {

constexpr std::size_t recorded = 5'000;

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
        }
    }
    return text;
}

// Messages of every kind: any bytes, all properties that a client may send.
std::string many_messages(int qos) {
    std::string lines;
    std::uint32_t random = 12345;
    const auto next = [&random](std::uint32_t limit) {
        random = random * 1664525 + 1013904223;
        return (random >> 8) % limit;
    };
    for (std::size_t i = 0; i < recorded; ++i) {
        std::string payload(next(60), '\0');
        for (char& c : payload) c = static_cast<char>(i % 3 == 0 ? next(256) : 32 + next(95));
        lines.append(R"({"topic":"day/)").append(std::to_string(i % 17)).append("/\u00e9\",\"qos\":");
        lines.append(std::to_string(qos)).append(R"(,"payload_encoding":"base64","payload":")");
        lines.append(base64(payload)).append("\"");
        if (i % 4 != 0) {
            lines.append(R"(,"properties":{"content-type":"t)").append(std::to_string(i)).append("\",");
            lines.append(R"("correlation-data":")").append(base64("\xff\0\x01"s + std::to_string(i)));
            lines.append(R"(","correlation-data_encoding":"base64","message-expiry-interval":100000,)");
            lines.append(R"("payload-format-indicator":0,"response-topic":"r",)");
            lines.append(R"("user-properties":[{"a":"1"},{"a":"\u00e9\"\\"},{"":""}]})");
        }
        lines.append("}\n");
    }
    return lines;
}

// A recorder that is subscribed: it has seen the retained announcement.
class Recorder {
  public:
    Recorder(std::uint16_t port, std::size_t count)
        : process_({.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", std::to_string(port), "-V",
                             "mqttv5", "-q", "2", "-t", "day/#", "-t", "ready", "-F", "%j", "-W", "60", "-C",
                             std::to_string(count + 1)},
                    .unset = {"XDG_CONFIG_HOME", "HOME", "MQTT_URL", "MQTT_HOST", "MQTT_PORT"}}) {
        REQUIRE(process_.wait_out("\"ready\""));
    }
    // What was recorded, without the announcement.
    std::string finish() {
        CHECK(process_.wait(std::chrono::seconds(60)).code == 0);
        const std::string& all = process_.out();
        return all.substr(all.find('\n') + 1);
    }

  private:
    Process process_;
};

std::string without_times(const std::string& recording) {
    static const std::regex time(R"re(^\{"tst":"[^"]*",)re", std::regex::multiline);
    return std::regex_replace(recording, time, "{");
}

// The expiry that is left may be a second less after the broker.
std::string without_expiry(std::string recording) {
    static const std::regex expiry(R"re("message-expiry-interval":\d+)re");
    return std::regex_replace(recording, expiry, "");
}

// The first line of `a` that `b` doesn't have in this place, with what it has; empty when they are equal.
std::string first_difference(const std::string& a, const std::string& b) {
    const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    if (at == a.size() && a.size() == b.size()) return {};
    const std::size_t start = a.rfind('\n', at == 0 ? 0 : at - 1) + 1;
    return a.substr(start, a.find('\n', start) - start) + "\n" + b.substr(start, b.find('\n', start) - start);
}

// Brokers keep the order of messages within a QoS.
void check_round_trip(std::uint16_t port) {
    publish_ok(port, {"-t", "ready", "-m", "ready", "-r", "-q", "1"});
    for (const int qos : {0, 1, 2}) {
        CAPTURE(qos);
        Recorder first(port, recorded);
        publish_ok(port, {"-V", "mqttv5", "-l", "--input", "json"}, many_messages(qos));
        const std::string recording = first.finish();
        REQUIRE(static_cast<std::size_t>(std::ranges::count(recording, '\n')) == recorded);
        REQUIRE(recording.find("user-properties") != std::string::npos);

        Recorder second(port, recorded);
        publish_ok(port, {"-V", "mqttv5", "-l", "--input", "json"}, recording);
        const std::string again = second.finish();
        CHECK(first_difference(without_expiry(without_times(recording)),
                               without_expiry(without_times(again))) == "");
    }
}

}  // namespace

TEST_CASE("a recording that is published again gives the same recording") {
    BrokerThread broker;
    check_round_trip(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("a recording that is published again gives the same recording, with Mosquitto") {
    if (!RealBroker::available()) {
        std::puts("not compared: mosquitto is not installed");
        return;
    }
    RealBroker broker("allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n");
    check_round_trip(broker.port());
}

TEST_CASE("a replay keeps the time between messages") {
    BrokerThread broker;
    std::string lines;
    constexpr int count = 60;
    for (int i = 0; i < count; ++i) {
        char line[128];
        // 25 ms apart; at ten times the speed 2.5 ms.
        std::snprintf(line, sizeof line,
                      "{\"tst\":\"2026-01-01T00:00:%02d.%06d+0100\",\"topic\":\"day/1\"}\n", i * 25 / 1000,
                      i * 25 % 1000 * 1000);
        lines += line;
    }
    Process subscriber({.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", std::to_string(broker.port()),
                                 "-t", "day/#", "-F", "%U", "-C", std::to_string(count), "-W", "60"},
                        .unset = {"XDG_CONFIG_HOME", "HOME", "MQTT_URL", "MQTT_HOST", "MQTT_PORT"}});
    REQUIRE(broker.wait_until([](broker::Broker& it) {
        std::size_t subscriptions = 0;
        for (const auto& [id, session] : it.sessions()) subscriptions += session->subscriptions.size();
        return subscriptions == 1;
    }));
    publish_ok(broker.port(), {"-l", "--input", "json", "--replay", "--speed", "10"}, lines);
    CHECK(subscriber.wait(std::chrono::seconds(60)).code == 0);
    std::vector<double> late;
    double first = 0;
    std::size_t at = 0;
    const std::string& out = subscriber.out();
    for (int i = 0; i < count; ++i) {
        const std::size_t end = out.find('\n', at);
        REQUIRE(end != out.npos);
        const double time = std::stod(out.substr(at, end - at));
        at = end + 1;
        if (i == 0) first = time;
        late.push_back(std::abs(time - first - i * 0.0025));
    }
    std::ranges::sort(late);
    MESSAGE("median error " << late[count / 2] * 1e6 << " us, 90% " << late[count * 9 / 10] * 1e6 << " us");
    // What a loaded machine does to some of them is not the program's doing.
    CHECK(late[count / 4] < 0.001);
}

TEST_CASE("a replay needs times") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-l", "--input", "json", "--replay"}, "{\"topic\":\"day/1\"}\n");
    CHECK(result.exit.code == 1);
    CHECK(result.err.starts_with("mqtt_pub: line 1: there is no tst in it"));
}
