// Recording with mqtt_sub and replaying with mqtt_pub: the same messages at the same intervals.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::BrokerThread;

namespace {

constexpr std::size_t recorded = 5'000;
constexpr std::size_t recorded_long = 100'000;

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
enum class Expiry : bool { no, yes };
std::string many_messages(std::size_t count, int qos, Expiry expiry) {
    std::string lines;
    std::uint32_t random = 12345;
    const auto next = [&random](std::uint32_t limit) {
        random = random * 1664525 + 1013904223;
        return (random >> 8) % limit;
    };
    for (std::size_t i = 0; i < count; ++i) {
        std::string payload(next(60), '\0');
        for (char& c : payload) c = static_cast<char>(i % 3 == 0 ? next(256) : 32 + next(95));
        lines.append(R"({"topic":"day/)").append(std::to_string(i % 17)).append("/\u00e9\",\"qos\":");
        lines.append(std::to_string(qos)).append(R"(,"payload_encoding":"base64","payload":")");
        lines.append(base64(payload)).append("\"");
        if (i % 4 != 0) {
            lines.append(R"(,"properties":{"content-type":"t)").append(std::to_string(i)).append("\",");
            lines.append(R"("correlation-data":")").append(base64("\xff\0\x01"s + std::to_string(i)));
            lines.append(R"(","correlation-data_encoding":"base64",)");
            if (expiry == Expiry::yes) lines.append(R"("message-expiry-interval":100000,)");
            lines.append(R"("payload-format-indicator":0,"response-topic":"r",)");
            lines.append(R"("user-properties":[{"a":"1"},{"a":"\u00e9\"\\"},{"":""}]})");
        }
        lines.append("}\n");
    }
    return lines;
}

// A subscribed recorder: it has printed the retained announcement.
class Recorder {
  public:
    Recorder(std::uint16_t port, std::size_t count)
        : process_(client("mqtt_sub", port,
                          {"-V", "mqttv5", "-q", "2", "-t", "day/#", "-t", "ready", "-F", "%j", "-W", "240",
                           "-C", std::to_string(count + 1)})) {
        REQUIRE(process_.wait_out("\"ready\""));
    }
    // What was recorded, without the announcement.
    std::string finish() {
        CHECK(process_.wait(std::chrono::seconds(240)).code == 0);
        const std::string& all = process_.out();
        return all.substr(all.find('\n') + 1);
    }

  private:
    Process process_;
};

std::string without_times(std::string_view recording) {
    constexpr std::string_view start = R"({"tst":")";
    std::string result;
    result.reserve(recording.size());
    while (!recording.empty()) {
        const std::string_view line = recording.substr(0, recording.find('\n') + 1);
        REQUIRE(line.starts_with(start));
        result.append("{").append(line.substr(line.find(',') + 1));
        recording.remove_prefix(line.size());
    }
    return result;
}

// The broker may reduce the expiry by a second.
std::string without_expiry(const std::string& recording) {
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
        publish_ok(port, {"-V", "mqttv5", "-l", "--input", "json"},
                   many_messages(recorded, qos, Expiry::yes));
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

// 100,000 messages are recorded, replayed and recorded again.
void check_long_recording(std::uint16_t port) {
    publish_ok(port, {"-t", "ready", "-m", "ready", "-r", "-q", "1"});
    Recorder first(port, recorded_long);
    publish_ok(port, {"-V", "mqttv5", "-l", "--input", "json"}, many_messages(recorded_long, 1, Expiry::no));
    const std::string recording = first.finish();
    REQUIRE(static_cast<std::size_t>(std::ranges::count(recording, '\n')) == recorded_long);
    Recorder second(port, recorded_long);
    publish_ok(port, {"-V", "mqttv5", "-l", "--input", "json", "--replay", "--speed", "1000"}, recording);
    CHECK(first_difference(without_times(recording), without_times(second.finish())) == "");
}

// The delay of each message from a schedule of equal steps, sorted. The least delayed one counts as on time.
std::vector<double> delays_of(std::vector<double> times, double step) {
    double start = times.front();
    for (std::size_t i = 0; i < times.size(); ++i) {
        times[i] -= static_cast<double>(i) * step;
        start = std::min(start, times[i]);
    }
    for (double& time : times) time -= start;
    std::ranges::sort(times);
    return times;
}

// The time in seconds that a running process was runnable but not running.
double runnable_wait(const Process& process) {
    std::ifstream stat("/proc/" + std::to_string(process.pid()) + "/schedstat");
    double running = 0;
    double waiting = 0;
    stat >> running >> waiting;
    return waiting / 1e9;
}

}  // namespace

