// Tests of the language of -F (apps/sub/format.cpp, format_compile.cpp).
#include "format.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <ctime>
#include <string>

#include "json_field.hpp"
#include "message.hpp"

using namespace mqttc;
using namespace mqttc::output;
using namespace mqttc::output::test;

namespace {

struct Row {
    const char* format;
    std::string expected;
};

template <typename Number>
std::string native(Number number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

}  // namespace

TEST_CASE("every sequence prints its part of the message") {
    setenv("TZ", "UTC-1", 1);
    tzset();
    const Message message = full_message();
    const Row rows[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"100%%", "100%"},
        {"%t", "a/b"},
        {"%p", "hello"},
        {"%l", "5"},
        {"%q", "1"},
        {"%r", "1"},
        {"%m", "7"},
        {"%x", "68656c6c6f"},
        {"%X", "68656C6C6F"},
        {"%b", "aGVsbG8="},
        {"%A", "3"},
        {"%C", "text/plain"},
        {"%D", "corr"},
        {"%E", "100000"},
        {"%F", "1"},
        {"%P", "k1:v1 k2:v2"},
        {"%R", "re/topic"},
        {"%S", "9"},
        {"%I", "2016-08-10T09:49:03+0100"},
        {"%i", "2016-08-10T09:49:03+01:00"},
        {"%-30i|", "2016-08-10T09:49:03+01:00     |"},
        {"%U", "1470818943.078636837"},
        {"@N", "078636837"},
        {"@@", "@"},
        {"@Y-@m-@d @H:@M:@S", "2016-08-10 09:49:03"},
        {"@s", "1470818943"},
        {"\\\\\\0\\a\\e\\n\\r\\t\\v", std::string("\\\0\a\033\n\r\t\v", 8)},
        {"%t@@%l\\t%q%%", "a/b@5\t1%"},
        {"\xc3\xa9 %t", "\xc3\xa9 a/b"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.format);
        CHECK(rendered(row.format, message) == row.expected);
    }
}

TEST_CASE("width, alignment, zero and precision are those of mosquitto_sub 2.0.11") {
    const Message message = full_message();
    const Row rows[] = {
        {"%5t", "  a/b"},
        {"%-5t", "a/b  "},
        {"%05t", "  a/b"},
        {"%.1t", "a"},
        {"%5.1t", "    a"},
        {"%-5.1t", "a    "},
        {"%.t", ""},
        {"%5.t", "     "},
        {"%.0t", ""},
        {"%.9t", "a/b"},
        {"%7p", "  hello"},
        {"%-7p", "hello  "},
        {"%07p", "00hello"},
        {"%-07p", "hello  "},
        {"%3p", "hel"},
        {"%.2p", "hello"},
        {"%7l", "      5"},
        {"%-3l", "5  "},
        {"%05l", "00005"},
        {"%-05l", "5    "},
        {"%.0l", "5"},
        {"%00005l", "00005"},
        {"%5q", "1"},
        {"%05r", "1"},
        {"%5m", "    7"},
        {"%05m", "00007"},
        {"%-5m", "7    "},
        {"%3A", "  3"},
        {"%03A", "003"},
        {"%20C", "          text/plain"},
        {"%-12C", "text/plain  "},
        {"%.4C", "text"},
        {"%012C", "  text/plain"},
        {"%10D", "corr"},
        {"%.2D", "corr"},
        {"%8E", "  100000"},
        {"%08E", "00100000"},
        {"%.2E", "100000"},
        {"%3F", "  1"},
        {"%03F", "001"},
        {"%20P", "k1:v1 k2:v2"},
        {"%.3P", "k1:v1 k2:v2"},
        {"%10R", "  re/topic"},
        {"%.2R", "re"},
        {"%3S", "  9"},
        {"%03S", "009"},
        {"%.1S", "9"},
        {"%.4I", "2016"},
        {"%6.4I", "  2016"},
        {"%-6.4I", "2016  "},
        {"%06.4I", "  2016"},
        {"%40U", "1470818943.078636837"},
        {"%5%", "%"},
        {"%-0.3%", "%"},
        {"%10b", "  aGVsbG8="},
        {"%-10b", "aGVsbG8=  "},
    };
    for (const Row& row : rows) {
        CAPTURE(row.format);
        CHECK(rendered(row.format, message) == row.expected);
    }
}

