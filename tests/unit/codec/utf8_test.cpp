// UTF-8 as MQTT wants it, and the fast path for ASCII.
#include "utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/hex.hpp"

using namespace mqttc;
using test::hex;

namespace {

bool valid(std::string_view bytes) {
    return valid_utf8(as_text(hex(bytes)));
}

std::string encoded(char32_t c) {
    const auto part = [c](unsigned shift, unsigned mask, unsigned lead) {
        return static_cast<char>((static_cast<unsigned>(c) >> shift & mask) | lead);
    };
    if (c < 0x80) return {part(0, 0x7f, 0)};
    if (c < 0x800) return {part(6, 0x1f, 0xc0), part(0, 0x3f, 0x80)};
    if (c < 0x10000) return {part(12, 0x0f, 0xe0), part(6, 0x3f, 0x80), part(0, 0x3f, 0x80)};
    return {part(18, 0x07, 0xf0), part(12, 0x3f, 0x80), part(6, 0x3f, 0x80), part(0, 0x3f, 0x80)};
}

}  // namespace

TEST_CASE("every character is valid but U+0000 and the surrogates") {
    std::size_t wrong = 0;
    for (char32_t c = 0; c <= 0x10ffff; ++c) {
        const bool expected = c != 0 && (c < 0xd800 || c > 0xdfff);
        if (valid_utf8(encoded(c)) != expected) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("broken UTF-8 is not valid") {
    for (const std::string_view bytes : {
             "80",           // continuation without lead
             "c3",           // cut short
             "e2 82",        // cut short
             "f0 9f 98",     // cut short
             "c3 28",        // no continuation
             "e2 28 a1",     // no continuation
             "e2 82 28",     // no continuation
             "f0 9f 98 28",  // no continuation
             "c0 80",        // overlong U+0000
             "c1 bf",        // overlong
             "e0 9f bf",     // overlong
             "f0 8f bf bf",  // overlong
             "ed a0 80",     // surrogate
             "f4 90 80 80",  // over U+10FFFF
             "f8 88 80 80 80", "fe", "ff",
             "'abc' 00",  // U+0000
         }) {
        CAPTURE(bytes);
        CHECK_FALSE(valid(bytes));
    }
}

TEST_CASE("what MQTT lets pass is valid: control characters, the BOM, non-characters, nothing at all") {
    CHECK(valid(""));
    CHECK(valid("01 1f 7f c280"));
    CHECK(valid("ef bb bf"));
    CHECK(valid("ef bf be ef bf bf"));
}

TEST_CASE("one wrong byte is found at every place of texts of every length") {
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            CAPTURE(size);
            CAPTURE(at);
            std::string text(size, 'a');
            CHECK(codec::text_ok(text));
            CHECK(codec::plain_name(text));
            for (const char wrong : {'\0', '\x80', '\xff'}) {
                text[at] = wrong;
                CHECK_FALSE(codec::text_ok(text));
                CHECK_FALSE(codec::plain_name(text));
            }
            for (const char wildcard : {'+', '#'}) {
                text[at] = wildcard;
                CHECK(codec::text_ok(text));
                CHECK_FALSE(codec::plain_name(text));
            }
        }
    }
}

TEST_CASE("only NUL and the wildcards keep an ASCII name from the fast path") {
    for (int c = 0; c < 0x80; ++c) {
        CAPTURE(c);
        const std::string text = std::string("maison/") + static_cast<char>(c) + "/x";
        CHECK(codec::plain_name(text) == (c != 0 && c != '+' && c != '#'));
    }
}

TEST_CASE("a character across the eight-byte steps is read as one") {
    for (std::size_t before = 0; before < 20; ++before) {
        CAPTURE(before);
        const std::string text = std::string(before, 'a') + "\xf0\x9f\x98\x80" + std::string(12, 'b');
        CHECK(codec::text_ok(text));
        std::string broken = text;
        broken[before + 3] = 'b';
        CHECK_FALSE(codec::text_ok(broken));
    }
}
