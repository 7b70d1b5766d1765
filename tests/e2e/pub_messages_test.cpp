// What mqtt_pub sends: every source of messages, every version, every byte.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <csignal>

#include "broker_thread.hpp"
#include "full_fifo.hpp"
#include "pub_program.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::BrokerThread;
using broker::Received;

namespace {

using Texts = std::vector<std::string>;

Texts payloads(BrokerThread& broker) {
    Texts texts;
    for (const Received& one : broker.received()) texts.emplace_back(as_text(one.message->payload));
    broker.ask([](broker::Broker& it) { it.forget_received(); });
    return texts;
}

}  // namespace

TEST_CASE("a message is sent at each QoS in each version") {
    BrokerThread broker;
    for (const char* version : {"mqttv31", "mqttv311", "mqttv5"}) {
        for (const char* qos : {"0", "1", "2"}) {
            CAPTURE(version);
            CAPTURE(qos);
            publish_ok(broker.port(),
                       {"-V", version, "-q", qos, "-t", "maison/\u00e9t\u00e9", "-m", "Bonjour \u00e0"});
            REQUIRE(broker.wait_for_received(1));
            const Received received = broker.received().front();
            CHECK(received.message->topic == "maison/\u00e9t\u00e9");
            CHECK(as_text(received.message->payload) == "Bonjour \u00e0");
            CHECK(received.message->qos == static_cast<Qos>(*qos - '0'));
            CHECK_FALSE(received.message->retain);
            CHECK_FALSE(received.dup);
            broker.ask([](broker::Broker& it) { it.forget_received(); });
        }
    }
    CHECK(broker.violations().empty());
}

TEST_CASE("lines of stdin are sent byte for byte") {
    BrokerThread broker;
    const std::string input = "one\n\nNUL \0 and CR\r\n\xff\xfe\nlast without newline"s;
    const Texts expected{"one", "", "NUL \0 and CR\r"s, "\xff\xfe", "last without newline"};
    for (const char* qos : {"0", "1", "2"}) {
        publish_ok(broker.port(), {"-t", "a", "-l", "-q", qos}, input);
        REQUIRE(broker.wait_for_received(expected.size()));
        CHECK((payloads(broker) == expected));
    }
    publish_ok(broker.port(), {"-t", "a", "-l"}, "");
    CHECK(payloads(broker).empty());
}

TEST_CASE("many lines arrive completely and in order") {
    BrokerThread broker;
    constexpr std::size_t count = 20'000;
    std::string input;
    for (std::size_t i = 0; i < count; ++i) input.append("line ").append(std::to_string(i)).append("\n");
    const TempDir dir;
    const std::string file = dir.write("lines", input);
    for (const char* qos : {"0", "1", "2"}) {
        Command command = pub_command(broker.port(), {"-t", "a", "-l", "-q", qos});
        if (*qos == '1') {
            command.stdin_file = file;
        } else {
            command.input = input;
        }
        const Result result = run(std::move(command));
        CHECK(result.exit.code == 0);
        REQUIRE(broker.wait_for_received(count));
        const Texts texts = payloads(broker);
        REQUIRE(texts.size() == count);
        bool in_order = true;
        for (std::size_t i = 0; i < count; ++i)
            in_order = in_order && texts[i] == "line " + std::to_string(i);
        CHECK(in_order);
    }
    CHECK(broker.violations().empty());
}

TEST_CASE("a line of 20 MB is one message") {
    BrokerThread broker;
    const std::string line(20'000'000, 'x');
    publish_ok(broker.port(), {"-t", "a", "-l", "-q", "1"}, "short\n" + line + "\nlast\n");
    REQUIRE(broker.wait_for_received(3));
    const Texts texts = payloads(broker);
    CHECK(texts[0] == "short");
    CHECK((texts[1] == line));
    CHECK(texts[2] == "last");
}

TEST_CASE("the payload is a file, all of stdin, or empty") {
    BrokerThread broker;
    const TempDir dir;
    std::string big(3'000'000, '\0');
    for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + i / 256);
    for (const std::string& content : {""s, "text\n"s, "NUL \0 \xff"s, big}) {
        for (const char* qos : {"0", "2"}) {
            publish_ok(broker.port(), {"-t", "a", "-q", qos, "-f", dir.write("file", content)});
            publish_ok(broker.port(), {"-t", "a", "-q", qos, "-s"}, content);
            publish_ok(broker.port(), {"-t", "a", "-q", qos, "-f", "-"}, content);
            publish_ok(broker.port(), {"-t", "a", "-q", qos, "-f", "/dev/stdin"}, content);
            REQUIRE(broker.wait_for_received(4));
            for (const std::string& text : payloads(broker)) CHECK((text == content));
        }
    }
    publish_ok(broker.port(), {"-t", "a", "-r", "-n"});
    REQUIRE(broker.wait_for_received(1));
    CHECK(broker.received().front().message->retain);
    CHECK(payloads(broker) == Texts{""});
}

