// Streams of lines: all are delivered, in bounded memory, through outages, and losses are reported.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "broker_thread.hpp"
#include "delivery.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::Broker;
using broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

constexpr auto minute = 60s;

// A subscribed mqtt_sub: it has printed a retained message.
class Subscriber {
  public:
    Subscriber(std::uint16_t port, Words options) {
        Command ready = client("mqtt_pub", port, {"-r", "-q", "1", "-t", "ready", "-m", "ready"});
        REQUIRE(run(std::move(ready)).exit.code == 0);
        options.insert(options.end(), {"-t", "lines", "-t", "ready"});
        process_ = std::make_unique<Process>(client("mqtt_sub", port, std::move(options)));
        REQUIRE(process_->wait_out("ready\n"));
    }
    /// Waits for the end.
    Arrivals arrivals(std::size_t count) {
        CHECK(process_->wait(minute) == Exit{.code = 0});
        return count_arrivals(process_->out().substr(6), count);
    }

  private:
    std::unique_ptr<Process> process_;
};

void deliver(std::uint16_t port, std::size_t many) {
    const TempDir dir;
    const auto input = dir.write("in", numbered_lines(many));
    for (const char* qos : {"1", "2"}) {
        CAPTURE(qos);
        Subscriber sub(port, {"-q", qos, "-C", std::to_string(many + 1)});
        Command command = client("mqtt_pub", port, {"-q", qos, "-t", "lines", "-l"});
        command.stdin_file = input;
        const Result result = run(std::move(command), minute);
        CHECK(result.exit == Exit{.code = 0});
        CHECK(result.err == "");
        CHECK(sub.arrivals(many) == Arrivals{});
    }
}

std::string payloads(BrokerThread& broker) {
    std::string lines;
    for (const auto& one : broker.received()) lines.append(as_text(one.message->payload)).append("\n");
    return lines;
}

}  // namespace

