// Tests of %j and %J (apps/sub/json_out.cpp, json_check.cpp).
#include "json_out.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "message.hpp"

using namespace mqttc;
using namespace mqttc::output;
using namespace mqttc::output::test;
using nlohmann::json;

namespace {

constexpr std::string_view tst = R"("tst":"2016-08-10T08:49:03.078636+0000",)";

std::string base64_decoded(const std::string& text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int have = 0;
    for (const char c : text) {
        if (c == '=') break;
        bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
        have += 6;
        if (have >= 8) bytes += static_cast<char>(bits >> (have -= 8) & 0xff);
    }
    return bytes;
}

std::string recovered(const json& object, const std::string& name) {
    const auto& value = object.at(name);
    if (value.is_null()) return {};
    const auto text = value.get<std::string>();
    if (!object.contains(name + "_encoding")) return text;
    CHECK(object.at(name + "_encoding") == "base64");
    return base64_decoded(text);
}

std::string random_bytes(std::mt19937& random, std::size_t most) {
    std::string bytes(random() % (most + 1), '\0');
    const bool ascii = random() % 3 == 0;
    for (char& byte : bytes) byte = static_cast<char>(ascii ? random() % 0x80 : random() % 0x100);
    return bytes;
}

void use_utc() {
    setenv("TZ", "UTC", 1);
    tzset();
}

}  // namespace

TEST_CASE("%j has all members in the order of mosquitto_sub") {
    use_utc();
    CHECK(rendered("%j", {}) ==
          "{" + std::string(tst) +
              R"("topic":"a/b","qos":0,"retain":false,"payloadlen":5,"payload":"hello"})");
    CHECK(rendered("%j", {.payload = "", .qos = Qos::exactly_once, .retain = true, .packet_id = 65535}) ==
          "{" + std::string(tst) +
              R"("topic":"a/b","qos":2,"retain":true,"payloadlen":0,"mid":65535,"payload":null})");
    CHECK(
        rendered("%j", full_message()) ==
        "{" + std::string(tst) +
            R"("topic":"a/b","qos":1,"retain":true,"payloadlen":5,"mid":7,"properties":{"content-type":"text/plain",)"
            R"("correlation-data":"corr","message-expiry-interval":100000,"payload-format-indicator":1,)"
            R"("user-properties":[{"k1":"v1"},{"k2":"v2"}],"response-topic":"re/topic",)"
            R"("subscription-identifier":9,"topic-alias":3},"payload":"hello"})");
}

TEST_CASE("several subscription identifiers are an array") {
    Message message;
    REQUIRE(message.properties.add(PropertyId::subscription_identifier, 1U));
    REQUIRE(message.properties.add(PropertyId::subscription_identifier, 268'435'455U));
    CHECK(json::parse(rendered("%j", message)).at("properties").at("subscription-identifier") ==
          json::array({1, 268'435'455}));
    CHECK(rendered("%S", message) == "1");
}

TEST_CASE("control characters, quotes and backslashes are escaped, UTF-8 stays") {
    std::string controls;
    for (char c = 0; c < 0x20; ++c) controls += c;
    const auto text = rendered("%j", {.payload = controls + "\"\\/\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"});
    CHECK(text.ends_with(
        R"("payload":"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013)"
        R"(\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\"\\/)"
        "\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"));
}

TEST_CASE("characters to escape are found at every position of a text of any length") {
    struct Row {
        char special;
        std::string_view written;
    };
    for (const Row& row :
         {Row{'\0', "\\u0000"}, Row{'\x1f', "\\u001f"}, Row{' ', " "}, Row{'!', "!"}, Row{'"', "\\\""},
          Row{'#', "#"}, Row{'[', "["}, Row{'\\', "\\\\"}, Row{']', "]"}, Row{'\x7f', "\x7f"}}) {
        for (std::size_t size = 1; size <= 20; ++size) {
            for (std::size_t at = 0; at < size; ++at) {
                std::string text(size, 'a');
                text[at] = row.special;
                TextBuffer out;
                JsonWriter writer(out, JsonLayout::compact, false);
                writer.string(text);
                const std::string expected =
                    "\"" + std::string(at, 'a').append(row.written).append(size - at - 1, 'a') + "\"";
                REQUIRE(out.view() == expected);
            }
        }
    }
}

