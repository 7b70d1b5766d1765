// Nothing hangs: signals and timeouts take effect at every stage of a connection, and waiting uses no processor time.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>

#include "base/descriptor.hpp"
#include "broker_thread.hpp"
#include "delivery.hpp"
#include "scripted_peer.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::Broker;
using broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

// On a loaded machine a single reaction may be slow, but not half of them.
constexpr auto slowest_reaction = sanitized ? 3000ms : 1000ms;
constexpr auto median_reaction = sanitized ? 1000ms : 100ms;

/// A program, its options, and its exit code when it is interrupted before it could do anything.
struct Program {
    const char* name;
    Words options;
    int interrupted;
};
const Program programs[] = {
    {"mqtt_pub", {"-q", "1", "-t", "a", "-m", "x"}, 66},
    {"mqtt_sub", {"-t", "a"}, 0},
};

/// Runs the program several times and interrupts it as soon as `reached` returns.
void interrupt(const Program& one, const Command& command, const std::function<bool(Process&)>& reached,
               std::string_view printed = {}) {
    constexpr std::size_t times = 5;
    for (const int number : {SIGINT, SIGTERM}) {
        CAPTURE(one.name);
        CAPTURE(number);
        std::vector<std::chrono::milliseconds> took;
        for (std::size_t i = 0; i < times; ++i) {
            Process process(command);
            REQUIRE(reached(process));
            process.send_signal(number);
            const Timed end = wait_timed(process);
            CAPTURE(process.err());
            CHECK(end.exit == Exit{.code = one.interrupted});
            CHECK(end.took < slowest_reaction);
            CHECK(process.out() == printed);
            took.push_back(end.took);
        }
        std::ranges::sort(took);
        CHECK(took[times / 2] < median_reaction);
    }
}

/// The number of TCP connections to that port that are not yet established (SYN sent).
std::size_t connecting_to(std::uint16_t port) {
    char syn_sent[32];
    std::snprintf(syn_sent, sizeof syn_sent, "0100007F:%04X 02", port);
    std::ifstream table("/proc/net/tcp");
    std::string line;
    std::size_t count = 0;
    while (std::getline(table, line))
        if (has(line, syn_sent)) ++count;
    return count;
}

/// Polls what cannot be waited for: a file in /proc, a non-blocking accept().
template <class Condition>
bool poll_until(Condition condition) {
    const auto last = std::chrono::steady_clock::now() + default_timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > last) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

}  // namespace

TEST_CASE("a signal ends the program during name resolution") {
    for (const Program& one : programs) {
        Command command = client(one.name, 1883, one.options);
        command.argv.insert(command.argv.end(), {"-h", "a.name.invalid"});
        command.env.emplace_back("LD_PRELOAD", program("") + "../tests/libslow_names.so");
        command.env.emplace_back("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0");
        interrupt(one, command, [](Process& process) { return process.wait_err("looking up"); });
    }
}

TEST_CASE("name resolution that takes too long ends with 60") {
    for (const Program& one : programs) {
        Command command = client(one.name, 1883, one.options);
        command.argv.insert(command.argv.end(), {"-h", "a.name.invalid", "--connect-timeout", "0.1"});
        command.env.emplace_back("LD_PRELOAD", program("") + "../tests/libslow_names.so");
        command.env.emplace_back("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0");
        const Result result = run(std::move(command));
        CHECK(result.exit == Exit{.code = 60});
        CHECK(has(result.err, "a.name.invalid"));
    }
}

TEST_CASE("a signal ends the program while the connection is being made") {
    for (const Program& one : programs) {
        const Blackhole hole;
        // The connections that fill its backlog are not established either.
        const auto before = connecting_to(hole.port());
        const auto command = client(one.name, hole.port(), one.options);
        interrupt(one, command,
                  [&](Process&) { return poll_until([&] { return connecting_to(hole.port()) > before; }); });
    }
}