TEST_CASE("a width on hex pads all digits, as Mosquitto 2.1 does") {
    Message message;
    const Row five[] = {{"%12x", "  68656c6c6f"},
                        {"%-12x", "68656c6c6f  "},
                        {"%012X", "0068656C6C6F"},
                        {"%4x", "68656c6c6f"}};
    for (const Row& row : five) {
        CAPTURE(row.format);
        CHECK(rendered(row.format, message) == row.expected);
    }
}

TEST_CASE("a precision groups hex digits, with a space or the character after it") {
    Message message{.payload = "me!"};
    const Row rows[] = {
        {"%.2x", "6d 65 21"},     {"%.2:x", "6d:65:21"},        {"%.2-X", "6D-65-21"}, {"%.4x", "6d65 21"},
        {"%.1x", "6 d 6 5 2 1"},  {"%.6x", "6d6521"},           {"%.99x", "6d6521"},   {"%.3.x", "6d6.521"},
        {"%10.2x", "  6d 65 21"}, {"%-10.2:x|", "6d:65:21  |"}, {"%.0x", "6d6521"},    {"%.2%x", "%x"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.format);
        CHECK(rendered(row.format, message) == row.expected);
    }
    CHECK(rendered("%.2x", {.payload = ""}).empty());
}

TEST_CASE("floats and doubles are printed as printf prints them, in native order") {
    const Message f{.payload = native(-3.25F)};
    CHECK(rendered("%f", f) == "-3.250000");
    CHECK(rendered("%.1f", f) == "-3.2");
    CHECK(rendered("%10.2f|%-10.2f|%010.2f", f) == "     -3.25|-3.25     |-000003.25");
    const Message d{.payload = native(1e300)};
    CHECK(rendered("%.0d", d).size() == 301);
    CHECK(rendered("%d", {.payload = native(0.1)}) == "0.100000");
}

TEST_CASE("a payload of another length than a number prints nothing and is reported") {
    CHECK(rendered("[%f]", {.payload = "hello"}) == "[]<not float>");
    CHECK(rendered("[%d]", {.payload = "four"}) == "[]<not double>");
    CHECK(rendered("[%d]", {.payload = ""}) == "[]<not double>");
}

TEST_CASE("absent properties and empty payloads keep the width") {
    const Message message{.payload = ""};
    const Row rows[] = {{"%A%C%D%E%F%P%R%S", ""}, {"[%5A]", "[     ]"},  {"[%05A]", "[00000]"},
                        {"[%-05A]", "[00000]"},   {"[%05C]", "[     ]"}, {"[%3E]", "[   ]"},
                        {"[%03F]", "[000]"},      {"[%5D]", "[]"},       {"[%5R]", "[]"},
                        {"[%5P]", "[]"},          {"[%05p]", "[00000]"}, {"[%-5p]", "[     ]"},
                        {"[%06x]", "[000000]"}};
    for (const Row& row : rows) {
        CAPTURE(row.format);
        CHECK(rendered(row.format, message) == row.expected);
    }
}

TEST_CASE("payload bytes are unchanged") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    CHECK(rendered("%p", {.payload = all}) == all);
    CHECK(rendered("%p%p", {.payload = all}) == all + all);
    const std::string large(3'000'000, 'x');
    CHECK(rendered("<%p>", {.payload = large}) == "<" + large + ">");
}

TEST_CASE("wrong formats are refused with the sequence in the message") {
    const Row rows[] = {
        {"%", "format sequence '%' is incomplete"},
        {"abc %5", "format sequence '%5' is incomplete"},
        {"%-", "format sequence '%-' is incomplete"},
        {"%0", "format sequence '%0' is incomplete"},
        {"%.", "format sequence '%.' is incomplete"},
        {"@", "format sequence '@' is incomplete"},
        {"\\", "format sequence '\\' is incomplete"},
        {"%z", "format sequence '%z' is unknown"},
        {"%5Z %t", "format sequence '%5Z' is unknown"},
        {"%--5t", "format sequence '%--' is unknown"},
        {"%0-5t", "format sequence '%0-' is unknown"},
        {"% 5t", "format sequence '% ' is unknown"},
        {"%+5l", "format sequence '%+' is unknown"},
        {"%#x", "format sequence '%#' is unknown"},
        {"%5.5.5t", "format sequence '%5.5.' is unknown"},
        {"%.2:t", "format sequence '%.2:' is unknown"},
        {"\\q", "format sequence '\\q' is unknown"},
        {"\\1", "format sequence '\\1' is unknown"},
        {"%\n", "format sequence '%\\n' is unknown"},
        {"%1000001t", "a width above 1000000"},
        {"%.99999999999999999999t", "a precision above 1000000"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.format);
        const auto compiled = Format::compile(row.format);
        REQUIRE_FALSE(compiled);
        CHECK(compiled.error().find(row.expected) != std::string::npos);
        CHECK(compiled.error().find('\n') == std::string::npos);
    }
}

