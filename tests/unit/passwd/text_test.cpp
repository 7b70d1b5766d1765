// Tests of the text functions: spaces and UTF-8.
#include "text.hpp"

#include <doctest/doctest.h>

using namespace mqttc::passwd;
using namespace std::string_view_literals;

TEST_CASE("spaces are removed only at both ends") {
    CHECK(trim_spaces(" \ta b\r ") == "a b");
    CHECK(trim_spaces("a") == "a");
    CHECK(trim_spaces(" \t ").empty());
    CHECK(trim_spaces("").empty());
}

TEST_CASE("invalid UTF-8 is detected") {
    for (const auto good :
         {""sv, "a\0b"sv, "\xc3\xbc"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv, "\xf4\x8f\xbf\xbf"sv})
        CHECK(is_utf8(good));
    for (const auto bad : {"\x80"sv, "\xc3"sv, "\xc0\x80"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
                           "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "a\xe2\x82"sv, "\xfc"sv})
        CHECK_FALSE(is_utf8(bad));
}
