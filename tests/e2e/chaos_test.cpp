// Numbered messages over a network that cuts, delays, splits and stalls, at each QoS, with the embedded
// broker and Debian's mosquitto, which is also stopped and killed meanwhile. What was lost and duplicated is
// printed.
//
// ctest sends 700 messages a run, over a worse network; MQTTC_FULL_LENGTH in the environment (tests/chaos.sh) makes
// it 100,000.
// MQTTC_CHAOS_SEED repeats a run.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "broker_thread.hpp"
#include "chaos_proxy.hpp"
#include "delivery.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Broker;
using broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

bool full_length() {
    return std::getenv("MQTTC_FULL_LENGTH") != nullptr;
}

std::size_t length() {
    return full_length() ? 100'000 : 700;
}

// Fewer messages meet as many faults.
ChaosProxy::Chances chances(const char* qos) {
    if (full_length()) return {};
    return {.cut = *qos == '0' ? 0.1 : 0.04, .stall = 0.04, .split = 0.3};
}

std::uint64_t seed() {
    const char* given = std::getenv("MQTTC_CHAOS_SEED");
    if (given != nullptr) return std::strtoull(given, nullptr, 10);
    static const auto drawn =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return drawn;
}

struct Outcome {
    Account account;
    int exit_code = -1;
};

enum class Receiver { through_another, directly };

/// Publishes numbered lines through one bad network and receives them through another, or directly. `disturb` is called
/// again and again meanwhile.
Outcome send_through(const char* what, std::uint16_t broker_port, const char* qos, const char* version,
                     const std::function<void()>& disturb, Receiver receiver = Receiver::through_another) {
    const std::size_t count = length();
    const auto limit = full_length() ? 1200s : 60s;
    ChaosProxy before(broker_port, seed(), chances(qos));
    ChaosProxy behind(broker_port, seed() + 1, chances(qos));
    if (receiver == Receiver::directly) behind.calm();
    const TempDir dir;

    Command listen = client("mqtt_sub", behind.port(),
                            {"-V", version, "-i", "receiver", "-c", "-q", "2", "-t", "chaos", "--reconnect",
                             "forever", "--reconnect-delay", "0.001:0.02"});
    Process sub(std::move(listen));
    // Its subscription stands when a message of QoS 1 comes through; the broker keeps it from then on.
    const auto say = [&](const char* text) {
        return run(client("mqtt_pub", broker_port,
                          {"-q", "1", "-t", "chaos", "-m", text, "--reconnect", "forever",
                           "--reconnect-delay", "0.01:0.1", "-W", "30"}))
                   .exit.code == 0;
    };
    bool stands = false;
    for (int i = 0; i < 200 && !stands; ++i) stands = say("ready") && sub.wait_out("ready\n", 100ms);
    REQUIRE(stands);

    Command send = client("mqtt_pub", before.port(),
                          {"-V", version, "-i", "sender", "-c", "-q", qos, "-t", "chaos", "-l", "--reconnect",
                           "forever", "--reconnect-delay", "0.001:0.02"});
    send.stdin_file = dir.write("lines", numbered_lines(count));
    // Nothing holds a stream at QoS 0 back: it would all be on its way at the first cut.
    if (*qos == '0') send.argv.insert(send.argv.end(), {"--rate", full_length() ? "20000" : "2000"});
    Process pub(std::move(send));
    const auto start = std::chrono::steady_clock::now();
    Outcome outcome;
    while (pub.running() && std::chrono::steady_clock::now() - start < limit) disturb();
    outcome.exit_code = pub.wait(1ms).code;
    before.calm();
    behind.calm();
    bool all = false;
    for (int i = 0; i < 20 && !all; ++i) all = say("end") && sub.wait_out("end\n", 5s);
    CHECK(all);
    sub.send_signal(SIGTERM);
    CHECK(sub.wait() == Exit{.code = 0});
    std::string lines;
    const std::string out = sub.out();
    for (std::string_view rest = out; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line != "ready" && line != "end") lines.append(line).append("\n");
    }
    outcome.account = account(lines, count);
    std::printf(
        "chaos, %s, MQTT %s, QoS %s, seed %llu: %zu messages, %zu+%zu cuts: %zu lost, %zu duplicated; exit "
        "code %d\n",
        what, version, qos, static_cast<unsigned long long>(seed()), count, before.cuts(), behind.cuts(),
        outcome.account.lost, outcome.account.duplicated, outcome.exit_code);
    std::fflush(stdout);
    CHECK(outcome.account.foreign == 0);
    const auto err = pub.err();
    CAPTURE(err);
    // What is lost at QoS 0 on the publisher's side is told; the rest is the promise of each QoS.
    if (*qos == '0') {
        CHECK(outcome.account.duplicated == 0);
        const bool told = has(err, "were lost with the connection") || has(err, "may not have read all");
        CHECK(outcome.exit_code == (told ? 66 : 0));
        if (receiver == Receiver::directly) CHECK((outcome.account.lost == 0 || !err.empty()));
    } else {
        CHECK(outcome.exit_code == 0);
    }
    return outcome;
}

