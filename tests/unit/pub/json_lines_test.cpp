// Lines of --input json: what mqtt_sub's %j prints, and lines written by hand.
#include "json_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mqttc;
using namespace mqttc::pub;
using namespace std::string_literals;

namespace {

// The message of a line; its problem is the line's error.
struct Read {
    explicit Read(std::string line, JsonRules rules = {.need_topic = false})
        : text(std::move(line)), parser(std::move(rules)) {
        if (auto parsed = parser.parse(text, message); !parsed) message.problem = parsed.error();
    }
    std::string payload() const { return std::string(as_text(message.payload)); }

    std::string text;
    JsonLines parser;
    InputMessage message;
};

std::string payload_of(const std::string& line) {
    const Read read(line);
    CHECK(read.message.problem == "");
    return read.payload();
}

std::string problem_of(const std::string& line) {
    return Read(line).message.problem;
}

}  // namespace

TEST_CASE("all members of an object of %j are read") {
    const Read read(
        R"({"tst":"2026-11-22T12:47:57.123456+0100","topic":"a/b","qos":1,"retain":true,"payloadlen":2,"mid":7,)"
        R"("properties":{"content-type":"text/plain","correlation-data":"/wA=","correlation-data_encoding":"base64",)"
        R"("message-expiry-interval":60,"user-properties":[{"k":"v"},{"k":"w"}],"response-topic":"r",)"
        R"("payload-format-indicator":1},"payload":"hé"})");
    CHECK(read.message.problem == "");
    CHECK(read.message.topic == "a/b");
    CHECK(read.message.qos == Qos::at_least_once);
    CHECK(read.message.retain == true);
    CHECK(read.payload() == "hé");
    CHECK_FALSE(read.message.time);
    REQUIRE(read.message.properties);
    const PropertiesView properties = *read.message.properties;
    CHECK(properties.text_or_empty(PropertyId::content_type) == "text/plain");
    CHECK(properties.text_or_empty(PropertyId::correlation_data) == "\xff\0"s);
    CHECK(properties.number_or(PropertyId::message_expiry_interval, 0) == 60);
    CHECK(properties.text_or_empty(PropertyId::response_topic) == "r");
    CHECK(properties.number_or(PropertyId::payload_format_indicator, 0) == 1);
    std::vector<PropertyId> order;
    std::string pairs;
    for (const Property& property : properties) {
        order.push_back(property.id);
        if (property.id == PropertyId::user_property)
            pairs.append(property.name).append("=").append(property.text).append(" ");
    }
    CHECK(pairs == "k=v k=w ");
    CHECK(order.front() == PropertyId::content_type);
    CHECK(order[1] == PropertyId::correlation_data);
    CHECK(order.back() == PropertyId::payload_format_indicator);
}

TEST_CASE("members that an object lacks are left to the options") {
    const Read read(R"({"payload":"x"})");
    CHECK_FALSE(read.message.topic);
    CHECK_FALSE(read.message.qos);
    CHECK_FALSE(read.message.retain);
    CHECK_FALSE(read.message.properties);
    CHECK(Read("{}").payload().empty());
    CHECK(Read("{}", {}).message.problem == "it has no topic, and there is no -t");
}

TEST_CASE("retain may be a number, as older programs write it") {
    CHECK(Read(R"({"retain":1})").message.retain == true);
    CHECK(Read(R"({"retain":0})").message.retain == false);
    CHECK(problem_of(R"({"retain":2})") == "retain is not true or false");
    CHECK(problem_of(R"({"retain":"yes"})") == "retain is not true or false");
}