TEST_CASE("200,000 lines of a file arrive at QoS 1 and 2, once each and in order") {
    BrokerThread broker;
    deliver(broker.port(), 200'000);
    CHECK(broker.violations().empty());
}

TEST_CASE("all lines of a file arrive with Debian's mosquitto" * needs_mosquitto()) {
    // Mosquitto is slow; tests/chaos.sh sends all 200,000.
    const std::size_t lines = std::getenv("MQTTC_FULL_LENGTH") != nullptr ? 200'000 : 30'000;
    RealBroker broker("allow_anonymous true\nmax_queued_messages 0\n", RealBroker::Log::little);
    deliver(broker.port(), lines);
}

TEST_CASE("memory is constant for an endless input, also while nothing is acknowledged") {
    constexpr std::size_t some = 20'000;
    constexpr std::size_t count = 500'000;
    broker::Options options;
    options.record = false;
    for (const char* qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        BrokerThread broker(options);
        const auto wait_for_lines = [&](std::size_t lines) {
            const std::size_t packets = lines * (*qos == '2' ? 2 : 1);
            return broker.wait_until([&](Broker& it) { return it.counters().packets_received > packets; },
                                     minute);
        };
        Command command = client("mqtt_pub", broker.port(), {"-q", qos, "-t", "a", "-l"});
        command.keep_stdin_open = true;
        Process process(std::move(command));
        const std::string lines = numbered_lines(count);
        process.write(lines.substr(0, numbered_lines(some).size()));
        REQUIRE(wait_for_lines(some));
        const auto before = peak_kib(process);
        process.write(lines.substr(numbered_lines(some).size()));
        REQUIRE(wait_for_lines(count));
        broker.set([](Behaviour& it) { it.answer_publish = false; });
        process.write(lines);
        REQUIRE(wait_for_lines(*qos == '0' ? 2 * count : count + 1));
        CHECK(before > 0);
        CHECK(peak_kib(process) < before + slack_kib);
        process.send_signal(SIGTERM);
        // Undelivered lines are reported; at QoS 0 all are delivered.
        CHECK(process.wait().code == (*qos == '0' ? 0 : 66));
        CHECK((*qos == '0' || has(process.err(), "messages delivered")));
    }
}

TEST_CASE("no line is lost at QoS 1 and 2 when the broker is unreachable for a while") {
    constexpr std::size_t count = 20'000;
    for (const char* version : {"311", "5"}) {
        for (const char* qos : {"1", "2"}) {
            CAPTURE(version);
            CAPTURE(qos);
            BrokerThread broker;
            // -i and -c: the broker keeps the session, so that QoS 2 stays exactly once.
            Command command = client("mqtt_pub", broker.port(),
                                     {"-V", version, "-i", "me", "-c", "-q", qos, "-t", "a", "-l",
                                      "--reconnect-delay", "0.01:0.02"});
            command.keep_stdin_open = true;
            Process process(std::move(command));
            const std::string lines = numbered_lines(count);
            process.write(lines);
            for (std::size_t cut = 1; cut <= 3; ++cut) {
                REQUIRE(broker.wait_for_received(cut * count / 5));
                broker.ask([](Broker& it) {
                    it.stop_accepting();
                    it.drop_connections();
                });
                REQUIRE(process.wait_until([&](const std::string&, const std::string& err) {
                    return count_of(err, "trying again") + count_of(err, "connected again") >= 2 * cut - 1;
                }));
                REQUIRE(broker.resume_accepting());
                REQUIRE(process.wait_until([&](const std::string&, const std::string& err) {
                    return count_of(err, "connected again") == cut;
                }));
            }
            process.close_stdin();
            CHECK(process.wait(minute) == Exit{.code = 0});
            const Arrivals arrived = count_arrivals(payloads(broker), count);
            CHECK(arrived.lost == 0);
            CHECK(arrived.unexpected == 0);
            CHECK(broker.violations().empty());
        }
    }
}

TEST_CASE("in MQTT 5 QoS 2 is exactly once through lost connections without further options") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    Command command = client("mqtt_pub", broker.port(),
                             {"-V", "5", "-q", "2", "-t", "a", "-l", "--reconnect-delay", "0.01:0.02"});
    command.input = numbered_lines(100);
    Process process(std::move(command));
    // The broker has received the messages and not acknowledged them.
    REQUIRE(broker.wait_for_received(20));
    broker.set([](Behaviour& it) { it.answer_publish = true; });
    broker.drop_connections();
    CHECK(process.wait() == Exit{.code = 0});
    const auto received = broker.received();
    REQUIRE(received.size() > 40);
    for (std::size_t i = 0; i < 20; ++i) CHECK(received[20 + i].dup);
    CHECK(broker.violations().empty());
    CHECK(broker.wait_until([](Broker& it) { return it.clients() == 0; }));
    CHECK(broker.ask([](Broker& it) { return it.sessions().size(); }) == 0);
}

