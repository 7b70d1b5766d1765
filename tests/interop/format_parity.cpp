// mqtt_sub and Debian's mosquitto_sub print the same message byte for byte, except where a row names the difference.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "support/needs.hpp"
#include "support/payloads.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc::test;

namespace {

struct Message {
    std::string payload;
    Words options = {};  // of mosquitto_pub
};

const Words all_properties = {"-D",       "publish", "content-type",     "text/plain",
                              "-D",       "publish", "correlation-data", "corr",
                              "-D",       "publish", "user-property",    "k1",
                              "v1",       "-D",      "publish",          "response-topic",
                              "re/topic", "-D",      "publish",          "payload-format-indicator",
                              "1",        "-D",      "publish",          "user-property",
                              "k:2",      "v 2"};

struct Pair {
    Result ours;
    Result theirs;
};

// Both subscribers get the same message: they subscribe with persistent sessions, it is published, they reconnect.
class Comparison {
  public:
    explicit Comparison(std::string version = "mqttv5") : version_(std::move(version)) {}

    /// `ours_only`: further options of mqtt_sub.
    Pair compare(const Message& message, const Words& options, const Words& ours_only = {}) {
        const std::string number = std::to_string(++round_);
        const std::string topic = "parity/\xc3\xa9t\xc3\xa9/" + number;
        const auto ours = subscriber(program("mqtt_sub"), "ours" + number, topic);
        const auto theirs = subscriber(mosquitto_sub_path, "theirs" + number, topic);
        const bool retained = std::ranges::find(message.options, "-r") != message.options.end();
        for (const Words& one : {ours, theirs}) {
            Words argv = one;
            argv.emplace_back("-E");
            if (!retained) REQUIRE(run(Command{.argv = argv}).exit == Exit{.code = 0});
        }
        Words publish = {mosquitto_pub_path, "-p", port(), "-V", version_, "-q", "1", "-t", topic};
        publish.emplace_back(message.payload.empty() ? "-n" : "-s");
        publish.insert(publish.end(), message.options.begin(), message.options.end());
        REQUIRE(run(Command{.argv = publish, .input = message.payload}).exit == Exit{.code = 0});
        const auto collect = [&](Words argv) {
            argv.insert(argv.end(), {"-C", "1"});
            argv.insert(argv.end(), options.begin(), options.end());
            return run(Command{.argv = argv, .env = {{"TZ", "Asia/Kolkata"}}});
        };
        Words ours_all = ours;
        ours_all.insert(ours_all.end(), ours_only.begin(), ours_only.end());
        return {collect(ours_all), collect(theirs)};
    }

  private:
    std::string port() const { return std::to_string(broker_.port()); }
    Words subscriber(const std::string& path, const std::string& id, const std::string& topic) const {
        Words argv = {path, "-p", port(), "-V", version_, "-c", "-i", id, "-q", "1", "-t", topic};
        if (version_ == "mqttv5")
            argv.insert(argv.end(), {"-D", "subscribe", "subscription-identifier", "7"});
        return argv;
    }

    RealBroker broker_;
    std::string version_;
    unsigned round_ = 0;
};

// Each digit is replaced by d, because the times of two runs differ.
std::string masked(std::string text) {
    for (char& c : text) {
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) c = 'd';
    }
    return text;
}

std::vector<std::string> split(const std::string& text, std::string_view separator) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (std::size_t at = 0; (at = text.find(separator, from)) != std::string::npos;
         from = at + separator.size()) {
        parts.push_back(text.substr(from, at - from));
    }
    parts.push_back(text.substr(from));
    return parts;
}

void replace(std::string& text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
}