TEST_CASE("a payload that isn't a string is taken as it is written") {
    CHECK(payload_of(R"({"payload": {"b": 1.50, "a":[1,{"x":"\u00e9"}]} ,"qos":0})") ==
          R"({"b": 1.50, "a":[1,{"x":"\u00e9"}]})");
    CHECK(payload_of(R"({"payload":[]})") == "[]");
    CHECK(payload_of(R"({"payload" : -0 })") == "-0");
    CHECK(payload_of(R"({"payload":1.10e+3})") == "1.10e+3");
    CHECK(payload_of(R"({"payload":-1e5000})") == "-1e5000");
    CHECK(payload_of(R"({"payload":123456789012345678901234567890})") == "123456789012345678901234567890");
    CHECK(payload_of(R"({"payload":true})") == "true");
    CHECK(payload_of(R"({"payload":null})").empty());
    CHECK(payload_of(R"({"payload":{"payload":"inner","topic":5}})") == R"({"payload":"inner","topic":5})");
}

TEST_CASE("a payload may be nested deeper than %J writes") {
    const std::string deep = std::string(5000, '[') + std::string(5000, ']');
    CHECK(payload_of("{\"x\":" + deep + ",\"payload\":" + deep + "}") == deep);
}

TEST_CASE("names and values may be written with escapes") {
    const Read read(R"({"\u0074opic":"a\/b","payload_encodin\u0067":"he\u0078","payload":"3\u0031",)"
                    R"("properties":{"content\u002dtype":"\u00e9","user-properties":{"\n":"\t"}}})");
    CHECK(read.message.problem == "");
    CHECK(read.message.topic == "a/b");
    CHECK(read.payload() == "1");
    CHECK(read.message.properties->text_or_empty(PropertyId::content_type) == "\xc3\xa9");
    for (const Property& property : *read.message.properties) {
        if (property.id != PropertyId::user_property) continue;
        CHECK(property.name == "\n");
        CHECK(property.text == "\t");
    }
}

TEST_CASE("a payload string may contain any character and encode any bytes") {
    CHECK(payload_of(R"({"payload":"\u0000\n\"\\\ud83d\ude00"})") == "\0\n\"\\\xf0\x9f\x98\x80"s);
    CHECK(payload_of(R"({"payload_encoding":"base64","payload":"AP+A"})") == "\0\xff\x80"s);
    CHECK(payload_of(R"({"payload":"00fF","payload_encoding":"hex"})") == "\0\xff"s);
    CHECK(payload_of(R"({"payload":null,"payload_encoding":"base64"})").empty());
    CHECK(problem_of(R"({"payload":5,"payload_encoding":"base64"})") ==
          "payload_encoding is given, but the payload is not a string");
    CHECK(problem_of(R"({"payload":"A*==","payload_encoding":"base64"})") ==
          "payload: invalid base64 digit '*' at character 2");
    CHECK(problem_of(R"({"payload":"","payload_encoding":"rot13"})") ==
          "payload_encoding is not base64 or hex");
}

TEST_CASE("payloadlen distinguishes a payload that is a JSON string or null from its characters") {
    CHECK(payload_of(R"({"payloadlen":4,"payload":"on"})") == "\"on\"");
    CHECK(payload_of(R"({"payload" : "on" , "payloadlen":4})") == "\"on\"");
    CHECK(payload_of(R"({"payloadlen":2,"payload":"on"})") == "on");
    CHECK(payload_of(R"({"payloadlen":4,"payload":null})") == "null");
    CHECK(payload_of(R"({"payloadlen":0,"payload":null})").empty());
    CHECK(payload_of(R"({"payloadlen":2,"payload":""})") == "\"\"");
    CHECK(payload_of(R"({"payloadlen":0,"payload":""})").empty());
    CHECK(payload_of(R"({"payloadlen":10,"payload":"\"\u00e9"})") == R"("\"\u00e9")");
    CHECK(payload_of(R"({"payloadlen":3,"payload":"\"\u00e9"})") == "\"é");
    CHECK(payload_of(R"({"payloadlen":3,"payload":"b24=","payload_encoding":"base64"})") == "on");
    CHECK(payload_of(R"({"payloadlen":6,"payload":"b24=","payload_encoding":"base64"})") == "on");
    // Written by hand, or left as it was when the payload was changed.
    for (const char* odd : {"3", "-4", "4.0", "\"4\"", "true", "null", "{}", "[4]"}) {
        CAPTURE(odd);
        CHECK(payload_of(R"({"payload":"on","payloadlen":)" + std::string(odd) + "}") == "on");
    }
}