TEST_CASE(
    "a signal ends the program during the TLS and WebSocket handshakes, and while waiting for CONNACK") {
    const Words transports[] = {{}, {"--tls-use-os-certs"}, {"--ws"}};
    for (const Words& transport : transports) {
        for (const Program& one : programs) {
            CAPTURE(transport);
            std::size_t connections = 0;
            ScriptedPeer peer({});
            auto command = client(one.name, peer.port(), one.options);
            command.argv.insert(command.argv.end(), transport.begin(), transport.end());
            interrupt(one, command, [&](Process&) { return peer.wait_for_connections(++connections); });
        }
    }
}

TEST_CASE("a signal ends an idle client, whether the broker then closes the connection or not") {
    for (const bool closes : {true, false}) {
        CAPTURE(closes);
        BrokerThread broker;
        broker.set([=](Behaviour& it) { it.close_after_disconnect = closes; });
        // Its input stays open and empty.
        const Program pub{"mqtt_pub", {"-t", "a", "-l", "-d"}, 0};
        Command lines = client(pub.name, broker.port(), pub.options);
        lines.keep_stdin_open = true;
        interrupt(pub, lines, [](Process& process) { return process.wait_err("received CONNACK"); });

        const Program sub{"mqtt_sub", {"-t", "a", "-d"}, 0};
        const Command listen = client(sub.name, broker.port(), sub.options);
        const auto subscribed = [](Process& process) { return process.wait_err("received SUBACK"); };
        interrupt(sub, listen, subscribed);
        // The same after a message.
        const auto received = [&](Process& process) {
            const bool ready = subscribed(process);
            broker.publish("a", "x");
            return ready && process.wait_out("x\n");
        };
        interrupt(sub, listen, received, "x\n");
    }
}

TEST_CASE("a signal ends the program while it waits to reconnect") {
    for (const Program& one : programs) {
        const Listener unaccepting("127.0.0.1", false);
        auto command = client(one.name, unaccepting.port, one.options);
        command.argv.insert(command.argv.end(), {"--reconnect", "forever", "--reconnect-delay", "1000"});
        interrupt(one, command, [](Process& process) { return process.wait_err("try"); });
    }
}

TEST_CASE("a signal ends a stream, also while the broker acknowledges nothing") {
    for (const bool answers : {true, false}) {
        CAPTURE(answers);
        BrokerThread broker;
        broker.set([=](Behaviour& it) { it.answer_publish = answers; });
        const Program stream{"mqtt_pub", {"-q", "1", "-t", "a", "-l"}, 66};
        Command direct = client(stream.name, broker.port(), stream.options);
        direct.input = numbered_lines(2'000'000);
        interrupt(stream, direct, [&](Process&) {
            const auto seen = broker.ask([](Broker& it) { return it.received().size(); });
            return broker.wait_for_received(seen + 10);
        });
    }
}

TEST_CASE("a signal, and -W, end a publisher whose broker reads nothing") {
    const TempDir dir;
    const Program large{
        "mqtt_pub", {"-t", "a", "-d", "-f", dir.write("large", std::string(32'000'000, 'x'))}, 66};
    const Listener unaccepting;
    Descriptor connection;
    const auto reached = [&](Process& process) {
        const bool connected = poll_until([&] { return bool(connection = unaccepting.accept()); });
        const auto connack = connack_v311().bytes;
        return connected && ::send(connection.get(), connack.data(), connack.size(), MSG_NOSIGNAL) == 4 &&
               process.wait_err("sent PUBLISH");
    };
    interrupt(large, client(large.name, unaccepting.port, large.options), reached);

    Command limited = client(large.name, unaccepting.port, large.options);
    limited.argv.insert(limited.argv.end(), {"-W", "0.3"});
    Process process(limited);
    REQUIRE(reached(process));
    const Timed end = wait_timed(process);
    CHECK(end.exit == Exit{.code = 27});
    CHECK(end.took < 300ms + slowest_reaction);
}