void rest() {
    std::this_thread::sleep_for(20ms);
}

void need_mosquitto() {
    if (RealBroker::available()) return;
    std::puts("skipped: mosquitto is not installed");
    std::exit(77);
}

constexpr const char* persistent =
    "allow_anonymous true\nmax_queued_messages 0\npersistence true\npersistence_location ./\n";

}  // namespace

TEST_CASE("over a bad network nothing is lost at QoS 1 and 2, and nothing comes twice at QoS 2") {
    for (const char* version : {"5", "311"}) {
        for (const char* qos : {"0", "1", "2"}) {
            BrokerThread broker;
            const auto outcome = send_through("embedded broker", broker.port(), qos, version, rest);
            if (*qos != '0') CHECK(outcome.account.lost == 0);
            if (*qos == '2') CHECK(outcome.account == Account{});
            CHECK(broker.violations().empty());
        }
    }
}

TEST_CASE("over a bad network to Debian's mosquitto") {
    need_mosquitto();
    for (const char* qos : {"0", "1", "2"}) {
        RealBroker broker(persistent, RealBroker::Log::little);
        const auto outcome = send_through("mosquitto", broker.port(), qos, "5", rest, Receiver::directly);
        if (*qos != '0') CHECK(outcome.account.lost == 0);
        if (*qos == '2') CHECK(outcome.account.duplicated == 0);
    }
}

// Here duplicates at QoS 2 are counted and not refused: when a connection is lost again while Mosquitto 2.0.11
// still repeats its PUBRELs, or when it starts from its file, it sends messages again, with DUP, whose PUBREL it
// had sent before (-d shows it). The standard lets no receiver tell such a message from a new one.
TEST_CASE("over bad networks on both sides of Debian's mosquitto nothing is lost") {
    need_mosquitto();
    for (const char* qos : {"1", "2"}) {
        RealBroker broker(persistent, RealBroker::Log::little);
        CHECK(send_through("mosquitto, both sides", broker.port(), qos, "5", rest).account.lost == 0);
    }
}

TEST_CASE("with a mosquitto that is stopped and started again") {
    need_mosquitto();
    for (const char* qos : {"1", "2"}) {
        RealBroker broker(persistent, RealBroker::Log::little);
        int restarts = 0;
        const int most = full_length() ? 10 : 3;
        const auto outcome = send_through("mosquitto restarted", broker.port(), qos, "5", [&] {
            std::this_thread::sleep_for(150ms);
            if (restarts++ >= most) return;
            broker.stop();
            broker.start();
        });
        CHECK(restarts > 0);
        CHECK(outcome.account.lost == 0);
    }
}

TEST_CASE("with a mosquitto that is killed and started again, which may lose what it has acknowledged") {
    need_mosquitto();
    for (const char* qos : {"1", "2"}) {
        RealBroker broker(persistent, RealBroker::Log::little);
        int restarts = 0;
        const int most = full_length() ? 10 : 3;
        // What the broker forgets is beyond the clients; that they go on and account for it is not.
        send_through("mosquitto killed", broker.port(), qos, "5", [&] {
            std::this_thread::sleep_for(150ms);
            if (restarts++ >= most) return;
            broker.process().send_signal(SIGKILL);
            broker.process().wait();
            broker.start();
        });
        CHECK(restarts > 0);
    }
}