const std::vector<std::string> formats = {
    // plain
    "%%",
    "%t",
    "%p",
    "%l",
    "%q",
    "%r",
    "%m",
    "%x",
    "%X",
    "%A",
    "%C",
    "%D",
    "%F",
    "%P",
    "%R",
    "%S",
    "@@",
    "",
    "text",
    // width
    "%5t",
    "%30t",
    "%-30t",
    "%030t",
    "%-030t",
    "%1t",
    "%20p",
    "%-20p",
    "%020p",
    "%-020p",
    "%3p",
    "%03p",
    "%-3p",
    "%1p",
    "%20l",
    "%-20l",
    "%020l",
    "%-020l",
    "%1l",
    "%5q",
    "%-5q",
    "%05q",
    "%5r",
    "%05r",
    "%5m",
    "%-5m",
    "%05m",
    "%-05m",
    "%5A",
    "%-5A",
    "%05A",
    "%-05A",
    "%20C",
    "%-20C",
    "%020C",
    "%20D",
    "%-20D",
    "%020D",
    "%5F",
    "%-5F",
    "%05F",
    "%30P",
    "%-30P",
    "%030P",
    "%30R",
    "%-30R",
    "%030R",
    "%5S",
    "%-5S",
    "%05S",
    "%00005l",
    "%0l",
    "%-l",
    "%-t",
    "%0t",
    "%5%",
    "%-0%",
    // precision
    "%.3t",
    "%.9t",
    "%.99t",
    "%.t",
    "%.0t",
    "%5.t",
    "%5.0t",
    "%30.3t",
    "%-30.3t",
    "%-.3t",
    "%0.3t",
    "%.03t",
    "%.2p",
    "%20.2p",
    "%3.9p",
    "%-3.9p",
    "%.2l",
    "%.0l",
    "%9.2l",
    "%.1q",
    "%.0r",
    "%.2m",
    "%.0x",
    "%.4C",
    "%20.4C",
    "%-20.4C",
    "%.0C",
    "%.2D",
    "%9.2D",
    "%.0F",
    "%.2P",
    "%.3R",
    "%20.3R",
    "%-20.3R",
    "%.0S",
    "%-0.3%",
    "%5.2%",
    // escapes
    "a\\\\b",
    "a\\0b",
    "a\\ab",
    "a\\eb",
    "a\\rb",
    "a\\tb",
    "a\\vb",
    "a\\nb",
    // mixtures
    "%t%p%l",
    "%t %p\\t%%%%@@",
    "\xc3\xa9%t\xe2\x82\xac",
};

const std::vector<std::string> time_formats = {
    "%I",    "%30I", "%-30I", "%030I", "%.4I", "%10.4I", "%-10.4I", "%.0I", "%U", "%40U",
    "%-40U", "%.4U", "@N",    "@Y",    "@m",   "@d",     "@H",      "@M",   "@S", "@Y-@m-@dT@H:@M:@S.@N@z",
    "@A",    "@B",   "@c",    "@D",    "@e",   "@F",     "@j",      "@n|",  "@p", "@R",
    "@s",    "@T",   "@t|",   "@u",    "@y",   "@Z",     "@%",      "@0",   "@-", "@ ",
    "@Ey",   "@Od",  "@i",    "@q",    "@?",
};

void compare_formats(Comparison& comparison, const Message& message, const std::vector<std::string>& rows,
                     std::string (*view)(std::string)) {
    std::string all;
    for (const std::string& row : rows) all += row + "\\n=\\n";
    const Pair both = comparison.compare(message, {"-F", all});
    CHECK(both.ours.exit == both.theirs.exit);
    const auto ours = split(both.ours.out, "\n=\n");
    const auto theirs = split(both.theirs.out, "\n=\n");
    REQUIRE(ours.size() == rows.size() + 1);
    REQUIRE(theirs.size() == rows.size() + 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(rows[i]);
        CHECK(view(ours[i]) == view(theirs[i]));
    }
}

std::string as_is(std::string text) {
    return text;
}

}  // namespace

