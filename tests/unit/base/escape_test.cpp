// Text of a peer cannot control the terminal.
#include "base/escape.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace std::string_view_literals;

namespace {

std::string escaped(std::string_view text, LineBreaks breaks) {
    std::string out;
    append_escaped(out, text, breaks);
    CHECK((out != text) == has_controls(text, breaks));
    return out;
}

}  // namespace

TEST_CASE("printable text is unchanged, in any script") {
    CHECK(escape_controls("maison/+/temp\u00e9 \u2713 \U0001f600") ==
          "maison/+/temp\u00e9 \u2713 \U0001f600");
    CHECK(escape_controls("\xc2\xa0") == "\xc2\xa0");
    CHECK(escape_controls("").empty());
}

TEST_CASE("control characters are escaped") {
    CHECK(escape_controls("a\nb\rc\td\0e\x1b[31m\x7f"sv) == "a\\nb\\rc\\td\\x00e\\x1b[31m\\x7f");
    CHECK(escape_controls("\xc2\x85\xc2\x9b") == "\\xc2\\x85\\xc2\\x9b");
}

TEST_CASE("bytes that are not UTF-8 are escaped") {
    CHECK(escape_controls("\xff\xc0\xaf") == "\\xff\\xc0\\xaf");
    CHECK(escape_controls("caf\xe9") == "caf\\xe9");
    CHECK(escape_controls("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(escape_controls("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(escape_controls("\xe2\x82") == "\\xe2\\x82");
}

TEST_CASE("newline and tab can be kept") {
    CHECK(escaped("a\tb\nc", LineBreaks::keep) == "a\tb\nc");
    CHECK(escaped("a\tb\nc", LineBreaks::hide) == "a\\tb\\nc");
    CHECK(escaped("\x1b[31m\r", LineBreaks::keep) == "\\x1b[31m\\r");
    CHECK(escaped("\0\x7f\x9b\xc2\x9b"sv, LineBreaks::keep) == "\\x00\\x7f\\x9b\\xc2\\x9b");
}

TEST_CASE("long text is cut, before it is escaped") {
    CHECK(escape_controls(std::string(500, 'x'), 200) == std::string(200, 'x') + "...");
    CHECK(escape_controls("\n\n\n", 2) == "\\n\\n...");
    CHECK(escape_controls("abc", 3) == "abc");
}

TEST_CASE("quoted text is escaped, too") {
    CHECK(in_quotes("a\rb") == "'a\\rb'");
}
