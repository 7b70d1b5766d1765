// Tests of how wide texts are on a terminal (apps/sub/columns.cpp).
#include "columns.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mqttc::sub;

namespace {

std::string clipped(std::string_view text, std::size_t columns) {
    mqttc::output::TextBuffer out;
    append_clipped(out, text, columns);
    return std::string(out.view());
}

}  // namespace

TEST_CASE("the width of a text is counted in columns, without escape sequences") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("\xc3\xa9t\xc3\xa9") == 3);
    CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);
    CHECK(display_width("\033[1;31mred\033[0m") == 3);
    CHECK(display_width("e\xcc\x81") == 1);
    CHECK(display_width("\033[") == 0);
    CHECK(display_width("\xff") == 1);
}

TEST_CASE("a text that does not fit ends with an ellipsis, its colours with it") {
    CHECK(clipped("abc", 3) == "abc");
    CHECK(clipped("abcd", 3) == "ab\xe2\x80\xa6");
    CHECK(clipped("\xe6\x97\xa5\xe6\x9c\xac", 3) == "\xe6\x97\xa5\xe2\x80\xa6");
    CHECK(clipped("\033[31mabcd\033[0m", 3) == "\033[31mab\033[0m\xe2\x80\xa6");
    CHECK(clipped("abc", 0).empty());
    std::string marks = "e";
    for (int i = 0; i < 10'000; ++i) marks += "\u0301";
    CHECK(clipped(marks + "f", 2) == "e\u0301\u0301\u0301\u0301f");
    CHECK(clipped("\033[31m\033[1m\033[2m\033[3m\033[4m\033[5mabcd\033[0m", 3) ==
          "\033[31m\033[1m\033[2m\033[3m\033[4m\033[5mab\033[0m\u2026");
}

TEST_CASE("emoji take two columns, invisible characters none") {
    for (const char* emoji : {"\u231a", "\u23f0", "\u25fd", "\u2614", "\u2648", "\u26a1", "\u2705", "\u274c",
                              "\u2b50", "\U0001f004", "\U0001f0cf", "\U0001f18e", "\U0001f250", "\U0001f4a9",
                              "\U0001f6dc", "\U0001f7e2", "\U0001f926", "\U0001faf8"}) {
        CAPTURE(emoji);
        CHECK(display_width(emoji) == 2);
    }
    for (const char* wide : {"\u1100", "\u2329", "\u3042", "\ua490", "\uac00", "\uf900", "\ufe30", "\uff21",
                             "\uffe0", "\U00017000", "\U0001b000", "\U00020000", "\U0003fffd"}) {
        CAPTURE(wide);
        CHECK(display_width(wide) == 2);
    }
    for (const char* nothing :
         {"\u0300", "\u0483", "\u05b0", "\u064b", "\u0941", "\u0e31", "\u1160", "\u200b", "\u200f", "\u202a",
          "\u202e", "\u2060", "\u2064", "\u20d0", "\u302a", "\u3099", "\ufe0f", "\ufeff", "\U000e0020"}) {
        CAPTURE(nothing);
        CHECK(display_width(nothing) == 0);
    }
    for (const char* narrow : {"a", "\u00e9", "\u00ad", "\u0416", "\u2581", "\u2610", "\u303f", "\uff61",
                               "\ufffd", "\U0001f321", "\U0001f5a5"}) {
        CAPTURE(narrow);
        CHECK(display_width(narrow) == 1);
    }
}
