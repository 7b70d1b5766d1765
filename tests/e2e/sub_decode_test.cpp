// mqtt_sub --decode and mqtt_pub --encode.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "pub_program.hpp"
#include "sub_program.hpp"
#include "support/hex.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

std::string cbor_of(std::string_view digits) {
    return std::string(as_text(hex(digits)));
}

// {"a":[1,h'00ff'],"b":"x"}
const std::string object = cbor_of("a2 6161 82 01 42 00ff 6162 6178");
constexpr std::string_view object_json = R"({"a":[1,"AP8="],"b":"x"})";

}  // namespace

TEST_CASE("--decode: every output gets the JSON") {
    struct Output {
        Words options;
        std::string_view printed;
    };
    const TempDir dir;
    const Output outputs[] = {
        {{}, "{\"a\":[1,\"AP8=\"],\"b\":\"x\"}\n"},
        {{"-v"}, "t {\"a\":[1,\"AP8=\"],\"b\":\"x\"}\n"},
        {{"-F", "%p %l"}, "{\"a\":[1,\"AP8=\"],\"b\":\"x\"} 24\n"},
        {{"-F", "%J"}, "\"payload\":{\"a\":[1,\"AP8=\"],\"b\":\"x\"}}\n"},
        {{"-F", "%j"}, "\"payload\":\"{\\\"a\\\":[1,\\\"AP8=\\\"],\\\"b\\\":\\\"x\\\"}\"}\n"},
        {{"--field", "a.1"}, "AP8=\n"},
        {{"-F", "%{a.1} %{b}"}, "AP8= x\n"},
        {{"--exec", "cat"}, "{\"a\":[1,\"AP8=\"],\"b\":\"x\"}"},
        {{"--save", dir.file("%t")}, ""},
    };
    for (const auto& [options, printed] : outputs) {
        BrokerThread broker;
        CAPTURE(as_line(options));
        Subscribed sub(broker, Words{"-t", "t", "--decode", "cbor", "-C", "1"} + options);
        broker.publish("t", object);
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out().ends_with(printed));
        CHECK(sub.process.out().empty() == printed.empty());
        CHECK(sub.process.err().empty());
    }
    CHECK(read_file(dir.path() / "t") == object_json);
}

TEST_CASE("--decode: what cannot be decoded is reported once per topic, counted, and printed as it is") {
    for (const bool skip : {false, true}) {
        BrokerThread broker;
        Subscribed sub(broker, Words{"-t", "#", "--decode", "msgpack", "-v", "-C", skip ? "2" : "5"} +
                                   (skip ? Words{"--skip-invalid"} : Words{}));
        broker.publish("a", "\xc1");
        broker.publish("a", "\x92\x01");
        broker.publish("b", "\x01\x01");
        broker.publish("a", "");
        broker.publish("a", "\x92\x01\x02");
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out() ==
              (skip ? "a (null)\na [1,2]\n" : "a \xc1\na \x92\x01\nb \x01\x01\na (null)\na [1,2]\n"));
        const std::string how = skip ? "left out\n" : "printed as it is\n";
        CHECK(
            sub.process.err() ==
            "mqtt_sub: the payload of a message on topic 'a' is not MessagePack (error at byte 1: c1 is not "
            "a "
            "type): " +
                how +
                "mqtt_sub: the payload of a message on topic 'b' is not MessagePack (error at byte 2: 1 more "
                "byte follows the value): " +
                how + "mqtt_sub: 3 payloads could not be decoded\n");
    }
}

