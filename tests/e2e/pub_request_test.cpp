// Requests and their answers; mqtt_sub and mqtt_pub together are the responder.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::Behaviour;
using broker::BrokerThread;

namespace {

// Receives one request and sends answers to it.
class Responder {
  public:
    explicit Responder(std::uint16_t port)
        : port_(port),
          process_(
              client("mqtt_sub", port,
                     {"-V", "mqttv5", "-t", "service", "-t", "ready", "-F", "%t|%R|%D|%p", "-W", "30"})) {
        publish_ok(port, {"-t", "ready", "-m", "x", "-r", "-q", "1"});
        REQUIRE(process_.wait_out("ready"));
    }
    // Waits for the request and stores its response topic, correlation data and payload.
    void take() {
        REQUIRE(process_.wait_out("service|"));
        REQUIRE(process_.wait_out("?\n"));
        std::smatch match;
        const std::string out = process_.out();
        REQUIRE(std::regex_search(out, match, std::regex(R"(service\|([^|]*)\|([^|]*)\|(.*\?)\n)")));
        topic = match[1];
        correlation = match[2];
        payload = match[3];
    }
    void answer(const std::string& text, const std::string& data) const {
        publish_ok(port_, {"-V", "mqttv5", "-q", "1", "-t", topic, "-m", text, "-D", "publish",
                           "correlation-data", data});
    }
    std::string topic;
    std::string correlation;
    std::string payload;

  private:
    std::uint16_t port_;
    Process process_;
};

void check_matching(std::uint16_t port) {
    Responder responder(port);
    Process request(pub_command(port, {"--request", "-t", "service", "-m", "time?", "-q", "1", "-C", "2",
                                       "-W", "30", "-d", "--stats"}));
    responder.take();
    CHECK(responder.payload == "time?");
    CHECK(responder.topic.starts_with("response/mqtt_pub-"));
    CHECK(responder.correlation.size() == 16);
    responder.answer("foreign", "0123456789abcdef");
    publish_ok(port, {"-t", responder.topic, "-m", "without data"});
    responder.answer("first", responder.correlation);
    responder.answer("foreign again", responder.correlation + "0");
    responder.answer("second\nline", responder.correlation);
    CHECK(request.wait().code == 0);
    CHECK(request.out() == "first\nsecond\nline\n");
    CHECK(request.err().find("mqtt_pub: 3 messages on the response topic ignored\n") != std::string::npos);
    CHECK(request.err().find("mqtt_pub: 2 answers; latency of answers: min ") != std::string::npos);
}

void check_by_topic(std::uint16_t port) {
    Responder responder(port);
    // An earlier answer to another request.
    publish_ok(port, {"-t", "replies", "-m", "old", "-r", "-q", "1"});
    Process request(pub_command(port, {"--request", "-V", "mqttv311", "-t", "service", "-m", "time?", "-q",
                                       "1", "--response-topic", "replies", "-W", "30"}));
    responder.take();
    CHECK(responder.topic.empty());
    publish_ok(port, {"-t", "replies", "-m", "noon", "-q", "1"});
    CHECK(request.wait().code == 0);
    CHECK(request.out() == "noon\n");
    CHECK(request.err().empty());
}

}  // namespace

