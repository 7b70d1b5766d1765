// Encoded payloads, lines with topics, recorded times, and what happens to invalid lines.
#include "text_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "pipe.hpp"
#include "support/temp_dir.hpp"
#include "text_in.hpp"
#include "time_text.hpp"

using namespace mqttc;
using namespace mqttc::pub;
using namespace mqttc::test;
using app::Encoding;
using State = InputSource::State;
using namespace std::string_literals;

namespace {

std::string decoded(Encoding encoding, std::string_view text) {
    std::string out = "old content";
    if (auto done = decode(encoding, text, out); !done) return "wrong: " + done.error();
    return out;
}

// Each message as "topic=payload"; the failure that ends the input as "! failure".
std::vector<std::string> messages(std::string_view content, std::unique_ptr<LineParser> parser, bool skip) {
    Pipe pipe;
    pipe.write(content);
    pipe.end();
    ParsedInput input(pipe.reader(), LineInput::max_line, std::move(parser), skip);
    std::vector<std::string> all;
    InputMessage message;
    while (true) {
        switch (input.next(message, {})) {
            case State::ready:
                all.push_back(message.problem.empty() ? std::string(message.topic.value_or("")) + "=" +
                                                            std::string(as_text(message.payload))
                                                      : "? " + message.problem);
                break;
            case State::waiting:
                input.readable();
                break;
            case State::finished:
                if (!input.failure().empty()) all.push_back("! " + std::string(input.failure()));
                return all;
        }
    }
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a payload is decoded by its encoding") {
    CHECK(decoded(Encoding::hex, "00fFaB") == "\x00\xff\xab"s);
    CHECK(decoded(Encoding::hex, "00g0") == "wrong: invalid hex digit 'g' at character 3");
    CHECK(decoded(Encoding::base64, "AP8=") == "\0\xff"s);
    CHECK(decoded(Encoding::raw, "A\0"s) == "A\0"s);
}

TEST_CASE("hex and base64 are decoded as other programs write them") {
    CHECK(decoded(Encoding::base64, "aGVs\r\nbG8=\n") == "hello");
    CHECK(decoded(Encoding::base64, "aGVsbG8") == "hello");
    CHECK(decoded(Encoding::base64, "-_8=") == "\xfb\xff");
    CHECK(decoded(Encoding::base64, "-_8") == "\xfb\xff");
    CHECK(decoded(Encoding::hex, "0x41 0X42\n43") == "ABC");
    CHECK(decoded(Encoding::hex, "0x4142") == "AB");
    CHECK(decoded(Encoding::hex, "41:42:43") == "ABC");
    std::string out;
    CHECK(decode(Encoding::hex, "41 4x", out).error() == "invalid hex digit 'x' at character 5");
    CHECK(decode(Encoding::hex, "410x42", out).error() == "invalid hex digit 'x' at character 4");
    CHECK_FALSE(decode(Encoding::base64, "aGVsb", out));
    CHECK_FALSE(decode(Encoding::base64, "aGVs=bG8", out));
    CHECK_FALSE(decode(Encoding::base64, "aGVsbG8==", out));
}

TEST_CASE("hex digits of different parts never become one byte") {
    const std::string two = ": two are needed for each byte";
    CHECK(decoded(Encoding::hex, "0x1 0x2") == "wrong: 1 hex digit at character 3" + two);
    CHECK(decoded(Encoding::hex, "1:2:3:4") == "wrong: 1 hex digit at character 1" + two);
    CHECK(decoded(Encoding::hex, "41 4 243") == "wrong: 1 hex digit at character 4" + two);
    CHECK(decoded(Encoding::hex, "41\n424") == "wrong: 3 hex digits at character 4" + two);
    CHECK(decoded(Encoding::hex, "414") == "wrong: 3 hex digits at character 1" + two);
    CHECK(decoded(Encoding::hex, "0x") == "wrong: invalid hex digit 'x' at character 2");
    CHECK(decoded(Encoding::hex, " : \n").empty());
}

TEST_CASE("a wrong character is reported with its position in the text as it was given") {
    CHECK(decoded(Encoding::hex, "01 0g") == "wrong: invalid hex digit 'g' at character 5");
    CHECK(decoded(Encoding::hex, "0x01 0x0g") == "wrong: invalid hex digit 'g' at character 9");
    CHECK(decoded(Encoding::base64, "AA AA*") == "wrong: invalid base64 digit '*' at character 6");
    CHECK(decoded(Encoding::base64, "AA =A") == "wrong: invalid base64 digit '=' at character 4");
    CHECK(decoded(Encoding::base64, "A ===") == "wrong: invalid base64 digit '=' at character 3");
    CHECK(decoded(Encoding::base64, "A _ =\n=") ==
          "wrong: '_' at character 3 has bits that belong to no byte");
}

TEST_CASE("recorded times are nanoseconds of Unix time") {
    CHECK(parse_time("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_time("1970-01-01T01:00:00.000001+0100") == 1000);
    CHECK(parse_time("1969-12-31T19:00:00.123456789-05:00") == 123'456'789);
    CHECK(parse_time("2026-11-22T12:47:57.123456+0000") == 1'795'351'677'123'456'000);
    CHECK(parse_time("2024-02-29T00:00:00Z"));
    for (const char* wrong :
         {"", "2026", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z",
          "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
          "2026-01-01T00:00:00+1", "1000-01-01T00:00:00Z", "2026-1-01T00:00:00Z", "2026-01-01T00:00:00.1+01",
          "+026-01-01T00:00:00Z"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_time(wrong));
    }
}

TEST_CASE("a topic ends at the first tab or space, or at the separator given") {
    const auto topics = [](std::optional<std::string> separator) {
        return std::make_unique<TopicLines>(std::move(separator), Encoding::raw, nullptr);
    };
    CHECK(messages("a/b one two\nc\tthree\nd \n", topics({}), false) ==
          Texts{"a/b=one two", "c=three", "d="});
    CHECK(messages("a b::x::y\n", topics("::"), false) == Texts{"a b=x::y"});
    CHECK(messages("no_separator\n", topics({}), true) ==
          Texts{"? line 1: it has no tab or space after the topic (for another separator use --separator)"});
    CHECK(messages("a b\r\n", topics({}), true) == Texts{"a=b"});
    CHECK(messages("a b\n", topics("::"), true) == Texts{"? line 1: it has no separator '::'"});
    CHECK(messages("a ff\n", std::make_unique<TopicLines>(std::nullopt, Encoding::hex, nullptr), true) ==
          Texts{"a=\xff"});
    CHECK(messages("a x\n", std::make_unique<TopicLines>(std::nullopt, Encoding::hex, nullptr), true) ==
          Texts{"? line 1: the payload: invalid hex digit 'x' at character 1"});
}

TEST_CASE("quotation marks around a topic are warned about once, where a separator is given") {
    Texts warnings;
    const auto topics = [&](std::optional<std::string> separator) {
        return std::make_unique<TopicLines>(std::move(separator), Encoding::raw,
                                            [&](std::string_view line) { warnings.emplace_back(line); });
    };
    CHECK(messages("a,\"1\"\n\"a/b\",\"1\"\n\"c\",2\n", topics(","), false) ==
          Texts{"a=\"1\"", "\"a/b\"=\"1\"", "\"c\"=2"});
    CHECK(warnings ==
          Texts{"the topic '\"a/b\"' contains the quotation marks of the line: --input topic removes none"});
    messages("\"a\" 1\n", topics({}), false);
    CHECK(warnings.size() == 1);
}

TEST_CASE("empty lines between topics are skipped but counted; where lines are payloads they are messages") {
    CHECK(messages("\na b\n \t\r\nwrong\n\n",
                   std::make_unique<TopicLines>(std::nullopt, Encoding::raw, nullptr), true) ==
          Texts{"a=b",
                "? line 4: it has no tab or space after the topic (for another separator use --separator)"});
    CHECK(messages("\n61\n", std::make_unique<PayloadLines>(Encoding::hex), true) == Texts{"=", "=a"});
}

TEST_CASE("an invalid line ends the input, or is skipped with --skip-invalid") {
    const auto hex = [] { return std::make_unique<PayloadLines>(Encoding::hex); };
    CHECK(messages("61\nzz\n62\n", hex(), false) ==
          Texts{"=a",
                "! line 2: invalid hex digit 'z' at character 1 (reading stopped there; "
                "--skip-invalid continues)"});
    CHECK(messages("zz\n62\n", hex(), false) ==
          Texts{"! line 1: invalid hex digit 'z' at character 1; nothing was sent (--skip-invalid skips such "
                "lines)"});
    CHECK(messages("61\nzz\n62\n", hex(), true) ==
          Texts{"=a", "? line 2: invalid hex digit 'z' at character 1", "=b"});
}

TEST_CASE("many lines without a message are read in parts, and others can work in between") {
    const TempDir dir;
    const int count = 2 * ParsedInput::max_skipped + 10;
    std::string content;
    for (const bool blank : {true, false}) {
        for (int i = 0; i < count; ++i) content += blank ? "\n" : "invalid\n";
    }
    const int fd = ::open(dir.write("lines", content + "a b\n").c_str(), O_RDONLY | O_CLOEXEC);
    ParsedInput input(fd, LineInput::max_line,
                      std::make_unique<TopicLines>(std::nullopt, Encoding::raw, nullptr), true);
    const Time now = Time(std::chrono::hours(1));
    InputMessage message;
    int pauses = 0;
    int invalid = 0;
    State state{};
    while ((state = input.next(message, now)) != State::finished) {
        if (state == State::waiting) {
            ++pauses;
            CHECK(input.due() == now);
        } else if (!message.problem.empty()) {
            ++invalid;
        } else {
            CHECK(message.topic == "a");
            CHECK_FALSE(input.due());
        }
    }
    ::close(fd);
    CHECK(pauses == 4);
    CHECK(invalid == count);
}
