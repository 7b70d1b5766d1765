// Nothing hangs: signals and time-outs are answered at every stage of a connection's life, and without
// spinning.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>

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

// A loaded machine may take its time for one answer, not for half of them.
constexpr auto at_once = sanitized ? 3000ms : 1000ms;
constexpr auto promised = sanitized ? 1000ms : 100ms;

/// How each program is called, and how an interruption before it could do anything ends.
struct Program {
    const char* name;
    Words options;
    int interrupted;
};
const Program programs[] = {
    {"mqtt_pub", {"-q", "1", "-t", "a", "-m", "x"}, 66},
    {"mqtt_sub", {"-t", "a"}, 0},
};

/// Interrupts it again and again when it has got as far as `reached` says: the median of the answers is what is
/// promised, and none takes much longer.
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
            CHECK(end.took < at_once);
            CHECK(process.out() == printed);
            took.push_back(end.took);
        }
        std::ranges::sort(took);
        CHECK(took[times / 2] < promised);
    }
}

/// How many TCP connections to that port are begun here and not answered.
std::size_t connecting_to(std::uint16_t port) {
    char wanted[32];
    std::snprintf(wanted, sizeof wanted, "0100007F:%04X 02", port);
    std::ifstream table("/proc/net/tcp");
    std::string line;
    std::size_t count = 0;
    while (std::getline(table, line))
        if (has(line, wanted)) ++count;
    return count;
}

template <class Condition>
bool wait_for(Condition condition) {
    const auto last = std::chrono::steady_clock::now() + default_timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > last) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

}  // namespace