TEST_CASE("in MQTT 5 mqtt_sub gets messages from an outage once, and no session remains at its end") {
    for (const char* qos : {"1", "2"}) {
        CAPTURE(qos);
        BrokerThread broker;
        Process sub(
            client("mqtt_sub", broker.port(),
                   {"-V", "5", "-q", qos, "-t", "lines", "-t", "end", "--reconnect-delay", "0.01:0.02"}));
        while (!sub.wait_out("ready\n", 20ms)) broker.publish("lines", "ready", Qos::at_least_once);
        broker.ask([](Broker& it) {
            it.stop_accepting();
            it.drop_connections();
            for (int i = 0; i < 50; ++i) it.publish("lines", std::to_string(i), Qos::exactly_once);
        });
        REQUIRE(sub.wait_err("trying again"));
        REQUIRE(broker.resume_accepting());
        REQUIRE(sub.wait_err("connected again"));
        broker.publish("end", "end", Qos::at_least_once);
        REQUIRE(sub.wait_out("end\n"));
        sub.send_signal(SIGTERM);
        CHECK(sub.wait() == Exit{.code = 0});
        std::string lines = sub.out();
        lines.erase(0, lines.rfind("ready\n") + 6);
        CHECK(lines == numbered_lines(50) + "end\n");
        CHECK(broker.wait_until([](Broker& it) { return it.clients() == 0; }));
        CHECK(broker.ask([](Broker& it) { return it.sessions().size(); }) == 0);
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("when the broker stays unreachable, the number of delivered lines is reported") {
    constexpr std::size_t count = 1000;
    for (const char* qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        BrokerThread broker;
        Command command =
            client("mqtt_pub", broker.port(),
                   {"-q", qos, "-t", "a", "-l", "--reconnect", "2", "--reconnect-delay", "0.01"});
        command.keep_stdin_open = true;
        Process process(std::move(command));
        process.write(numbered_lines(count));
        REQUIRE(broker.wait_for_received(count));
        broker.ask([](Broker& it) {
            it.stop_accepting();
            it.drop_connections();
        });
        REQUIRE(process.wait_err("trying again"));
        process.write("later\n");
        process.close_stdin();
        const Exit exit = process.wait();
        CHECK((exit.code == 66 || exit.code == 65));
        CHECK(has(process.err(), " messages delivered"));
        CHECK(!has(process.err(), std::to_string(count + 1) + " of "));
    }
}

TEST_CASE("lines at QoS 0 are not sent during an outage but after it") {
    constexpr std::size_t count = 50'000;
    BrokerThread broker;
    Command command = client("mqtt_pub", broker.port(), {"-t", "a", "-l", "--reconnect-delay", "0.01:0.02"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    process.write("first\n");
    REQUIRE(broker.wait_for_received(1));
    broker.ask([](Broker& it) {
        it.stop_accepting();
        it.drop_connections();
        it.forget_received();
    });
    REQUIRE(process.wait_err("trying again"));
    process.write(numbered_lines(count));
    process.close_stdin();
    REQUIRE(broker.resume_accepting());
    CHECK(process.wait() == Exit{.code = 0});
    REQUIRE(broker.wait_for_received(count));
    CHECK(count_arrivals(payloads(broker), count) == Arrivals{});
}

TEST_CASE("lines at QoS 0 that are lost with a connection are counted") {
    constexpr std::size_t count = 100'000;
    BrokerThread broker;
    Command command = client("mqtt_pub", broker.port(), {"-t", "a", "-l", "--reconnect-delay", "0.01:0.02"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    // The broker closes the connection while lines are in flight.
    broker.set([](Behaviour& it) { it.drop_at_publish = 5000; });
    process.write(numbered_lines(count));
    REQUIRE(process.wait_err("connected again"));
    process.close_stdin();
    const Exit exit = process.wait();
    REQUIRE(broker.wait_for_clients(0));
    const Arrivals arrived = count_arrivals(payloads(broker), count);
    CHECK(arrived.unexpected == 0);
    CHECK(arrived.duplicated == 0);
    CHECK(arrived.lost > 0);
    CHECK(exit.code == 66);
    CHECK(has(process.err(), "messages at QoS 0 were lost with the connection"));
    CHECK(has(process.err(), " of " + std::to_string(count) + " messages delivered"));
}

TEST_CASE("the last lines at QoS 0 count as delivered when the broker has answered PINGREQ") {
    constexpr auto soon = 3s;
    const auto stream = [](std::uint16_t port, const char* qos, Words more) {
        Words options{"-t", "a", "-l", "-q", qos, "-d"};
        options.insert(options.end(), more.begin(), more.end());
        Command command = client("mqtt_pub", port, std::move(options));
        command.input = "one\ntwo\n";
        return command;
    };
    for (const char* version : {"31", "311", "5"}) {
        BrokerThread broker;
        const Result result = run(stream(broker.port(), "0", {"-V", version}));
        CHECK(result.exit == Exit{.code = 0});
        CHECK(count_of(result.err, "sent PINGREQ") == 1);
        CHECK(result.err.find("received PINGRESP") < result.err.find("sent DISCONNECT"));
        CHECK(payloads(broker) == "one\ntwo\n");
        // At QoS 1 there are acknowledgements, and one message is not a stream.
        CHECK(!has(run(stream(broker.port(), "1", {})).err, "PING"));
        Command one = stream(broker.port(), "0", {});
        one.input = "one\n";
        CHECK(!has(run(one).err, "PING"));
    }

    BrokerThread silent;
    silent.set([](Behaviour& it) { it.answer_ping = false; });
    const Result unsure = run(stream(silent.port(), "0", {"--ack-timeout", "0.2"}));
    CHECK(unsure.exit == Exit{.code = 66});
    CHECK(has(unsure.err, "did not answer PINGREQ: it may not have read all of the 2 messages"));
    CHECK(has(unsure.err, "an unknown number of 2 messages was delivered\n"));

    for (const char* reconnect : {"never", "forever"}) {
        CAPTURE(reconnect);
        BrokerThread ends;
        ends.set([](Behaviour& it) { it.answer_ping = false; });
        Process process(stream(ends.port(), "0", {"--reconnect", reconnect}));
        REQUIRE(process.wait_err("sent PINGREQ"));
        REQUIRE(ends.wait_for_received(2));
        ends.drop_connections();
        CHECK(process.wait() == Exit{.code = 66});
        CHECK(has(process.err(), "it may not have read all of the 2 messages"));
        CHECK(has(process.err(), "an unknown number of 2 messages was delivered\n"));
    }

    // A signal and -W end the wait.
    BrokerThread interrupted;
    interrupted.set([](Behaviour& it) { it.answer_ping = false; });
    Process process(stream(interrupted.port(), "0", {}));
    REQUIRE(process.wait_err("sent PINGREQ"));
    process.send_signal(SIGTERM);
    const Timed end = wait_timed(process);
    CHECK(end.exit == Exit{.code = 66});
    CHECK(end.took < soon);
    const Result late = run(stream(interrupted.port(), "0", {"-W", "0.3"}));
    CHECK(late.exit == Exit{.code = 27});
}

TEST_CASE("NUL bytes, empty lines and a last line without newline are sent unchanged") {
    using namespace std::string_literals;
    BrokerThread broker;
    Command command = client("mqtt_pub", broker.port(), {"-q", "1", "-t", "a", "-l"});
    command.input = "one\n\0two\0\n\n\xff\r\nlast"s;
    const Result result = run(std::move(command));
    CHECK(result.exit == Exit{.code = 0});
    CHECK((payloads(broker) == "one\n\0two\0\n\n\xff\r\nlast\n"s));
}

TEST_CASE("--ack-timeout ends a stream that the broker does not acknowledge") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    Command command =
        client("mqtt_pub", broker.port(),
               {"-q", "1", "-t", "a", "-l", "--ack-timeout", "0.2", "--reconnect-delay", "0.01"});
    command.input = numbered_lines(100);
    const Result result = run(std::move(command));
    CHECK(result.exit == Exit{.code = 66});
    CHECK(has(result.err, "0 of 100 messages delivered, and the input was not read to its end"));
}

TEST_CASE("-C completes the QoS 2 handshakes of what was printed, and acknowledges nothing else") {
    BrokerThread broker;
    Process process(client("mqtt_sub", broker.port(), {"-V", "311", "-t", "a", "-q", "2", "-C", "2", "-d"}));
    REQUIRE(process.wait_err("received SUBACK"));
    broker.ask([](Broker& it) {
        for (const char* payload : {"1", "2", "3"}) it.publish("a", payload, Qos::exactly_once);
    });
    CHECK(process.wait().code == 0);
    CHECK(process.out() == "1\n2\n");
    CHECK(count_of(process.err(), "sent PUBREC") == 2);
    CHECK(count_of(process.err(), "sent PUBCOMP") == 2);
    CHECK(broker.violations().empty());
}

TEST_CASE("more than eight topics are subscribed to and unsubscribed from with several packets") {
    BrokerThread broker;
    Words words{"-V", "5", "-E", "-d"};
    for (int i = 0; i < 9; ++i)
        words = words + Words{"-t", "home/" + std::to_string(i), "-U", "old/" + std::to_string(i)};
    const Result result = run(client("mqtt_sub", broker.port(), words));
    CHECK(result.exit.code == 0);
    CHECK(count_of(result.err, "sent SUBSCRIBE") == 2);
    CHECK(count_of(result.err, "sent UNSUBSCRIBE") == 2);
    CHECK(count_of(result.err, "unsubscribing from 'old/8'") == 1);
}