TEST_CASE("texts of a second are made again in the next one") {
    setenv("TZ", "UTC", 1);
    tzset();
    auto format = Format::compile("@S %I");
    REQUIRE(format);
    CHECK(format->needs_time());
    TextBuffer out;
    const Message message;
    for (const WallTime at : {WallTime{59, 1}, WallTime{59, 2}, WallTime{60, 0}, WallTime{59, 3}}) {
        format->render(message.view(), at, out);
        out.push_back('\n');
    }
    CHECK(out.view() ==
          "59 1970-01-01T00:00:59+0000\n59 1970-01-01T00:00:59+0000\n00 1970-01-01T00:01:00+0000\n"
          "59 1970-01-01T00:00:59+0000\n");
    CHECK_FALSE(Format::compile("%t %p %x")->needs_time());
}

TEST_CASE("on a terminal text from the broker is escaped and the user's is not") {
    const FormatOptions terminal{.terminal = true};
    const Message message{.topic = "a\n\x1b[2J", .payload = "x\x1b]0;t\a\r\ny\tz\xff\xc2\x9b\xc3\xa9\x7f"};
    CHECK(rendered("\\e[1m%t\\e[0m", message, terminal) == "\x1b[1ma\\n\\x1b[2J\x1b[0m");
    CHECK(rendered("%p", message, terminal) == "x\\x1b]0;t\\x07\\r\ny\tz\\xff\\xc2\\x9b\xc3\xa9\\x7f");
    CHECK(rendered("%10t|", {.topic = "a\a"}, terminal) == "     a\\x07|");
    CHECK(rendered("%t %p", message) == message.topic + " " + message.payload);
}

TEST_CASE("a value of one message is not looked for in the next") {
    auto format = Format::compile("[%{a}|%{b}|%{a}]", {});
    REQUIRE(format);
    const auto line = [&](std::string_view payload) {
        TextBuffer out;
        format->render({.topic = "t", .payload = as_bytes(payload)}, {}, out);
        return std::string(out.view());
    };
    const std::string too_large = "{\"a\":\"" + std::string(max_field_payload, 'x') + "\"}";
    for (const std::string& next : {std::string("{}"), std::string("12.5"), std::string(), too_large}) {
        CAPTURE(next.substr(0, 20));
        CHECK(line(R"({"a":"xxxxxxxxxxxxxxxx","b":1})") == "[xxxxxxxxxxxxxxxx|1|xxxxxxxxxxxxxxxx]");
        CHECK(line(next) == "[||]");
    }
    CHECK(line(R"({"a":"","b":2})") == "[|2|]");
}

TEST_CASE("a path may begin with x after a precision, and end with a backslash") {
    const auto line = [](std::string_view text, std::string_view payload) {
        auto format = Format::compile(text, {});
        REQUIRE(format);
        TextBuffer out;
        format->render({.topic = "t", .payload = as_bytes(payload)}, {}, out);
        return std::string(out.view());
    };
    CHECK(line("x=%.2{x} y=%.2{y}", R"({"x":1.234,"y":5.678})") == "x=1.23 y=5.68");
    CHECK(line("%8.1{X.temp}|", R"({"X":{"temp":21.25}})") == "    21.2|");
    CHECK(line(R"(%{a\\}|%{b\}c}|%{d\.e})", R"({"a\\":1,"b}c":2,"d.e":3})") == "1|2|3");
}

TEST_CASE("a number that is too large to be rounded stays itself") {
    auto format = Format::compile("%.2{a}", {});
    REQUIRE(format);
    const std::string digits(400, '7');
    TextBuffer out;
    format->render({.topic = "t", .payload = as_bytes("{\"a\":" + digits + "}")}, {}, out);
    CHECK(out.view() == digits);
}