TEST_CASE("a signal is answered during name resolution") {
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

TEST_CASE("a signal is answered while the connection is being made") {
    for (const Program& one : programs) {
        const Blackhole hole;
        // Its own connections, which have filled the hole, wait as well.
        const auto before = connecting_to(hole.port());
        const auto command = client(one.name, hole.port(), one.options);
        interrupt(one, command,
                  [&](Process&) { return wait_for([&] { return connecting_to(hole.port()) > before; }); });
    }
}

TEST_CASE("a signal is answered during the TLS and WebSocket handshakes, and while waiting for CONNACK") {
    const Words roads[] = {{}, {"--tls-use-os-certs"}, {"--ws"}};
    for (const Words& road : roads) {
        for (const Program& one : programs) {
            CAPTURE(road);
            std::size_t connections = 0;
            ScriptedPeer peer({});
            auto command = client(one.name, peer.port(), one.options);
            command.argv.insert(command.argv.end(), road.begin(), road.end());
            interrupt(one, command, [&](Process&) { return peer.wait_for_connections(++connections); });
        }
    }
}

TEST_CASE("a signal is answered by a client that has nothing to do, whether the broker then closes or not") {
    for (const bool closes : {true, false}) {
        CAPTURE(closes);
        BrokerThread broker;
        broker.set([=](Behaviour& it) { it.close_after_disconnect = closes; });
        // Input that does not come.
        const Program pub{"mqtt_pub", {"-t", "a", "-l", "-d"}, 0};
        Command lines = client(pub.name, broker.port(), pub.options);
        lines.keep_stdin_open = true;
        interrupt(pub, lines, [](Process& process) { return process.wait_err("received CONNACK"); });

        const Program sub{"mqtt_sub", {"-t", "a", "-d"}, 0};
        const Command listen = client(sub.name, broker.port(), sub.options);
        const auto subscribed = [](Process& process) { return process.wait_err("received SUBACK"); };
        interrupt(sub, listen, subscribed);
        // A broker that has sent something may send more.
        const auto heard = [&](Process& process) {
            const bool ready = subscribed(process);
            broker.publish("a", "x");
            return ready && process.wait_out("x\n");
        };
        interrupt(sub, listen, heard, "x\n");
    }
}

TEST_CASE("a signal is answered while waiting for the next try") {
    for (const Program& one : programs) {
        const Listener deaf("127.0.0.1", false);
        auto command = client(one.name, deaf.port, one.options);
        command.argv.insert(command.argv.end(), {"--reconnect", "forever", "--reconnect-delay", "1000"});
        interrupt(one, command, [](Process& process) { return process.wait_err("try"); });
    }
}

TEST_CASE("a signal is answered in a stream, also while the broker acknowledges nothing") {
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

TEST_CASE("a signal, and -W, are answered by a publisher whose broker reads nothing") {
    const TempDir dir;
    const Program large{
        "mqtt_pub", {"-t", "a", "-d", "-f", dir.write("large", std::string(32'000'000, 'x'))}, 66};
    const Listener deaf;
    net::Descriptor connection;
    const auto reached = [&](Process& process) {
        const bool came = wait_for([&] { return bool(connection = deaf.accept()); });
        const auto connack = connack_v311().bytes;
        return came && ::send(connection.get(), connack.data(), connack.size(), MSG_NOSIGNAL) == 4 &&
               process.wait_err("sent PUBLISH");
    };
    interrupt(large, client(large.name, deaf.port, large.options), reached);

    Command limited = client(large.name, deaf.port, large.options);
    limited.argv.insert(limited.argv.end(), {"-W", "0.3"});
    Process process(limited);
    REQUIRE(reached(process));
    const Timed end = wait_timed(process);
    CHECK(end.exit == Exit{.code = 27});
    CHECK(end.took < 300ms + at_once);
}

TEST_CASE("a second signal does not wait for a broker that takes nothing") {
    // It says CONNACK and stops reading: the rest of a large message can't be written.
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
        CHECK(end.took < at_once);
    }
}

TEST_CASE("a broker that does not close its side after DISCONNECT is not waited for, and nothing spins") {
    ScriptedPeer peer({connack_v311(), {PacketType::publish, hex("40 02 0001")}});
    Process process(client("mqtt_pub", peer.port(), {"-q", "1", "-t", "a", "-m", "x"}));
    const Timed end = wait_timed(process);
    CHECK(end.exit == Exit{.code = 0});
    CHECK(end.took < at_once);
    ScriptedPeer other({connack_v311(), {PacketType::subscribe, hex("90 03 0001 00")}});
    Process sub(client("mqtt_sub", other.port(), {"-t", "a", "-E"}));
    const Timed sub_end = wait_timed(sub);
    CHECK(sub_end.exit == Exit{.code = 0});
    CHECK(sub_end.took < at_once);
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

TEST_CASE("a broker that never answers SUBSCRIBE does not hold mqtt_sub for ever") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_subscribe = false; });
    const Result result = run(
        client("mqtt_sub", broker.port(), {"-t", "a", "--ack-timeout", "0.1", "--reconnect-delay", "0.01"}));
    CHECK(result.exit == Exit{.code = 66});
    CHECK(has(result.err, "no acknowledgement"));
}

TEST_CASE("-W bounds mqtt_sub and mqtt_pub at every stage") {
    const Blackhole hole;
    ScriptedPeer silent({});
    ScriptedPeer mute({connack_v311()});
    const Listener deaf("127.0.0.1", false);
    for (const Program& one : programs) {
        for (const std::uint16_t port : {hole.port(), silent.port(), mute.port(), deaf.port}) {
            CAPTURE(one.name);
            CAPTURE(port);
            auto command = client(one.name, port, one.options);
            command.argv.insert(command.argv.end(), {"-W", "0.2", "--reconnect", "forever"});
            Process process(command);
            const Timed end = wait_timed(process);
            CHECK(end.exit == Exit{.code = 27});
            CHECK(end.took < 200ms + at_once);
            CHECK(!process.err().empty());
        }
    }
}

TEST_CASE("a missing PINGRESP is noticed, told, and with --reconnect never the end") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_ping = false; });
    // Five seconds is the shortest keep-alive, and as long is waited for the answer; the two run together.
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