TEST_CASE("a second signal does not wait for a broker that does not answer") {
    // It sends CONNACK and stops reading.
    for (const int number : {SIGINT, SIGTERM}) {
        ScriptedPeer peer({connack_v311()}, false);
        Command command =
            client("mqtt_pub", peer.port(), {"-q", "1", "-t", "a", "-m", "x", "--ack-timeout", "0"});
        Process process(std::move(command));
        REQUIRE(peer.wait_for_end_of_script());
        process.send_signal(number);
        process.send_signal(number);
        const Timed end = wait_timed(process);
        CHECK(end.exit.code == 66);
        CHECK(end.took < slowest_reaction);
    }
}

TEST_CASE("the programs do not wait for a broker that keeps the connection open after DISCONNECT") {
    ScriptedPeer peer({connack_v311(), {PacketType::publish, hex("40 02 0001")}});
    Process process(client("mqtt_pub", peer.port(), {"-q", "1", "-t", "a", "-m", "x"}));
    const Timed end = wait_timed(process);
    CHECK(end.exit == Exit{.code = 0});
    CHECK(end.took < slowest_reaction);
    ScriptedPeer other({connack_v311(), {PacketType::subscribe, hex("90 03 0001 00")}});
    Process sub(client("mqtt_sub", other.port(), {"-t", "a", "-E"}));
    const Timed sub_end = wait_timed(sub);
    CHECK(sub_end.exit == Exit{.code = 0});
    CHECK(sub_end.took < slowest_reaction);
}

TEST_CASE("a broker that never answers CONNECT ends with 61 after --connect-timeout") {
    for (const Program& one : programs) {
        ScriptedPeer peer({});
        auto command = client(one.name, peer.port(), one.options);
        command.argv.insert(command.argv.end(), {"--connect-timeout", "0.1"});
        const Result result = run(std::move(command));
        CHECK(result.exit == Exit{.code = 61});
        CHECK(has(result.err, "no CONNACK within 0.1 s"));
    }
}

TEST_CASE("a broker that never answers SUBSCRIBE ends mqtt_sub after --ack-timeout") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_subscribe = false; });
    const Result result = run(
        client("mqtt_sub", broker.port(), {"-t", "a", "--ack-timeout", "0.1", "--reconnect-delay", "0.01"}));
    CHECK(result.exit == Exit{.code = 66});
    CHECK(has(result.err, "no acknowledgement"));
}

TEST_CASE("-W ends mqtt_sub and mqtt_pub at every stage") {
    const Blackhole hole;
    ScriptedPeer silent({});
    ScriptedPeer connack_only({connack_v311()});
    const Listener unaccepting("127.0.0.1", false);
    for (const Program& one : programs) {
        for (const std::uint16_t port : {hole.port(), silent.port(), connack_only.port(), unaccepting.port}) {
            CAPTURE(one.name);
            CAPTURE(port);
            auto command = client(one.name, port, one.options);
            command.argv.insert(command.argv.end(), {"-W", "0.2", "--reconnect", "forever"});
            Process process(command);
            const Timed end = wait_timed(process);
            CHECK(end.exit == Exit{.code = 27});
            CHECK(end.took < 200ms + slowest_reaction);
            CHECK(!process.err().empty());
        }
    }
}

TEST_CASE("a missing PINGRESP is reported, and with --reconnect never ends the program") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_ping = false; });
    // Five seconds is the shortest keep-alive, and the answer may take as long; the two programs run at the same time.
    Process sub(client("mqtt_sub", broker.port(), {"-t", "a", "-k", "5", "--reconnect", "never"}));
    Command lines = client("mqtt_pub", broker.port(), {"-t", "a", "-l", "-k", "5", "--reconnect", "never"});
    lines.keep_stdin_open = true;
    Process pub(std::move(lines));
    for (Process* process : {&sub, &pub}) {
        const Exit exit = process->wait();
        CHECK(exit == Exit{.code = 65});
        CHECK(has(process->err(), "PINGREQ"));
    }
}

