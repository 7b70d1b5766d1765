// Hexadecimal and base64, both ways.
#include "base/encoding.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace std::string_literals;

namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string base64(std::string_view text) {
    return to_base64(bytes_of(text));
}

std::string decoded(decltype(decode_hex)* decode, std::string_view text) {
    std::string out = "earlier content";
    const auto done = decode(text, out);
    return done ? out : "error: " + done.error();
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648") {
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foob") == "Zm9vYg==");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("bytes are written as lower-case hex") {
    CHECK(to_hex(bytes_of("\0\x9f\xff"s)) == "009fff");
    CHECK(hex_pairs(HexCase::upper)[0xab] == std::array{'A', 'B'});
}

TEST_CASE("the value of each hex digit") {
    for (int c = 0; c < 256; ++c) {
        const auto at = "0123456789abcdefABCDEF"s.find(static_cast<char>(c));
        CAPTURE(c);
        CHECK(hex_value(static_cast<char>(c)) ==
              (at == std::string::npos ? -1 : static_cast<int>(at > 15 ? at - 6 : at)));
    }
    CHECK(is_hex("09afAF"));
    CHECK_FALSE(is_hex("0g"));
}

TEST_CASE("hex is decoded in both cases") {
    CHECK(decoded(decode_hex, "00fFaB") == "\x00\xff\xab"s);
    CHECK(decoded(decode_hex, "").empty());
    CHECK(decoded(decode_hex, "0") == "error: it has 1 hex digits: two are needed for each byte");
    CHECK(decoded(decode_hex, "00g0") == "error: invalid hex digit 'g' at character 3");
    CHECK(decoded(decode_hex, "00\r") == "error: invalid hex digit '\\r' at character 3");
}

TEST_CASE("base64 is decoded with its padding and nothing loose") {
    CHECK(decoded(decode_base64, "").empty());
    CHECK(decoded(decode_base64, "AA==") == "\0"s);
    CHECK(decoded(decode_base64, "AP8=") == "\0\xff"s);
    CHECK(decoded(decode_base64, "+/+/") == "\xfb\xff\xbf");
    CHECK(decoded(decode_base64, "AA=") ==
          "error: it has 3 characters: base64 has groups of four, padded with '='");
    CHECK(decoded(decode_base64, "A===") == "error: invalid base64 digit '=' at character 2");
    CHECK(decoded(decode_base64, "====") == "error: invalid base64 digit '=' at character 1");
    CHECK(decoded(decode_base64, "AB==") == "error: 'B' at character 2 has bits that belong to no byte");
    CHECK(decoded(decode_base64, "AA-_") == "error: invalid base64 digit '-' at character 3");
}

TEST_CASE("what was encoded is decoded, at every length") {
    std::string bytes;
    for (int length = 0; length < 200; ++length) {
        CAPTURE(length);
        CHECK(decoded(decode_base64, base64(bytes)) == bytes);
        CHECK(decoded(decode_hex, to_hex(bytes_of(bytes))) == bytes);
        bytes += static_cast<char>(length * 37);
    }
}
