// CBOR: the examples of RFC 8949 appendix A and its malformed ones of appendix F, and what JSON cannot say.
#include "cbor.hpp"

#include <doctest/doctest.h>

#include "binary.hpp"

using namespace mqttc;
using namespace mqttc::test;
using payload::CborReader;
using payload::CborWriter;

namespace {

std::string json_of(std::string_view digits) {
    return decode<CborReader>(hex(digits));
}

struct Example {
    std::string_view bytes;
    std::string_view json;
};

}  // namespace

TEST_CASE("CBOR: values with one form are the same in both directions") {
    const Example examples[] = {
        {"00", "0"},
        {"17", "23"},
        {"1818", "24"},
        {"1903e8", "1000"},
        {"1a000f4240", "1000000"},
        {"1b000000e8d4a51000", "1000000000000"},
        {"1bffffffffffffffff", "18446744073709551615"},
        {"c249010000000000000000", "18446744073709551616"},
        {"3bffffffffffffffff", "-18446744073709551616"},
        {"c349010000000000000000", "-18446744073709551617"},
        {"20", "-1"},
        {"3903e7", "-1000"},
        {"f90000", "0.0"},
        {"f98000", "-0.0"},
        {"f93c00", "1.0"},
        {"fb3ff199999999999a", "1.1"},
        {"f97bff", "65504.0"},
        {"fa47c35000", "100000.0"},
        {"fa7f7fffff", "3.4028234663852886e+38"},
        {"fb7e37e43c8800759c", "1e+300"},
        {"f90001", "5.960464477539063e-08"},
        {"f90400", "6.103515625e-05"},
        {"f9c400", "-4.0"},
        {"f4", "false"},
        {"f5", "true"},
        {"f6", "null"},
        {"60", "\"\""},
        {"62225c", "\"\\\"\\\\\""},
        {"62c3bc", "\"\xc3\xbc\""},
        {"64f0908591", "\"\xf0\x90\x85\x91\""},
        {"80", "[]"},
        {"8301820203820405", "[1,[2,3],[4,5]]"},
        {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
         "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
        {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(json_of(bytes) == json);
        CHECK(encode<CborWriter>(json) == bytes);
    }
}

TEST_CASE("CBOR: what JSON lacks is written as RFC 8949 section 6.1 suggests") {
    const Example examples[] = {
        {"f7", "null"},                                   // undefined
        {"f97e00", "null"},                               // NaN
        {"fbfff0000000000000", "null"},                   // -Infinity
        {"fa3dcccccd", "0.10000000149011612"},            // single precision, exactly
        {"4401020304", "\"AQIDBA==\""},                   // bytes
        {"d54401fffefd", "\"Af_-_Q\""},                   // 21: base64 for URLs
        {"d64401fffefd", "\"Af/+/Q==\""},                 // 22
        {"d7824401fffefd41aa", "[\"01fffefd\",\"aa\"]"},  // 23: hexadecimal, for all that is inside
        {"c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\""},
        {"c11a514b67b0", "1363896240"},
        {"d9d9f70a", "10"},             // self-described
        {"c4820119ea60", "[1,60000]"},  // other tags are ignored
        {"a201020304", "{\"1\":2,\"3\":4}"},
        {"a420f541020363666f6f01f90000f6", "{\"-1\":true,\"Ag==\":3,\"foo\":1,\"0.0\":null}"},
        {"a1c24901000000000000000001", "{\"18446744073709551616\":1}"},
        {"5f42010243030405ff", "\"AQIDBAU=\""},
        {"7f657374726561646d696e67ff", "\"streaming\""},
        {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
        {"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(json_of(bytes) == json);
    }
}

TEST_CASE("CBOR: malformed payloads are refused with the position") {
    const Example examples[] = {
        {"", "<error at byte 1: the payload ends early>"},
        {"18", "<error at byte 2: the payload ends early>"},
        {"8201", "<error at byte 3: the payload ends early>"},
        {"a161", "<error at byte 3: the length is 1 byte, but only 0 are left>"},
        {"0001", "<error at byte 2: 1 more byte follows the value>"},
        {"000102", "<error at byte 2: 2 more bytes follow the value>"},
        {"1c", "<error at byte 1: the length code is reserved>"},
        {"1f", "<error at byte 1: this type has no indefinite length>"},
        {"ff", "<error at byte 1: the end of a container where a value is expected>"},
        {"8201ff", "<error at byte 3: the container ends before its last element>"},
        {"bf6161ff", "<error at byte 4: the end of a container where a value is expected>"},
        {"5f6161ff", "<error at byte 2: a part of a string is of another type>"},
        {"5f5f4100ffff", "<error at byte 2: a part of a string is of another type>"},
        {"61ff", "<error at byte 1: the text is not UTF-8>"},
        {"a18001", "<error at byte 2: an array or a map as a key cannot be written in JSON>"},
        {"f8ff", "<error at byte 1: an unknown simple value>"},
        // Announced lengths cost nothing.
        {"9bffffffffffffffff", "<error at byte 10: the payload ends early>"},
        {"7bffffffffffffffff",
         "<error at byte 10: the length is 18446744073709551615 bytes, but only 0 are left>"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(json_of(bytes) == json);
    }
}

TEST_CASE("CBOR: nesting and big numbers are bounded") {
    const auto nested = [](std::size_t levels) {
        return decode<CborReader>(as_bytes(std::string(levels, '\x81') + std::string(1, '\0')));
    };
    CHECK(nested(output::max_json_depth).starts_with("[[["));
    CHECK(nested(output::max_json_depth + 1) == "<error at byte 1001: it is nested deeper than 1000 levels>");
    // Tags aren't levels.
    CHECK(decode<CborReader>(as_bytes(std::string(100'000, '\xc9') + "\x01")) == "1");
    const auto big = [](std::size_t size) {
        std::string bytes = "\xc2\x59";
        bytes += static_cast<char>(size >> 8);
        bytes += static_cast<char>(size & 0xff);
        return decode<CborReader>(as_bytes(bytes + std::string(size, '\xff')));
    };
    CHECK(big(CborReader::max_big_number).size() == 2467);
    CHECK(big(CborReader::max_big_number + 1) == "<error at byte 2: a number of more than 1024 bytes>");
    CHECK(encode<CborWriter>(big(CborReader::max_big_number)).size() == 2 * (4 + CborReader::max_big_number));
}

TEST_CASE("JSON that cannot be encoded is refused") {
    CHECK(encode<CborWriter>("{\"a\":") ==
          "<it is not JSON from byte 6: syntax error while parsing value - unexpected end of input>");
    CHECK(encode<CborWriter>("1e400") == "<the number 1e400 is too large>");
    CHECK(encode<CborWriter>(std::string(3000, '9')) ==
          "<the integer 9999999999999999999999999999999999999999 is too large for this format>");
    CHECK(encode<CborWriter>(std::string("1\0", 2)) == "<it is not JSON: there is a NUL at byte 2>");
    CHECK(encode<CborWriter>(std::string(1001, '[')) == "<it is nested deeper than 1000 levels>");
    CHECK(encode<CborWriter>("-0") == "f98000");
    CHECK(encode<CborWriter>("1e-400") == "f90000");
}