TEST_CASE("unknown members are ignored, whatever they contain") {
    CHECK(
        payload_of(R"({"x":{"payload":"no","properties":{"y":1}},"z":[[["a"]]],"tst":{},"payload":"yes"})") ==
        "yes");
    CHECK(payload_of(R"({"payload":"yes","mid":null,"tst":5,"ok":false,"e":-1.5})") == "yes");
}

TEST_CASE("properties of the recorded connection are not sent") {
    const Read read(R"({"properties":{"topic-alias":3,"subscription-identifier":[1,2],"content-type":"c"}})");
    CHECK(read.message.problem == "");
    REQUIRE(read.message.properties);
    std::size_t count = 0;
    for (const Property& property : *read.message.properties) {
        ++count;
        CHECK(property.id == PropertyId::content_type);
    }
    CHECK(count == 1);
    CHECK(Read(R"({"properties":{"subscription-identifier":1}})").message.problem == "");
}

TEST_CASE("user properties may also be one object") {
    const Read read(R"({"properties":{"user-properties":{"b":"1","a":"2","x_encoding":"3"}}})");
    CHECK(read.message.problem == "");
    std::string pairs;
    for (const Property& property : *read.message.properties)
        pairs.append(property.name).append("=").append(property.text).append(" ");
    CHECK(pairs == "b=1 a=2 x_encoding=3 ");
}

TEST_CASE("the encoding of a property may precede it") {
    const Read read(R"({"properties":{"correlation-data_encoding":"hex","correlation-data":"0a"}})");
    CHECK(read.message.problem == "");
    CHECK(read.message.properties->text_or_empty(PropertyId::correlation_data) == "\n");
}

TEST_CASE("the error of an invalid line gives the cause") {
    struct Wrong {
        const char* line;
        const char* problem;
    };
    constexpr Wrong wrong[] = {
        {"5", "it is not an object"},
        {"[]", "it is not an object"},
        {"\"a\"", "it is not an object"},
        {"null", "it is not an object"},
        {R"({"topic":5})", "topic is not a string"},
        {R"({"topic":{}})", "topic is not a string"},
        {R"({"topic":"a/#"})",
         "'#' is a wildcard for subscriptions and cannot be in a topic to publish to: name one topic, such "
         "as "
         "a/x"},
        {R"({"qos":3})", "qos is not 0, 1 or 2"},
        {R"({"qos":-1})", "qos is not 0, 1 or 2"},
        {R"({"qos":1.0})", "qos is not 0, 1 or 2"},
        {R"({"qos":"1"})", "qos is not 0, 1 or 2"},
        {R"({"qos":true})", "qos is not 0, 1 or 2"},
        {R"({"properties":5})", "properties is not an object"},
        {R"({"properties":[]})", "properties is not an object"},
        {R"({"properties":{"contentype":"x"}})", "properties: unknown MQTT 5 property 'contentype'"},
        {R"({"properties":{"user-property":"x"}})", "properties: unknown MQTT 5 property 'user-property'"},
        {R"({"properties":{"receive-maximum":5}})",
         "properties: 'receive-maximum' is not a property of PUBLISH"},
        {R"({"properties":{"content-type":5}})", "content-type: its value is not allowed"},
        {R"({"properties":{"message-expiry-interval":"5"}})",
         "message-expiry-interval: its value is not allowed"},
        {R"({"properties":{"message-expiry-interval":4294967296}})",
         "message-expiry-interval: its value is not allowed"},
        {R"({"properties":{"payload-format-indicator":2}})",
         "payload-format-indicator: the value of a property is out of range"},
        {R"({"properties":{"user-properties":["a"]}})", "user-properties is not a list of objects"},
        {R"({"properties":{"user-properties":[{"a":5}]}})",
         "user-properties: the value of 'a' is not a string"},
        {R"({"properties":{"user-properties":{"a":{}}}})",
         "user-properties: the value of 'a' is not a string"},
        {R"({"properties":{"content-type":{}}})", "content-type: its value is not allowed"},
        {R"({"properties":{"correlation-data":"a","correlation-data_encoding":"hex"}})",
         "correlation-data: 1 hex digit at character 1: two are needed for each byte"},
    };
    for (const Wrong& one : wrong) {
        CAPTURE(one.line);
        CHECK(problem_of(one.line) == std::string(one.problem));
    }
    // The first fault counts, whatever follows it.
    CHECK(problem_of(R"({"properties":{"bogus" nonsense)") == "properties: unknown MQTT 5 property 'bogus'");
    CHECK(problem_of(R"({"qos":3 nonsense)") == "qos is not 0, 1 or 2");
    CHECK(problem_of(R"({"qos" 3)").starts_with("it is not JSON from byte 8: "));
    CHECK(problem_of("{\"qos\":3}\0"s) == "it is not JSON: there is a NUL at byte 10");
    CHECK(problem_of("{}\0"s) == "it is not JSON: there is a NUL at byte 3");
    for (const char* line : {"", " ", "{", "{}}", "{} {}", R"({"a":})", R"({"payload":"\ud800"})", "\xff",
                             "{\"payload\":\"\xff\"}", "{'a':1}"}) {
        CAPTURE(line);
        CHECK(problem_of(line).starts_with("it is not JSON from byte "));
    }
    CHECK(problem_of(R"({"a":})").find("line 1") == std::string::npos);
    CHECK(problem_of("{").ends_with(" (one object a line: without --pretty)"));
    CHECK_FALSE(problem_of("{{").ends_with(" (one object a line: without --pretty)"));
}