TEST_CASE("100,000 messages recorded, replayed and recorded again differ only in their times") {
    BrokerThread broker;
    check_long_recording(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("100,000 messages recorded, replayed and recorded again with Mosquitto differ only in their times" *
          needs_mosquitto()) {
    const RealBroker broker("allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n");
    check_long_recording(broker.port());
}

TEST_CASE("publishing a recording and recording it again gives the same recording") {
    BrokerThread broker;
    check_round_trip(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("publishing a recording to Mosquitto and recording it again gives the same recording" *
          needs_mosquitto()) {
    RealBroker broker("allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n");
    check_round_trip(broker.port());
}

TEST_CASE("JSON payloads are replayed unchanged from recordings with %J and %j") {
    const std::vector<std::string> payloads = {R"("on")",
                                               "null",
                                               "1.0",
                                               R"({"a":1})",
                                               "[]",
                                               R"("")",
                                               R"("a\nb\"")",
                                               "true",
                                               "\"\xc3\xa9\"",
                                               "",
                                               R"({"payload":"x","payloadlen":3})"};
    const auto received_payloads = [](BrokerThread& broker, std::size_t count) {
        REQUIRE(broker.wait_for_received(count));
        std::vector<std::string> all;
        for (const broker::Received& one : broker.received()) all.emplace_back(as_text(one.message->payload));
        return all;
    };
    for (const char* format : {"%J", "%j"}) {
        CAPTURE(format);
        BrokerThread first;
        Process recorder(client("mqtt_sub", first.port(),
                                {"-t", "#", "-F", format, "-C", std::to_string(payloads.size() + 1)}));
        publish_ok(first.port(), {"-t", "a", "-m", "0", "-r", "-q", "1"});
        REQUIRE(recorder.wait_out("\n"));
        for (const std::string& payload : payloads) first.publish("a", payload);
        CHECK(recorder.wait().code == 0);
        BrokerThread second;
        publish_ok(second.port(), {"-l", "--input", "json"}, recorder.out());
        auto all = received_payloads(second, payloads.size() + 1);
        all.erase(all.begin());
        CHECK(all == payloads);
    }
}

namespace {

constexpr int timed = 200;
constexpr double timed_step = 0.0025;

struct Punctuality {
    double median = 0;      // delay in seconds
    double percentile = 0;  // the 90th
    double cpu_wait = 0;    // time per message that both programs waited for a processor
};

// Measured at mqtt_sub, after mqtt_pub and the broker.
Punctuality replay_times(std::uint16_t port) {
    std::string lines;
    for (int i = 0; i < timed; ++i) {
        char line[128];
        // 25 ms apart; at ten times the speed 2.5 ms.
        std::snprintf(line, sizeof line,
                      "{\"tst\":\"2026-01-01T00:00:%02d.%06d+0100\",\"topic\":\"day/1\"}\n", i * 25 / 1000,
                      i * 25 % 1000 * 1000);
        lines += line;
    }
    publish_ok(port, {"-t", "day/0", "-m", "ready", "-r", "-q", "1"});
    Process subscriber(
        client("mqtt_sub", port, {"-t", "day/#", "-F", "%U", "-C", std::to_string(timed + 2), "-W", "60"}));
    REQUIRE(subscriber.read_line());
    const double waited_before = runnable_wait(subscriber);
    Command command = pub_command(port, {"-l", "--input", "json", "--replay", "--speed", "10"});
    command.input = lines;
    command.keep_stdin_open = true;
    Process publisher(command);
    std::vector<double> times;
    for (int i = 0; i < timed; ++i) {
        const auto line = subscriber.read_line();
        REQUIRE(line);
        times.push_back(std::stod(*line));
    }
    const double waited = runnable_wait(subscriber) - waited_before + runnable_wait(publisher);
    publisher.close_stdin();
    CHECK(publisher.wait().code == 0);
    publish_ok(port, {"-t", "day/0", "-m", "end", "-q", "1"});
    CHECK(subscriber.wait().code == 0);
    const auto late = delays_of(times, timed_step);
    return {late[timed / 2], late[timed * 9 / 10], waited / timed};
}

// The delay must be below a millisecond, unless the machine is busy: then there are more attempts, and in the end only the
// approximate times are checked.
void check_replay_times(std::uint16_t port) {
    constexpr double allowed_delay = 0.001;
    constexpr double idle_machine = 0.0001;
    constexpr double rough_delay = timed_step * timed / 10;
    constexpr int max_attempts = 5;
    int late_on_idle_machine = 0;
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
        const Punctuality found = replay_times(port);
        MESSAGE("median delay " << found.median * 1e6 << " us, 90th percentile " << found.percentile * 1e6
                                << " us; waiting for a processor: " << found.cpu_wait * 1e6
                                << " us per message");
        CHECK(found.median < rough_delay);
        if (found.median < allowed_delay && found.percentile < allowed_delay) return;
        if (found.cpu_wait < idle_machine) ++late_on_idle_machine;
    }
    CHECK(late_on_idle_machine <= max_attempts / 2);
    MESSAGE("this machine is too busy to measure delays");
}

}  // namespace

TEST_CASE("a replay keeps the time between messages") {
    BrokerThread broker;
    check_replay_times(broker.port());
}

TEST_CASE("a replay through Mosquitto keeps the time between messages" * needs_mosquitto()) {
    const RealBroker broker("allow_anonymous true\nset_tcp_nodelay true\n");
    check_replay_times(broker.port());
}

TEST_CASE("--replay requires tst in each line") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-l", "--input", "json", "--replay"}, "{\"topic\":\"day/1\"}\n");
    CHECK(result.exit.code == 1);
    CHECK(result.err.starts_with("mqtt_pub: line 1: it has no tst"));
}