TEST_CASE("every format prints what mosquitto_sub prints" * needs_mosquitto()) {
    Comparison comparison;
    compare_formats(comparison, {"hello", all_properties}, formats, as_is);
    compare_formats(comparison, {"hello"}, formats, as_is);
    compare_formats(comparison, {""}, formats, as_is);
    compare_formats(comparison, {"a"}, formats, as_is);
    compare_formats(comparison, {all_bytes()}, formats, as_is);
    compare_formats(comparison, {std::string(3000, 'x')}, formats, as_is);
    compare_formats(comparison, {"retained", {"-r"}}, formats, as_is);
    Comparison old("mqttv311");
    compare_formats(old, {"hello"}, formats, as_is);
}

TEST_CASE("times have the same format" * needs_mosquitto()) {
    Comparison comparison;
    compare_formats(comparison, {"x"}, time_formats, masked);
}

TEST_CASE("the message expiry interval has the same format" * needs_mosquitto()) {
    Comparison comparison;
    // Each gets the rest of the time, in seconds of six digits.
    compare_formats(comparison, {"x", {"-D", "publish", "message-expiry-interval", "900000"}},
                    {"%E", "%9E", "%-9E|", "%09E", "%.2E", "%3E"}, masked);
}

TEST_CASE("without a format the payload, and with -v the topic, appear as in mosquitto_sub" *
          needs_mosquitto()) {
    Comparison comparison;
    for (const std::string& payload : {std::string(), std::string("abc"), std::string("a\n"), all_bytes()}) {
        for (const Words& options :
             {Words{}, Words{"-v"}, Words{"-N"}, Words{"-v", "-N"}, Words{"-F", ""}, Words{"-v", "-F", "%p"},
              Words{"-F", "%p", "-v", "-N"}, Words{"--pretty"}}) {
            CAPTURE(payload);
            CAPTURE(as_line(options));
            Pair both = comparison.compare({payload}, options);
            CHECK(both.ours.exit == both.theirs.exit);
            CHECK(both.ours.out == both.theirs.out);
        }
    }
}