TEST_CASE("only answers with the correlation data of the request are printed") {
    BrokerThread broker;
    check_matching(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("without MQTT 5 answers are recognised by their topic") {
    BrokerThread broker;
    check_by_topic(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("requests and answers through Mosquitto" * needs_mosquitto()) {
    RealBroker broker;
    check_matching(broker.port());
    check_by_topic(broker.port());
}

TEST_CASE("a request without an answer ends with exit code 27 after -W") {
    BrokerThread broker;
    const Result result = publish(broker.port(), {"--request", "-t", "service", "-n", "-W", "1"});
    CHECK(result.exit.code == 27);
    CHECK(result.out.empty());
    CHECK(result.err == "mqtt_pub: stopped by -W after 1 s: no answer to the request on 'service'\n");
}

TEST_CASE("a signal and -W end the program while its stdout is not read") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"--request", "-t", "service", "-n", "-V", "mqttv311", "-C",
                                                  "2", "--response-topic", "replies"});
    command.read_stdout = false;
    std::size_t requests = 0;
    const auto ask = [&](const Command& how) {
        auto request = std::make_unique<Process>(how);
        REQUIRE(broker.wait_for_received(++requests));
        broker.publish("replies", std::string(200'000, 'x'));
        return request;
    };
    for (const int signal : {SIGINT, SIGTERM}) {
        const auto request = ask(command);
        request->send_signal(signal);
        CHECK(request->wait() == Exit{.code = 66});
        CHECK(request->err() == "mqtt_pub: interrupted: 0 of 2 answers received\n");
    }
    command.argv.insert(command.argv.end(), {"-W", "0.5"});
    const auto timed = ask(command);
    CHECK(timed->wait() == Exit{.code = 27});
    CHECK(timed->err() == "mqtt_pub: stopped by -W after 0.5 s: 0 of 2 answers received\n");
}

TEST_CASE("a large answer is written completely to a slow reader") {
    BrokerThread broker;
    Command command = pub_command(
        broker.port(), {"--request", "-t", "service", "-n", "-V", "mqttv311", "--response-topic", "replies"});
    command.read_stdout = false;
    Process request(command);
    REQUIRE(broker.wait_for_received(1));
    const std::string answer(2'000'000, 'x');
    broker.publish("replies", answer);
    broker.ask([](broker::Broker&) {});
    request.resume_stdout();
    CHECK(request.wait() == Exit{.code = 0});
    CHECK((request.out() == answer + "\n"));
}

TEST_CASE("-F and --pretty print an answer as mqtt_sub prints a message") {
    BrokerThread broker;
    std::size_t requests = 0;
    const auto ask = [&](Words options, const std::string& answer) {
        Process request(pub_command(broker.port(), Words{"--request", "-t", "service", "-n", "-V", "mqttv311",
                                                         "--response-topic", "replies", "-W", "20"} +
                                                       options));
        REQUIRE(broker.wait_for_received(++requests));
        broker.publish("replies", answer);
        request.wait();
        return Result{.exit = request.wait(), .out = request.out(), .err = request.err()};
    };
    CHECK(ask({"-F", "%t|%p|%l|%x"}, "21.5").out == "replies|21.5|4|32312e35\n");
    CHECK(ask({"-F", "%{a.b}", "-N"}, R"({"a":{"b":7}})").out == "7");
    const Result pretty = ask({"-F", "%J", "--pretty"}, "[1]");
    CHECK(pretty.exit == ok);
    CHECK(pretty.out.find("\n\t\"payload\":\t[1]\n}\n") != std::string::npos);
    // It is an answer, so no further one is waited for.
    const Result wrong = ask({"-F", "%J"}, "[1");
    CHECK(wrong.exit == Exit{.code = 68});
    CHECK(wrong.out.empty());
    CHECK(wrong.err.starts_with("mqtt_pub: the payload of a message on topic 'replies' is not valid JSON ("));
}

TEST_CASE("a wrong format is refused before there is a connection") {
    const Result result = publish(1, {"--request", "-t", "service", "-n", "-F", "%z"});
    CHECK(result.exit == Exit{.code = 1});
    CHECK(result.err.starts_with("mqtt_pub: -F: "));
}

TEST_CASE("a request without subscribers ends at once" * needs_mosquitto()) {
    RealBroker broker;
    const Result result = publish(broker.port(), {"--request", "-t", "service", "-n", "-q", "1", "-W", "30"});
    CHECK(result.exit.code == 66);
    CHECK(result.err.starts_with("mqtt_pub: no client receives the request: "));
}

TEST_CASE("mqtt_sub --exec can answer a request") {
    BrokerThread broker;
    std::string command;
    for (const std::string& word : runnable({program("mqtt_pub")})) command += "'" + word + "' ";
    command += "-h 127.0.0.1 -p " + std::to_string(broker.port()) +
               R"sh( -V 5 -t "$MQTT_RESPONSE_TOPIC" -m "answer to $(cat)")sh"
               R"sh( -D publish correlation-data "$MQTT_CORRELATION_DATA")sh";
    Process responder(
        client("mqtt_sub", broker.port(), {"-V", "mqttv5", "-t", "service", "-C", "1", "--exec", command}));
    REQUIRE(broker.wait_until([](broker::Broker& it) {
        return std::ranges::any_of(it.sessions(),
                                   [](const auto& one) { return !one.second->subscriptions.empty(); });
    }));
    const Result result =
        run(pub_command(broker.port(), {"--request", "-t", "service", "-m", "time?", "-W", "20"}));
    CHECK(result.exit.code == 0);
    CHECK(result.out == "answer to time?\n");
    CHECK(responder.wait().code == 0);
}

TEST_CASE("correlation data of the user are used, and a second response topic is refused") {
    BrokerThread broker;
    Responder responder(broker.port());
    Process request(
        pub_command(broker.port(), {"--request", "-t", "service", "-m", "?", "-W", "30", "--response-topic",
                                    "mine", "-D", "publish", "correlation-data", "c42"}));
    responder.take();
    CHECK(responder.topic == "mine");
    CHECK(responder.correlation == "c42");
    responder.answer("yes", "c42");
    CHECK(request.wait().code == 0);
    CHECK(request.out() == "yes\n");

    const Result wrong =
        publish(broker.port(), {"--request", "-t", "service", "-n", "-D", "publish", "response-topic", "r"});
    CHECK(wrong.exit.code == 1);
    CHECK(wrong.err ==
          "mqtt_pub: -D publish response-topic cannot be used with --request: use --response-topic\n");
}

TEST_CASE("a refused subscription to the response topic ends with 67") {
    BrokerThread broker;
    broker.set([](broker::Behaviour& it) { it.suback_code = reason::not_authorized; });
    const Result result = publish(broker.port(), {"--request", "-t", "service", "-n", "-W", "30"});
    CHECK(result.exit.code == 67);
    CHECK(result.err.find("mqtt_pub: the broker refused the subscription to 'response/mqtt_pub-") !=
          std::string::npos);
}

TEST_CASE("a signal does not hide the exit code of a request that has ended") {
    BrokerThread broker;
    for (int round = 0; round < 50; ++round) {
        Process request(pub_command(broker.port(), {"--request", "-t", "service", "-n", "-q", "1"}));
        REQUIRE(request.wait_err("no client receives the request"));
        request.send_signal(SIGTERM);
        CHECK(request.wait() == Exit{.code = 66});
    }
}

TEST_CASE("when the connection is lost after a request at QoS 0, it is reported that it may be lost") {
    BrokerThread broker;
    for (const bool lost : {true, false}) {
        broker.set([](Behaviour& it) {
            it.drop_at_publish = 1;
            it.answer_publish = false;  // nobody receives the request, which would end it
        });
        Process request(
            pub_command(broker.port(), {"--request", "-t", "service", "-m", "time?", "-q", lost ? "0" : "1",
                                        "--reconnect", "5", "--reconnect-delay", "0.01", "-W", "60"}));
        REQUIRE(request.wait_err("connected again"));
        request.send_signal(SIGTERM);
        CHECK(request.wait() == Exit{.code = 66});
        const bool reported =
            request.err().find(
                "; the request, or its answer, may be lost (-q 1 sends the request again); trying") !=
            std::string::npos;
        CHECK(reported == lost);
    }
}