TEST_CASE("bytes that are not UTF-8 are given in base64 with their encoding") {
    Message message{.payload = std::string("\0\xff\0", 3)};
    REQUIRE(message.properties.add(PropertyId::correlation_data, std::string_view("\xff\0", 2)));
    const auto text = rendered("%j", message);
    CHECK(text.ends_with(R"("payload":"AP8A","payload_encoding":"base64"})"));
    CHECK(text.find(R"("correlation-data":"/wA=","correlation-data_encoding":"base64")") !=
          std::string::npos);
    for (const char* bad :
         {"caf\xe9", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98", "\x80"}) {
        CAPTURE(bad);
        const json object = json::parse(rendered("%j", {.payload = bad}));
        CHECK(object.contains("payload_encoding"));
        CHECK(recovered(object, "payload") == bad);
    }
}

TEST_CASE("random bytes anywhere give valid JSON from which they can be recovered") {
    std::mt19937 random(2026);
    for (int round = 0; round < 3000; ++round) {
        Message message{.topic = random_bytes(random, 12), .payload = random_bytes(random, 40)};
        const std::string correlation = random_bytes(random, 20);
        const bool with_correlation =
            !correlation.empty() &&
            message.properties.add(PropertyId::correlation_data, correlation).has_value();
        const FormatOptions options{.json = round % 2 == 0 ? JsonLayout::compact : JsonLayout::pretty,
                                    .terminal = round % 3 == 0};
        const auto text = rendered("%j", message, options);
        const json object = json::parse(text, nullptr, false);
        REQUIRE_FALSE(object.is_discarded());
        CHECK(recovered(object, "topic") == message.topic);
        CHECK(recovered(object, "payload") == message.payload);
        if (with_correlation) CHECK(recovered(object.at("properties"), "correlation-data") == correlation);
    }
}

TEST_CASE("%J has the payload as JSON with its numbers unchanged") {
    const auto payload_of = [](const std::string& payload) {
        const auto text = rendered("%J", {.payload = payload});
        const auto at = text.find(R"("payload":)");
        REQUIRE(at != std::string::npos);
        return text.substr(at + 10, text.size() - at - 11);
    };
    const std::pair<const char*, const char*> rows[] = {
        {R"({ "a" : 1.0 , "b":[1,2.50,1e3,12345678901234567890123] })",
         R"({"a":1.0,"b":[1,2.50,1e3,12345678901234567890123]})"},
        {R"( "\u00e9\/\ud83d\ude00" )", "\"\xc3\xa9/\xf0\x9f\x98\x80\""},
        {R"("\u0000\u001f")", R"("\u0000\u001f")"},
        {"null", "null"},
        {" true\n", "true"},
        {"-5", "-5"},
        {"1e400", "1e400"},
        {"-1e5000", "-1e5000"},
        {"18446744073709551615", "18446744073709551615"},
        {R"({"a":1,"a":2})", R"({"a":1,"a":2})"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[[],{},[{}]]", "[[],{},[{}]]"},
        {"[-0,0,-0.0,-1,-1e0]", "[-0,0,-0.0,-1,-1e0]"},
        {"\xef\xbb\xbf{}", "{}"},
        {R"({"a\n":"b\"c","d":["\u0041","e" ,"\/"],"f" :1})", R"({"a\n":"b\"c","d":["A","e","/"],"f":1})"},
        {"{\"a\":\"\x7f\xc2\x9b\", \"b\"\t: [\n1\r\n,\"2\"]}", "{\"a\":\"\x7f\xc2\x9b\",\"b\":[1,\"2\"]}"},
        {"", "null"},
    };
    for (const auto& [payload, expected] : rows) {
        CAPTURE(payload);
        CHECK(payload_of(payload) == expected);
    }
}

TEST_CASE("%J prints nothing for a payload that is not JSON and reports it") {
    for (const std::string& payload :
         {std::string("nan"), std::string("[1] 2"), std::string("{}\0", 3), std::string(" "),
          std::string("[1,]"), std::string("\"\xff\""), std::string("\"\x01\""), std::string("01"),
          std::string("{\"a\"}"), std::string("\"\\ud800\""), std::string("'x'"),
          std::string(max_json_depth + 1, '[') + std::string(max_json_depth + 1, ']')}) {
        CAPTURE(payload);
        CHECK(rendered("x%Jy", {.payload = payload}) == "<not json>");
        CHECK(rendered("%f%J", {.payload = payload}) == "<not json>");
    }
    const auto deep = std::string(max_json_depth, '[') + std::string(max_json_depth, ']');
    CHECK(rendered("%J", {.payload = deep}).find(deep) != std::string::npos);
}

TEST_CASE("--pretty indents with tabs, arrays stay on one line") {
    use_utc();
    Message message{
        .payload = R"({"a":1.0,"b":[1,{"x":[]},{}],"c":"d"})", .qos = Qos::at_least_once, .packet_id = 1};
    REQUIRE(message.properties.add(PropertyId::content_type, "t"));
    REQUIRE(message.properties.add_user_property("k", "v"));
    CHECK(
        rendered("%J", message, {.json = JsonLayout::pretty}) ==
        "{\n\t\"tst\":\t\"2016-08-10T08:49:03.078636+0000\",\n\t\"topic\":\t\"a/b\",\n\t\"qos\":\t1,\n"
        "\t\"retain\":\tfalse,\n\t\"payloadlen\":\t37,\n\t\"mid\":\t1,\n\t\"properties\":\t{\n"
        "\t\t\"content-type\":\t\"t\",\n\t\t\"user-properties\":\t[{\n\t\t\t\t\"k\":\t\"v\"\n\t\t\t}]\n\t},\n"
        "\t\"payload\":\t{\n\t\t\"a\":\t1.0,\n\t\t\"b\":\t[1, {\n\t\t\t\t\"x\":\t[]\n\t\t\t}, {\n\t\t\t}],\n"
        "\t\t\"c\":\t\"d\"\n\t}\n}");
}

TEST_CASE("indentation of deep levels is limited") {
    std::string payload(990, '[');
    for (int i = 0; i < 1000; ++i) payload += "{\"a\":1},";
    payload.back() = ']';
    payload.append(989, ']');
    const std::string text = rendered("%J", {.payload = payload}, {.json = JsonLayout::pretty});
    CHECK(json::parse(text).at("payload") == json::parse(payload));
    CHECK(text.size() < 200'000);
    payload.pop_back();
    CHECK(rendered("%t%J", {.payload = payload}, {.json = JsonLayout::pretty}) == "<not json>");
}

TEST_CASE("what is not JSON is named with its position") {
    CHECK(json_error(R"({"a":[1,"x"]})").empty());
    CHECK(json_error("{\"a\":1") == "error at byte 7");
    CHECK(json_error(R"("\ud83d")") == "error at byte 8: half of a surrogate pair is not a character");
    CHECK(json_error(std::string_view("1\0", 2)) == "it contains a NUL byte");
    CHECK(json_error(std::string(1001, '[')) == "it is nested deeper than 1000 levels");
}

TEST_CASE("on a terminal JSON escapes DEL, C1 controls and controls of the writing direction too") {
    const Message message{.payload = "a\x7f\xc2\x9b\xc3\xa9\xc2\x85z"};
    const auto text = rendered("%j", message, {.terminal = true});
    CHECK(text.ends_with("\"payload\":\"a\\u007f\\u009b\xc3\xa9\\u0085z\"}"));
    const Message letter_mark{.payload = "\u00e9\u061c\u0628\u0085"};
    CHECK(rendered("%j", letter_mark, {.terminal = true})
              .ends_with("\"payload\":\"\u00e9\\u061c\u0628\\u0085\"}"));
    const Message turned{.payload = "\u00e9\u202e\u2066\ufeff\u20ac"};
    CHECK(rendered("%j", turned, {.terminal = true})
              .ends_with("\"payload\":\"\u00e9\\u202e\\u2066\\ufeff\u20ac\"}"));
    CHECK(recovered(json::parse(text), "payload") == message.payload);
}