TEST_CASE("-f reads a FIFO") {
    BrokerThread broker;
    const TempDir dir;
    const std::string fifo = dir.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    Process writer({.argv = {"sh", "-c", "printf 'through the fifo' > \"$0\"", fifo}});
    publish_ok(broker.port(), {"-t", "a", "-f", fifo});
    CHECK(writer.wait().code == 0);
    REQUIRE(broker.wait_for_received(1));
    CHECK(payloads(broker) == Texts{"through the fifo"});
}

TEST_CASE("--repeat publishes again to all topics in order") {
    BrokerThread broker;
    publish_ok(broker.port(),
               {"-t", "a", "-t", "b", "-m", "x", "-q", "1", "--repeat", "3", "--repeat-delay", "0.01"});
    REQUIRE(broker.wait_for_received(6));
    std::string topics;
    for (const Received& one : broker.received()) topics += one.message->topic;
    CHECK(topics == "ababab");
}

TEST_CASE("--repeat publishes a file, stdin and an empty message again, too") {
    BrokerThread broker;
    const TempDir dir;
    const std::vector<std::pair<Words, std::string>> sources{
        {{"-f", dir.write("payload", "whole\nfile")}, "whole\nfile"}, {{"-s"}, "all\nof it"}, {{"-n"}, ""}};
    for (const auto& [source, expected] : sources) {
        CAPTURE(source.front());
        publish_ok(broker.port(), Words{"-t", "a", "--repeat", "2"} + source, "all\nof it");
        REQUIRE(broker.wait_for_received(2));
        CHECK(payloads(broker) == Texts{expected, expected});
    }
}

TEST_CASE("properties, will and session settings reach the broker") {
    BrokerThread broker;
    publish_ok(broker.port(), {"-t",
                               "a",
                               "-m",
                               "x",
                               "-i",
                               "me",
                               "-k",
                               "30",
                               "-c",
                               "-x",
                               "60",
                               "-D",
                               "publish",
                               "content-type",
                               "text/plain",
                               "-D",
                               "publish",
                               "user-property",
                               "k",
                               "v",
                               "-D",
                               "connect",
                               "receive-maximum",
                               "7",
                               "--will-topic",
                               "w",
                               "--will-payload",
                               "gone",
                               "--will-qos",
                               "1",
                               "--will-retain"});
    REQUIRE(broker.wait_for_received(1));
    const auto connect = broker.connects().front();
    CHECK(connect.client_id == "me");
    CHECK(connect.version == ProtocolVersion::v5);
    CHECK(connect.keep_alive == 30);
    CHECK_FALSE(connect.clean_start);
    CHECK(connect.properties.view().number_or(PropertyId::session_expiry_interval, 0) == 60);
    CHECK(connect.properties.view().number_or(PropertyId::receive_maximum, 0) == 7);
    REQUIRE(connect.will.has_value());
    const Received received = broker.received().front();
    CHECK(received.message->properties.view().text_or_empty(PropertyId::content_type) == "text/plain");
    CHECK(received.message->properties.view().text_or_empty(PropertyId::user_property) == "v");
    // A clean end: the will is not published.
    CHECK(broker.received().size() == 1);
    CHECK(broker.violations().empty());
}

TEST_CASE("--rate limits the rate") {
    BrokerThread broker;
    const auto start = std::chrono::steady_clock::now();
    publish_ok(broker.port(), {"-t", "a", "-l", "--rate", "50"}, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
    const auto took = std::chrono::steady_clock::now() - start;
    // Ten gaps of 20 ms, of which 10 ms may be caught up.
    CHECK(took >= std::chrono::milliseconds(180));
    CHECK(broker.wait_for_received(11));
}

TEST_CASE("a signal and -W end the program while its stderr with -d is not read") {
    BrokerThread broker;
    for (const int signal : {SIGINT, SIGTERM, 0}) {
        CAPTURE(signal);
        const FullFifo fifo;
        std::vector<std::string> options{"-d", "-t", "a", "-l"};
        if (signal == 0) options.insert(options.end(), {"-W", "0.5"});
        Command command = fifo.as_stderr_of(pub_command(broker.port(), options));
        command.keep_stdin_open = true;
        Process pub(command);
        REQUIRE(broker.wait_for_clients(1));
        fifo.fill();
        pub.write("x\n");
        if (signal != 0) pub.send_signal(signal);
        const Exit exit = pub.wait();
        CHECK_FALSE(exit.timed_out);
        CHECK(exit.signal == 0);
        CHECK((exit.code == 27) == (signal == 0));
        REQUIRE(broker.wait_for_clients(0));
    }
}

TEST_CASE("-d shows the packets on stderr, nothing on stdout") {
    BrokerThread broker;
    const Result result = publish(broker.port(), {"-d", "-t", "a", "-m", "x", "-q", "1"});
    CHECK(result.exit.code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.find("mqtt_pub: sent CONNECT") != std::string::npos);
    CHECK(result.err.find("mqtt_pub: received PUBACK id 1") != std::string::npos);
    CHECK(result.err.find("mqtt_pub: sent DISCONNECT") != std::string::npos);
}