TEST_CASE("waiting takes no processor time") {
    BrokerThread broker;
    ScriptedPeer silent({});
    for (const std::uint16_t port : {broker.port(), silent.port()}) {
        Process sub(client("mqtt_sub", port, {"-t", "a"}));
        const bool there =
            port == silent.port() ? silent.wait_for_connections(1) : broker.wait_for_clients(1);
        REQUIRE(there);
        // Two looks at the processor time with half a second of waiting between them.
        std::this_thread::sleep_for(100ms);
        const double before = cpu_seconds(sub);
        std::this_thread::sleep_for(500ms);
        CHECK(cpu_seconds(sub) - before < 0.05);
    }
}

TEST_CASE("an outage is one line on stderr, not a line for each try") {
    BrokerThread broker;
    for (const Program& one : {Program{"mqtt_pub", {"-q", "1", "-t", "a", "-l"}, 0}, programs[1]}) {
        auto command = client(one.name, broker.port(), one.options);
        command.argv.insert(command.argv.end(), {"--reconnect-delay", "0.001:0.002"});
        command.keep_stdin_open = true;
        const auto before = broker.ask([](Broker& it) { return it.counters().connections; });
        Process process(command);
        REQUIRE(broker.wait_for_clients(1));
        broker.ask([](Broker& it) {
            it.stop_accepting();
            it.drop_connections();
        });
        REQUIRE(process.wait_err("cannot connect"));
        std::this_thread::sleep_for(100ms);
        REQUIRE(broker.resume_accepting());
        REQUIRE(process.wait_err("connected again"));
        CHECK(count_of(process.err(), "\n") <= 3);
        CHECK(broker.ask([](Broker& it) { return it.counters().connections; }) == before + 2);
        process.send_signal(SIGTERM);
        CHECK(process.wait() == Exit{.code = 0});
    }
}

TEST_CASE("--reconnect says how often both programs try, the first connection and later ones alike") {
    // It hears CONNECT and closes; after CONNACK in the second half.
    for (const bool accepts : {false, true}) {
        for (const Program& one : programs) {
            CAPTURE(accepts);
            CAPTURE(one.name);
            const auto script = accepts ? connack_v311() : Line{PacketType::connect, {}};
            for (const unsigned tries : {0U, 1U, 3U}) {
                ScriptedPeer peer({script}, true);
                auto command = client(one.name, peer.port(), one.options);
                command.argv.insert(command.argv.end(),
                                    {"--reconnect", tries == 0 ? "never" : std::to_string(tries),
                                     "--reconnect-delay", "0.01:0.02"});
                if (accepts && tries > 0) command.argv.insert(command.argv.end(), {"-W", "0.5"});
                const Result result = run(std::move(command));
                CAPTURE(result.err);
                if (!accepts) {
                    CHECK(peer.connections() == tries + 1);
                    CHECK(result.exit == Exit{.code = 64});
                    CHECK(count_of(result.err, "\n") <= 3);
                } else if (tries == 0) {
                    CHECK(peer.connections() == 1);
                    CHECK(result.exit.code == (std::string_view(one.name) == "mqtt_pub" ? 66 : 65));
                } else {
                    // A connection that came about begins the count anew.
                    CHECK(peer.connections() > tries + 1);
                    CHECK(result.exit == Exit{.code = 27});
                }
            }
        }
    }
}

TEST_CASE("--reconnect-delay doubles the pause between tries, and forever means it") {
    for (const Program& one : programs) {
        ScriptedPeer peer({{PacketType::connect, {}}}, true);
        auto command = client(one.name, peer.port(), one.options);
        command.argv.insert(command.argv.end(),
                            {"--reconnect", "forever", "--reconnect-delay", "0.02:10", "-W", "0.7"});
        CHECK(run(std::move(command)).exit == Exit{.code = 27});
        // 0, 20-40, 40-80, … ms: five or six tries reach 0.7 s; a fixed pause of 20 ms would make 35.
        CHECK(peer.connections() >= 3);
        CHECK(peer.connections() <= 7);
    }
}
