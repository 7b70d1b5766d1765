// Lines with a topic, and lines in JSON (--input topic, --input json).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::BrokerThread;
using broker::Received;

namespace {

using Texts = std::vector<std::string>;

// All messages received: "topic qos retain payload".
Texts take_all(BrokerThread& broker, std::size_t count) {
    REQUIRE(broker.wait_for_received(count));
    Texts texts;
    for (const Received& one : broker.received()) {
        texts.push_back(one.message->topic + " " + std::to_string(static_cast<int>(one.message->qos)) +
                        (one.message->retain ? " r " : " - ") + std::string(as_text(one.message->payload)));
    }
    broker.ask([](broker::Broker& it) { it.forget_received(); });
    return texts;
}

}  // namespace

TEST_CASE("each line has its topic") {
    BrokerThread broker;
    publish_ok(broker.port(), {"-l", "--input", "topic", "-q", "1", "-r"}, "a/b one two\nc\t\nd \xff\0\n"s);
    CHECK(take_all(broker, 3) == Texts{"a/b 1 r one two", "c 1 r ", "d 1 r \xff\0"s});
    publish_ok(broker.port(), {"-l", "--input", "topic", "--separator", ";", "--encoding", "base64"},
               "a b;AP8=\n");
    CHECK(take_all(broker, 1) == Texts{"a b 0 - \0\xff"s});
}

TEST_CASE("payloads are decoded") {
    BrokerThread broker;
    publish_ok(broker.port(), {"-t", "a", "-m", "00ff0a", "--encoding", "hex"});
    publish_ok(broker.port(), {"-t", "a", "-l", "--encoding", "base64"}, "AP8K\n\n");
    CHECK(take_all(broker, 3) == Texts{"a 0 - \0\xff\n"s, "a 0 - \0\xff\n"s, "a 0 - "});
    const Result wrong = publish(broker.port(), {"-t", "a", "-m", "0x", "--encoding", "hex"});
    CHECK(wrong.exit.code == 1);
    CHECK(wrong.err == "mqtt_pub: -m: invalid hex digit 'x' at character 2\n");
}

TEST_CASE("JSON objects override the options for each message") {
    BrokerThread broker;
    publish_ok(broker.port(), {"-l", "--input", "json", "-t", "rest", "-q", "2", "-r", "-V", "mqttv5"},
               R"({"payload":"x"})"
               "\n"
               R"({"topic":"t","qos":1,"retain":false,"payload":{"a":1.0},"properties":{"content-type":"c"}})"
               "\n");
    REQUIRE(broker.wait_for_received(2));
    const std::string content_type(
        broker.received().back().message->properties.view().text_or_empty(PropertyId::content_type));
    CHECK(content_type == "c");
    CHECK(take_all(broker, 2) == Texts{"rest 2 r x", "t 1 - {\"a\":1.0}"});
    CHECK(broker.violations().empty());
}

TEST_CASE("an invalid line ends the run with 1 after the lines before it are delivered") {
    BrokerThread broker;
    const std::string input = "{\"topic\":\"a\",\"payload\":\"1\"}\n{\"topic\":5}\n{\"topic\":\"b\"}\n";
    const Result result = publish(broker.port(), {"-l", "--input", "json", "-q", "1"}, input);
    CHECK(result.exit.code == 1);
    CHECK(
        result.err.starts_with("mqtt_pub: line 2: topic is not a string (reading stopped there; "
                               "--skip-invalid continues)\n"));
    CHECK(take_all(broker, 1) == Texts{"a 1 - 1"});
}

TEST_CASE("an invalid first line is one error, and nothing is published") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-l", "--input", "json"}, "{\"topic\":5}\n{\"topic\":\"b\"}\n");
    CHECK(result.exit.code == 1);
    CHECK(result.err ==
          "mqtt_pub: line 1: topic is not a string; nothing was sent (--skip-invalid skips such lines)\n");
    CHECK(broker.received().empty());
}

TEST_CASE("the quotation marks of a CSV file are warned about") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-l", "--input", "topic", "--separator", ","}, "\"a\",\"1\"\n");
    CHECK(result.exit.code == 0);
    CHECK(result.err ==
          "mqtt_pub: warning: the topic '\"a\"' contains the quotation marks of the line: --input topic "
          "removes "
          "none\n");
}

TEST_CASE("with --skip-invalid, invalid lines are skipped and counted") {
    BrokerThread broker;
    const std::string input =
        "{\"topic\":\"a\",\"payload\":\"1\"}\n{\"topic\":5}\nrubbish\n{\"topic\":\"b\"}\n";
    const Result result = publish(broker.port(), {"-l", "--input", "json", "--skip-invalid"}, input);
    CHECK(result.exit.code == 66);
    CHECK(result.err.find("mqtt_pub: line 2: topic is not a string\n") != std::string::npos);
    CHECK(result.err.find("mqtt_pub: line 3: it is not JSON from byte 1: ") != std::string::npos);
    CHECK(result.err.ends_with("mqtt_pub: 2 of 4 messages delivered, 2 lines could not be read\n"));
    CHECK(take_all(broker, 2) == Texts{"a 0 - 1", "b 0 - "});
}

TEST_CASE("properties without MQTT 5 are omitted, with one warning") {
    BrokerThread broker;
    const std::string line = "{\"topic\":\"a\",\"properties\":{\"content-type\":\"c\"}}\n";
    const Result result = publish(broker.port(), {"-l", "--input", "json"}, line + line);
    CHECK(result.exit.code == 0);
    CHECK(result.err == "mqtt_pub: warning: properties of messages need MQTT 5 (-V mqttv5): left out\n");
    CHECK(take_all(broker, 2) == Texts{"a 0 - ", "a 0 - "});
}

TEST_CASE("-W ends a run in the middle of a file with very many lines that cannot be published") {
    const TempDir dir;
    broker::Options options;
    options.limits.retain_available = false;
    for (const char* line : {"x\n", "{\"topic\":\"a\",\"retain\":true}\n"}) {
        CAPTURE(line);
        std::string content;
        for (int i = 0; i < 1'500'000; ++i) content += line;
        const std::string file = dir.write("lines", content);
        BrokerThread broker(options);
        Command command = pub_command(
            broker.port(), {"-V", "mqttv5", "-l", "--input", "json", "--skip-invalid", "-W", "0.2"});
        command.argv.insert(command.argv.begin(), {"sh", "-c", "exec \"$0\" \"$@\" < '" + file + "'"});
        const Result result = run(std::move(command));
        CHECK(result.exit.code == 27);
        CHECK(result.err.find("stopped by -W after 0.2 s") != std::string::npos);
    }
}

TEST_CASE("a message with its own topic counts once, however often -t is given") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-l", "--input", "json", "-t", "x", "-t", "y", "--rate", "0.01", "-W", "2"},
                "{\"topic\":\"a\"}\n{\"topic\":\"b\"}\n");
    CHECK(result.exit.code == 27);
    CHECK(result.err.find("1 of 2 messages delivered") != std::string::npos);
}

TEST_CASE("the separator of CSV is one ASCII character that is not a quote") {
    for (const char* separator : {"\u00a7", "\"", ";;"}) {
        const Result result = publish(1, {"-l", "--input", "csv", "-t", "a", "--separator", separator});
        CHECK(result.exit.code == 1);
        CHECK(result.err == "mqtt_pub: --separator: CSV needs one ASCII character that is not a quote\n");
    }
}