TEST_CASE("JSON is that of mosquitto_sub 2.1" * needs_mosquitto()) {
    Comparison comparison;
    // The differences: retain is a boolean, the time has one zone, user properties are an array of one-pair
    // objects.
    const auto modern = [](std::string text) {
        replace(text, "Z+0530", "+0530");
        replace(text, "\"retain\":0", "\"retain\":false");
        replace(text, "\"retain\":1", "\"retain\":true");
        replace(text, "\"retain\":\t0", "\"retain\":\tfalse");
        replace(text, R"({"k1":"v1","k:2":"v 2"})", R"([{"k1":"v1"},{"k:2":"v 2"}])");
        return text;
    };
    const auto without_time = [](std::string text) {
        const std::size_t at = text.find("\"20");
        return at == std::string::npos
                   ? text
                   : text.substr(0, at) + masked(text.substr(at, 34)) + text.substr(at + 34);
    };
    struct Row {
        Message message;
        Words options;
    };
    const std::vector<Row> rows = {
        {{"hello"}, {"-F", "%j"}},
        {{""}, {"-F", "%j"}},
        {{""}, {"-F", "%J"}},
        {{"hello", all_properties}, {"-F", "%j"}},
        {{"hello", {"-r"}}, {"-F", "%j"}},
        {{"\x01\x1f\"\\/\b\f\n\r\t\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}, {"-F", "%j"}},
        {{R"( { "a" : [ 1 , -2 , true , null , { } , [ ] ] , "b" : "\u00e9\/x" } )"}, {"-F", "%J"}},
        {{R"({"a":1,"a":2})"}, {"-F", "%J"}},
        {{"5"}, {"-F", "%5J"}},
        {{"\"text\""}, {"-F", "%J"}},
        {{"{\"a\":[1,{\"x\":[]},{}],\"b\":{}}"}, {"-F", "%J", "--pretty"}},
        {{"plain"}, {"-F", "%j", "--pretty"}},
        {{"plain"}, {"-F", "%j", "--pretty", "-N"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.message.payload);
        CAPTURE(as_line(row.options));
        const Pair both = comparison.compare(row.message, row.options);
        CHECK(both.ours.exit == both.theirs.exit);
        CHECK(without_time(both.ours.out) == without_time(modern(both.theirs.out)));
        CHECK(both.ours.err.empty() == both.theirs.err.empty());
    }
}

TEST_CASE("where the output differs, the difference is intended" * needs_mosquitto()) {
    Comparison comparison;
    struct Row {
        std::string name;
        std::string payload;
        std::string format;
        std::string ours;
        std::string theirs;
    };
    const std::vector<Row> rows = {
        {"hex digits are grouped by the precision, as in 2.1", "me", "%.2x", "6d 65\n", "6d65\n"},
        {"numbers keep their digits in %J", "[1.0,1e3,12345678901234567890]", "%J",
         R"("payload":[1.0,1e3,12345678901234567890]})", R"("payload":[1,1000,1.2345678901234567e+19]})"},
        {"a payload with NUL is whole in %j", std::string("a\0b", 3), "%j", R"("payload":"a\u0000b"})",
         R"("payload":"a"})"},
        {"a payload that is not UTF-8 is base64 in %j", "caf\xe9", "%j",
         R"("payload":"Y2Fm6Q==","payload_encoding":"base64"})", "\"payload\":\"caf\xe9\"}"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const Pair both = comparison.compare({row.payload}, {"-F", row.format});
        CHECK(both.ours.exit == Exit{.code = 0});
        CHECK(both.ours.out.find(row.ours) != std::string::npos);
        CHECK(both.theirs.out.find(row.theirs) != std::string::npos);
    }
}

TEST_CASE("%J prints nothing for a payload that is not JSON, mosquitto_sub prints a line" *
          needs_mosquitto()) {
    Comparison comparison;
    struct Row {
        std::string payload;
        std::string format;
        std::string theirs;
    };
    const std::vector<Row> rows = {
        {"no json", "%J", "\n"},
        {"[1,]", "x%Jx", "xx\n"},
        {"[1] 2", "%J", "\n"},
        // Not valid JSON for mqtt_sub: not UTF-8, a raw control character.
        {"\"\xff\"", "%J", "\"payload\":\"\xff\"}"},
        {"\"\x01\"", "%J", R"("payload":"\u0001"})"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.payload);
        // mqtt_sub does not count it for -C.
        const Pair both = comparison.compare({row.payload}, {"-F", row.format}, {"--idle-timeout", "0.5"});
        CHECK(both.ours.exit == Exit{.code = 0});
        CHECK(both.ours.out.empty());
        CHECK_FALSE(both.ours.err.empty());
        CHECK(both.theirs.out.find(row.theirs) != std::string::npos);
    }
}

TEST_CASE("formats that mosquitto_sub refuses are refused too, with exit code 1 and nothing on stdout" *
          needs_mosquitto()) {
    for (const char* format : {"%",   "@",       "\\",  "%5",  "%-",    "%0",     "%.",        "%5.",  "%-5",
                               "x@",  "%z",      "%Z",  "%k",  "%--5t", "%-0-5t", "%0-5t",     "% 5t", "%+5l",
                               "%#x", "%5.5.5t", "\\q", "\\1", "\\x",   "\\ ",    "%\xc3\x9c", "%5.2"}) {
        CAPTURE(format);
        for (const std::string& path : {program("mqtt_sub"), std::string(mosquitto_sub_path)}) {
            const Result result = run({path, "-p", "1", "-t", "t", "-F", format});
            CHECK(result.exit == Exit{.code = 1});
            CHECK(result.out.empty());
            CHECK_FALSE(result.err.empty());
        }
        CHECK(run({program("mqtt_sub"), "-p", "1", "-t", "t", "-F", format}).err.find("mqtt_sub: -F:") == 0);
    }
}
