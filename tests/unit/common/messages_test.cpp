// Text from a broker cannot control the terminal.
#include "messages.hpp"

#include <doctest/doctest.h>

using mqttc::app::visible;

TEST_CASE("printable text is unchanged, in any script") {
    CHECK(visible("maison/+/temp\u00e9 \u2713 \U0001f600") == "maison/+/temp\u00e9 \u2713 \U0001f600");
    CHECK(visible("").empty());
}

TEST_CASE("control characters are escaped") {
    using namespace std::string_view_literals;
    CHECK(visible("a\nb\rc\td\0e\x1b[31m\x7f"sv) == "a\\nb\\rc\\td\\x00e\\x1b[31m\\x7f");
    CHECK(visible("\xc2\x85\xc2\x9b") == "\\xc2\\x85\\xc2\\x9b");
    CHECK(visible("\xc2\xa0") == "\xc2\xa0");
}

TEST_CASE("bytes that are not UTF-8 are escaped") {
    CHECK(visible("\xff\xc0\xaf") == "\\xff\\xc0\\xaf");
    CHECK(visible("caf\xe9") == "caf\\xe9");
    CHECK(visible("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(visible("\xe0\x80\x80") == "\\xe0\\x80\\x80");
    CHECK(visible("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(visible("\xe2\x82") == "\\xe2\\x82");
}