TEST_CASE("--decode auto goes by the content type, never by the bytes") {
    BrokerThread broker;
    Subscribed sub(broker, {"-V", "5", "-t", "#", "--decode", "auto", "-C", "6"});
    const auto send = [&](const char* type, const char* digits) {
        publish_ok(broker.port(), Words{"-V", "5", "-t", "t", "-q", "1", "--encoding", "hex", "-m", digits} +
                                      (*type != 0 ? Words{"-D", "publish", "content-type", type} : Words{}));
    };
    send("application/cbor", "820102");
    send("Application/CBOR ; charset=x", "820103");
    send("application/senml+cbor", "820104");
    send("application/vnd.msgpack", "920105");
    send("application/json", "5b 31 2c 20 36 5d");
    send("", "5b 31 2c 20 37 5d");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "[1,2]\n[1,3]\n[1,4]\n[1,5]\n[1,6]\n[1, 7]\n");
    CHECK(sub.process.err().empty());
}

TEST_CASE("--encode: -m, -f, -s, -l and --input json are published in the format") {
    const TempDir dir;
    std::ofstream(dir.path() / "object") << object_json;
    const std::string recorded = R"({"topic":"t","payload":{"a":[1,2]}})"
                                 "\n"
                                 R"({"topic":"t","payload":"{\"a\":[1,2]}"})"
                                 "\n";
    struct Case {
        Words options;
        std::string input;
        std::string_view printed;
    };
    const Case cases[] = {
        {{"-t", "t", "-m", "[1,-1]"}, "", "820120\n"},
        {{"-t", "t", "-f", dir.file("object")}, "", "a261618201644150383d61626178\n"},
        {{"-t", "t", "-s"}, " {} ", "a0\n"},
        {{"-t", "t", "-l"}, "1\n\n\"x\"\n", "01\n\n6178\n"},
        {{"--input", "topic", "-l"}, "t 1.5\n", "f93e00\n"},
        {{"--input", "json", "-l"}, recorded, ""},
    };
    for (const auto& [options, input, printed] : cases) {
        BrokerThread broker;
        CAPTURE(as_line(options));
        Subscribed sub(broker, {"-t", "#", "-F", "%x"});
        publish_ok(broker.port(), Words{"--encode", "cbor", "-q", "1"} + options, input);
        const std::string expected =
            input == recorded ? "a16161820102\na16161820102\n" : std::string(printed);
        CHECK(sub.process.wait_until(
            [&](const std::string& out, const std::string&) { return out.size() >= expected.size(); }));
        CHECK(sub.process.out() == expected);
    }
}

TEST_CASE("--encode: what cannot be encoded is reported with its position") {
    BrokerThread broker;
    const auto bad = publish(broker.port(), {"-t", "t", "--encode", "msgpack", "-m", "{\"a\":x}"});
    CHECK(bad.exit.code == 1);
    CHECK(bad.err ==
          "mqtt_pub: -m: the payload cannot be encoded: it is not JSON from byte 6: syntax error while "
          "parsing value "
          "- invalid literal\n");
    const auto lines =
        publish(broker.port(), {"-t", "t", "--encode", "msgpack", "-l", "--skip-invalid"}, "1\n[\n2\n");
    CHECK(lines.exit.code == 66);
    CHECK(has(lines.err, "mqtt_pub: line 2: the payload cannot be encoded: it is not JSON from byte 2: "));
    CHECK(has(lines.err, "mqtt_pub: 2 of 3 messages delivered, 1 line could not be read\n"));
}

TEST_CASE("--encoding decodes the payload of -f and -s, too") {
    const TempDir dir;
    std::ofstream(dir.path() / "text") << "QUJD\nRA==\n";
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "#", "-C", "2"});
    publish_ok(broker.port(), {"-t", "t", "-f", dir.file("text"), "--encoding", "base64"});
    publish_ok(broker.port(), {"-t", "t", "-s", "--encoding", "hex"}, "0x41:42 43\n");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "ABCD\nABC\n");
    const auto bad = publish(broker.port(), {"-t", "t", "-s", "--encoding", "hex"}, "4g\n");
    CHECK(bad.exit.code == 1);
    CHECK(bad.err == "mqtt_pub: stdin: invalid hex digit 'g' at character 2\n");
}
