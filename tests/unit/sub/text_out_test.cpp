// Tests of hex, base64 and visible text (apps/sub/text_out.cpp) and of the buffer they go into.
#include "text_out.hpp"

#include <doctest/doctest.h>

#include <string>

#include "text_buffer.hpp"

using namespace mqttc;
using namespace mqttc::sub;

namespace {

std::string base64(std::string_view bytes) {
    TextBuffer out;
    append_base64(out, as_bytes(bytes));
    CHECK(out.size() == base64_size(bytes.size()));
    return std::string(out.view());
}

std::string visible(std::string_view text, LineBreaks breaks) {
    TextBuffer out;
    append_visible(out, text, breaks);
    CHECK((out.view() != text) == has_controls(text, breaks));
    return std::string(out.view());
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648") {
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("inputs larger than a chunk are encoded without a gap") {
    const std::string bytes(20'000, 'M');
    std::string expected;
    while (expected.size() < base64_size(bytes.size())) expected += "TU1N";
    const std::string text = base64(bytes);
    CHECK(text.substr(0, 26'664) == expected.substr(0, 26'664));
    CHECK(text.substr(26'664) == "TU0=");
    TextBuffer out;
    append_hex_grouped(out, as_bytes(bytes), HexCase::lower, 3, ':');
    CHECK(out.size() == hex_grouped_size(bytes.size(), 3));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < out.size(); ++i) wrong += (out.view()[i] == ':') != (i % 4 == 3);
    CHECK(wrong == 0);
}

TEST_CASE("UTF-8 sequences are distinguished from other bytes") {
    const std::pair<std::string_view, std::size_t> rows[] = {{"a", 1},
                                                             {std::string_view("\0", 1), 1},
                                                             {"\xc2\x80", 2},
                                                             {"\xdf\xbf", 2},
                                                             {"\xe0\xa0\x80", 3},
                                                             {"\xed\x9f\xbf", 3},
                                                             {"\xef\xbf\xbf", 3},
                                                             {"\xf0\x90\x80\x80", 4},
                                                             {"\xf4\x8f\xbf\xbf", 4},
                                                             {"", 0},
                                                             {"\x80", 0},
                                                             {"\xc1\xbf", 0},
                                                             {"\xc2", 0},
                                                             {"\xc2z", 0},
                                                             {"\xe0\x9f\xbf", 0},
                                                             {"\xed\xa0\x80", 0},
                                                             {"\xe2\x82", 0},
                                                             {"\xf0\x8f\xbf\xbf", 0},
                                                             {"\xf4\x90\x80\x80", 0},
                                                             {"\xf5\x80\x80\x80", 0},
                                                             {"\xff", 0}};
    for (const auto& [text, length] : rows) {
        CAPTURE(text);
        CHECK(utf8_sequence(text) == length);
    }
}

TEST_CASE("control characters are escaped, line breaks only where they could mislead") {
    CHECK(visible("a\tb\nc", LineBreaks::keep) == "a\tb\nc");
    CHECK(visible("a\tb\nc", LineBreaks::hide) == "a\\tb\\nc");
    CHECK(visible("\x1b[31m\r", LineBreaks::keep) == "\\x1b[31m\\r");
    CHECK(visible(std::string_view("\0\x7f\x9b\xc2\x9b", 5), LineBreaks::keep) ==
          "\\x00\\x7f\\x9b\\xc2\\x9b");
    CHECK(visible("\xc2\xa0\xc3\xa9\xe2\x82\xac", LineBreaks::keep) == "\xc2\xa0\xc3\xa9\xe2\x82\xac");
}
