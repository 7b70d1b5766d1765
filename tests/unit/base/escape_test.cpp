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
    CHECK(escape_controls(std::string(500, 'x'), 200) == std::string(200, 'x') + "\u2026 (500 bytes)");
    CHECK(escape_controls("\n\n\n", 2) == "\\n\\n\u2026 (3 bytes)");
    CHECK(escape_controls("abc", 3) == "abc");
    CHECK(escape_controls(std::string(65'535, '\x01')).size() < 5000);
    CHECK(in_quotes(std::string(65'535, 'x')) == "'" + std::string(1024, 'x') + "\u2026 (65535 bytes)'");
}

TEST_CASE("text is not cut within a character") {
    for (const std::size_t most : {1U, 2U, 3U, 4U})
        CHECK(escape_controls("a\u20acb\u20ac", most) ==
              (most < 4 ? "a\u2026 (8 bytes)" : "a\u20ac\u2026 (8 bytes)"));
    CHECK(escape_controls("\x80\x80\x80\x80\x80\x80", 5).ends_with("\u2026 (6 bytes)"));
}

TEST_CASE("characters that change the direction of writing or break lines are escaped") {
    for (const char* text : {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066",
                             "\u2069", "\ufeff"}) {
        CAPTURE(text);
        CHECK(has_controls(text, LineBreaks::keep));
    }
    CHECK(escape_controls("a\u202eb") == "a\\xe2\\x80\\xaeb");
    for (const char* text : {"\u200d", "\u2010", "\u2027", "\u202f", "\u2065", "\u206a", "\u20ac", "\ufefe"})
        CHECK_FALSE(has_controls(text, LineBreaks::hide));
}

TEST_CASE("quoted text is escaped, too") {
    CHECK(in_quotes("a\rb") == "'a\\rb'");
}
