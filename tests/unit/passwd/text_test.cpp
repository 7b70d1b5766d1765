// Blanks, UTF-8.
#include "text.hpp"

#include <doctest/doctest.h>

using namespace mqttc::passwd;
using namespace std::string_view_literals;

TEST_CASE("blanks are trimmed at both ends only") {
    CHECK(trim_blanks(" \ta b\r ") == "a b");
    CHECK(trim_blanks("a") == "a");
    CHECK(trim_blanks(" \t ").empty());
    CHECK(trim_blanks("").empty());
}

TEST_CASE("UTF-8 is told from what is not") {
    for (const auto good :
         {""sv, "a\0b"sv, "\xc3\xbc"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv, "\xf4\x8f\xbf\xbf"sv})
        CHECK(is_utf8(good));
    for (const auto bad : {"\x80"sv, "\xc3"sv, "\xc0\x80"sv, "\xe0\x80\x80"sv, "\xed\xa0\x80"sv,
                           "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "a\xe2\x82"sv, "\xfc"sv})
        CHECK_FALSE(is_utf8(bad));
}