TEST_CASE("waiting uses no processor time") {
    BrokerThread broker;
    ScriptedPeer silent({});
    for (const std::uint16_t port : {broker.port(), silent.port()}) {
        const auto cpu_of = [&](const char* seconds) {
            const double before = children_cpu_seconds();
            CHECK(run(client("mqtt_sub", port, {"-t", "a", "-W", seconds})).exit == Exit{.code = 27});
            return children_cpu_seconds() - before;
        };
        const double start_and_end = cpu_of("0.1");
        CHECK(cpu_of("1.1") < start_and_end + 0.2);
    }
}

TEST_CASE("an outage is one line on stderr, not one per attempt to reconnect") {
    BrokerThread broker;
    for (const Program& one : {Program{"mqtt_pub", {"-q", "1", "-t", "a", "-l"}, 0}, programs[1]}) {
        auto command = client(one.name, broker.port(), one.options);
        command.argv.insert(command.argv.end(), {"--reconnect-delay", "0.001:0.002"});
        command.keep_stdin_open = true;
        Process process(command);
        REQUIRE(broker.wait_for_clients(1));
        const auto before = broker.ask([](Broker& it) { return it.counters().connections; });
        // Each CONNECT is answered by closing the connection.
        broker.set([](Behaviour& it) { it.raw_reply = std::vector<std::uint8_t>(); });
        broker.drop_connections();
        REQUIRE(broker.wait_until([=](Broker& it) { return it.counters().connections >= before + 5; }));
        broker.set([](Behaviour& it) { it.raw_reply.reset(); });
        REQUIRE(process.wait_err("connected again"));
        CHECK(count_of(process.err(), "\n") <= 3);
        process.send_signal(SIGTERM);
        CHECK(process.wait() == Exit{.code = 0});
        REQUIRE(broker.wait_for_clients(0));
    }
}

TEST_CASE("--reconnect limits the attempts of both programs, for the first connection and later ones") {
    // The peer closes the connection after CONNECT, or after it has sent CONNACK.
    for (const bool accepts : {false, true}) {
        for (const Program& one : programs) {
            CAPTURE(accepts);
            CAPTURE(one.name);
            const auto script = accepts ? connack_v311() : Line{PacketType::connect, {}};
            for (const unsigned attempts : {0U, 1U, 3U}) {
                ScriptedPeer peer({script}, true);
                auto command = client(one.name, peer.port(), one.options);
                command.argv.insert(command.argv.end(),
                                    {"--reconnect", attempts == 0 ? "never" : std::to_string(attempts),
                                     "--reconnect-delay", "0.01:0.02"});
                const Result result = run(std::move(command));
                CAPTURE(result.err);
                if (!accepts) {
                    // The first connection of mqtt_sub carries more than CONNECT, and is repeated without that.
                    const bool early = std::string_view(one.name) == "mqtt_sub";
                    CHECK(peer.connections() == attempts + (early ? 2 : 1));
                    CHECK(result.exit == Exit{.code = 64});
                    CHECK(count_of(result.err, "\n") <= 3);
                } else {
                    // A connection on which nothing is acknowledged counts, though it was accepted.
                    CHECK(peer.connections() == attempts + 1);
                    CHECK(result.exit.code == (std::string_view(one.name) == "mqtt_pub" ? 66 : 65));
                }
            }
        }
    }
}

TEST_CASE("--reconnect-delay doubles the delay after each attempt, and forever has no limit") {
    for (const Program& one : programs) {
        ScriptedPeer peer({{PacketType::connect, {}}}, true);
        auto command = client(one.name, peer.port(), one.options);
        command.argv.insert(command.argv.end(),
                            {"--reconnect", "forever", "--reconnect-delay", "0.02:10", "-W", "0.7"});
        CHECK(run(std::move(command)).exit == Exit{.code = 27});
        // 0, 20-40, 40-80, … ms: five or six attempts in 0.7 s, of mqtt_sub one more; with a fixed delay of 20 ms there
        // would be 35.
        CHECK(peer.connections() >= 3);
        CHECK(peer.connections() <= 8);
    }
}