TEST_CASE("times are read only when they are needed") {
    const std::string line = R"({"tst":"1970-01-01T01:00:01.5+0100"})";
    CHECK_FALSE(Read(line).message.time);
    const JsonRules replay{.need_topic = false, .need_time = true};
    CHECK(Read(line, replay).message.time == 1'500'000'000);
    CHECK(Read("{}", replay).message.problem == "it has no tst");
    CHECK(Read(R"({"tst":1700000000})", replay).message.problem == "tst is not a string");
    CHECK(Read(R"({"tst":[]})", replay).message.problem == "tst is not a string");
    CHECK(problem_of(R"({"tst":1700000000})") == "");
    CHECK(Read(R"({"tst":"noon"})", replay).message.problem.starts_with("tst: 'noon' is not a time"));
    CHECK(Read(R"({"tst":"noon"})").message.problem == "");
}

TEST_CASE("properties that cannot be sent are left out with one warning") {
    int warned = 0;
    JsonLines parser({.need_topic = false, .send_properties = false, .warn = [&](std::string_view what) {
                          ++warned;
                          CHECK(what == "properties of messages need MQTT 5 (-V mqttv5): left out");
                      }});
    for (int i = 0; i < 3; ++i) {
        InputMessage message;
        CHECK(parser.parse(R"({"properties":{"content-type":"c"},"payload":"x"})", message));
        CHECK_FALSE(message.properties);
        CHECK(as_text(message.payload) == "x");
    }
    CHECK(warned == 1);
}

TEST_CASE("a line does not affect the next one") {
    JsonLines parser({.need_topic = false});
    InputMessage message;
    REQUIRE(parser.parse(
        R"({"topic":"t","qos":2,"retain":true,"payload":"p","properties":{"content-type":"c"}})", message));
    CHECK_FALSE(parser.parse(
        R"({"payload":"q","properties":{"content-type":"d","content-type_encoding":"hex"}})", message));
    CHECK_FALSE(parser.parse(R"({"payload":{"a":[)", message));
    message = {};
    REQUIRE(parser.parse(R"({"properties":{}})", message));
    CHECK_FALSE(message.topic);
    CHECK_FALSE(message.qos);
    CHECK_FALSE(message.retain);
    CHECK(message.payload.empty());
    CHECK(message.properties->empty());
}
