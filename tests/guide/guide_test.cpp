// Tests of the example programs of mqttc(3) and packaging/examples.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "support/process.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Broker;
using broker::BrokerThread;

namespace {

std::string guide_program(const std::string& name) {
    return GUIDE_FOLDER + name;
}

std::string url_of(const BrokerThread& broker) {
    return "mqtt://127.0.0.1:" + std::to_string(broker.port());
}

std::vector<std::string> payloads(BrokerThread& broker) {
    std::vector<std::string> texts;
    for (const auto& one : broker.received()) texts.emplace_back(as_text(one.message->payload));
    return texts;
}

bool wait_for_subscription(BrokerThread& broker) {
    return broker.wait_until([](Broker& it) {
        for (const auto& [id, session] : it.sessions()) {
            if (it.clients() == 1 && !session->subscriptions.empty()) return true;
        }
        return false;
    });
}

}  // namespace

TEST_CASE("the publishing program delivers its message") {
    BrokerThread broker;
    const Result result = run({guide_program("publish"), url_of(broker)});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(payloads(broker) == std::vector<std::string>{"19.5"});
    CHECK(broker.violations().empty());
}

TEST_CASE("the program for the codec decodes what it has encoded") {
    const Result result = run({guide_program("codec")});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.out == "home/kitchen/temp: 4 bytes of payload\nhome/kitchen/temp: 4 bytes of payload\n");
}

TEST_CASE("the publishing program follows its URL") {
    BrokerThread broker;
    const std::string port = std::to_string(broker.port());
    CHECK(run({guide_program("publish"), "mqtt://me:pw@127.0.0.1:" + port}).exit == Exit{.code = 0});
    CHECK(broker.connects().back().username == "me");
    // The program starts TLS or WebSocket, which this broker does not understand.
    for (const char* scheme : {"mqtts", "ws"})
        CHECK(run({guide_program("publish"), scheme + ("://127.0.0.1:" + port)}).exit == Exit{.code = 1});
    CHECK(payloads(broker) == std::vector<std::string>{"19.5"});
}

TEST_CASE("the publishing program reports a refusal and a wrong URL") {
    BrokerThread broker;
    broker.set([](broker::Behaviour& it) { it.connack_code = 0x87; });
    const Result refused = run({guide_program("publish"), url_of(broker)});
    CHECK(refused.exit == Exit{.code = 1});
    CHECK(refused.err.find("not authorized") != std::string::npos);
    CHECK(run({guide_program("publish"), "http://x"}).exit == Exit{.code = 1});
}

TEST_CASE("the subscribing program reconnects after an outage and exits on SIGINT") {
    BrokerThread broker;
    Process program(Command{.argv = {guide_program("subscribe"), url_of(broker)}});
    REQUIRE(wait_for_subscription(broker));
    broker.publish("home/kitchen/temp", "19.5");
    CHECK(program.read_line() == "home/kitchen/temp 19.5");

    broker.drop_connections();
    REQUIRE(program.wait_err("trying again"));
    REQUIRE(wait_for_subscription(broker));
    broker.publish("home/kitchen/temp", "20");
    CHECK(program.read_line() == "home/kitchen/temp 20");

    program.send_signal(SIGINT);
    CHECK(program.wait() == Exit{.code = 0});
    CHECK(broker.violations().empty());
}

TEST_CASE("the subscribing program does not acknowledge what it could not write") {
    BrokerThread broker;
    Command command{
        .argv = {"sh", "-c", "exec \"$0\" \"$1\" >/dev/full", guide_program("subscribe"), url_of(broker)}};
    Process program(std::move(command));
    REQUIRE(wait_for_subscription(broker));
    broker.publish("home/kitchen/temp", "19.5", Qos::at_least_once);
    CHECK(program.wait() == Exit{.code = 1});
    CHECK(program.err() == "subscribe: No space left on device\n");
}

TEST_CASE("the program with its own loop reads long lines, and limits the wait for CONNACK") {
    BrokerThread broker;
    const std::vector<std::string> argv{guide_program("session"), "127.0.0.1", std::to_string(broker.port())};
    const std::string line(100'000, 'x');
    CHECK(run(argv, line).exit == Exit{.code = 0});
    CHECK(payloads(broker) == std::vector<std::string>{line});
    CHECK(run(argv, std::string(2'000'000, 'x')).err == "session: a line is too long\n");
    // The limit is 10 s, and over when the connection ends.
    std::vector<std::string> late{"/bin/sh", "-c", "(echo a; sleep 10.5; echo b) | \"$@\"", "sh"};
    late.insert(late.end(), argv.begin(), argv.end());
    CHECK(run(late).exit == Exit{.code = 0});
    broker.set([](broker::Behaviour& it) { it.answer_connect = false; });
    CHECK(run(argv, "x\n").err == "session: no CONNACK received\n");
}

TEST_CASE("the program with its own loop publishes each line of its input") {
    BrokerThread broker;
    std::string input;
    std::vector<std::string> lines;
    for (int i = 0; i < 500; ++i) {
        lines.push_back("line " + std::to_string(i));
        input += lines.back() + "\n";
    }
    input.pop_back();  // a last line without newline counts too
    const Result result = run({guide_program("session"), "127.0.0.1", std::to_string(broker.port())}, input);
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(payloads(broker) == lines);
    CHECK(broker.violations().empty());
}

TEST_CASE("the program with its own loop exits at once without input, and reports a closed connection") {
    BrokerThread broker;
    const std::vector<std::string> argv{guide_program("session"), "127.0.0.1", std::to_string(broker.port())};
    CHECK(run(argv).exit == Exit{.code = 0});

    Process program(Command{.argv = argv, .keep_stdin_open = true});
    REQUIRE(broker.wait_for_clients(1));
    broker.drop_connections();
    CHECK(program.wait() == Exit{.code = 1});
    CHECK(program.err() == "session: connection closed\n");
}
