// The decoder of UTF-8.
#include "base/utf8.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace mqttc;
using namespace std::string_view_literals;

TEST_CASE("the length of each kind of UTF-8 sequence, and 0 for bytes that are none") {
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

TEST_CASE("a text is UTF-8 if all of it is, at any place") {
    for (const auto good : {""sv, "a\0b"sv, "\xc3\xbc"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv,
                            "\xf4\x8f\xbf\xbf"sv, "1234567\xc3\xbc"sv})
        CHECK(is_utf8(good));
    for (const auto bad : {"\x80"sv, "\xc3"sv, "\xc0\x80"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
                           "\xf4\x90\x80\x80"sv, "\xff"sv, "a\xe2\x82"sv, "12345678\xfc"sv,
                           "\xfc"
                           "12345678"sv})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("control characters outside ASCII are recognized") {
    CHECK(starts_with_wide_control("\xc2\x80"));
    CHECK(
        starts_with_wide_control("\xc2\x9f"
                                 "a"));
    CHECK_FALSE(starts_with_wide_control("\xc2\xa0"));
    CHECK_FALSE(starts_with_wide_control("\xc3\x80"));
    CHECK_FALSE(starts_with_wide_control("\xc2"));
}
