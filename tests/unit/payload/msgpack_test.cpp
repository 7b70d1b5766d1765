// MessagePack: each form of its specification, and what JSON cannot say.
#include "msgpack.hpp"

#include <doctest/doctest.h>

#include "binary.hpp"

using namespace mqttc;
using namespace mqttc::test;
using payload::MsgpackReader;
using payload::MsgpackWriter;

namespace {

std::string msgpack_json(std::string_view digits) {
    return decode<MsgpackReader>(hex(digits));
}

struct MsgpackExample {
    std::string_view bytes;
    std::string_view json;
};

}  // namespace

TEST_CASE("MessagePack: values with one form are the same in both directions") {
    const MsgpackExample examples[] = {
        {"00", "0"},
        {"7f", "127"},
        {"cc80", "128"},
        {"cd0100", "256"},
        {"ce00010000", "65536"},
        {"cf0000000100000000", "4294967296"},
        {"cfffffffffffffffff", "18446744073709551615"},
        {"ff", "-1"},
        {"e0", "-32"},
        {"d0df", "-33"},
        {"d080", "-128"},
        {"d1ff7f", "-129"},
        {"d2ffff7fff", "-32769"},
        {"d3ffffffff7fffffff", "-2147483649"},
        {"d38000000000000000", "-9223372036854775808"},
        {"cb3ff8000000000000", "1.5"},
        {"cb4014000000000000", "5.0"},
        {"c0", "null"},
        {"c2", "false"},
        {"c3", "true"},
        {"a0", "\"\""},
        {"a568c3a4c3b6", "\"h\xc3\xa4\xc3\xb6\""},
        {"d9206162636465666768696a6b6c6d6e6f707172737475767778797a313233343536",
         "\"abcdefghijklmnopqrstuvwxyz123456\""},
        {"93010203", "[1,2,3]"},
        {"dc001001020304050607080910111213141516", "[1,2,3,4,5,6,7,8,9,16,17,18,19,20,21,22]"},
        {"82a16101a1629102", "{\"a\":1,\"b\":[2]}"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(msgpack_json(bytes) == json);
        CHECK(encode<MsgpackWriter>(json) == bytes);
    }
    const std::string large = '"' + std::string(70'000, 'x') + '"';
    CHECK(encode<MsgpackWriter>(large).starts_with("db00011170"));
    CHECK(decode<MsgpackReader>(hex(encode<MsgpackWriter>(large))) == large);
}

TEST_CASE("MessagePack: what JSON lacks") {
    const MsgpackExample examples[] = {
        {"ca3dcccccd", "0.10000000149011612"},
        {"cb7ff8000000000000", "null"},
        {"d005", "5"},  // not the shortest form
        {"c403000102", "\"AAEC\""},
        {"820102a1789101", "{\"1\":2,\"x\":[1]}"},
        {"84c00100c202c4010103", "<error at byte 11: the payload ends early>"},
        {"83c00100c202c3", "{\"null\":1,\"0\":false,\"2\":true}"},
        {"d40501", "{\"type\":5,\"data\":\"AQ==\"}"},
        {"c70380010203", "{\"type\":-128,\"data\":\"AQID\"}"},
        {"d6ff5e0be100", "\"2020-01-01T00:00:00.000Z\""},
        {"d7ff1dcd65005e0be100", "\"2020-01-01T00:00:00.125Z\""},
        {"d7ff000000045e0be100", "\"2020-01-01T00:00:00.000000001Z\""},
        {"c70cff075bcd15ffffffffffffffff", "\"1969-12-31T23:59:59.123456789Z\""},
        // No year of four digits; more than a second of nanoseconds.
        {"c70cff000000007fffffffffffffff", "{\"type\":-1,\"data\":\"AAAAAH//////////\"}"},
        {"d7ffffffffff5e0be100", "{\"type\":-1,\"data\":\"/////14L4QA=\"}"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(msgpack_json(bytes) == json);
    }
}

TEST_CASE("MessagePack: malformed payloads are refused with the position, and nesting is bounded") {
    const MsgpackExample examples[] = {
        {"c1", "<error at byte 1: c1 is not a type>"},
        {"92c0", "<error at byte 3: the payload ends early>"},
        {"a2c3", "<error at byte 2: the length is 2 bytes, but only 1 is left>"},
        {"a1ff", "<error at byte 1: the text is not UTF-8>"},
        {"8191c0c0", "<error at byte 2: an array, a map or an extension as a key cannot be written in JSON>"},
        {"ddffffffff", "<error at byte 6: the payload ends early>"},
        {"c6ffffffff00", "<error at byte 6: the length is 4294967295 bytes, but only 1 is left>"},
        {"c0c0", "<error at byte 2: 1 more byte follows the value>"},
    };
    for (const auto& [bytes, json] : examples) {
        CAPTURE(bytes);
        CHECK(msgpack_json(bytes) == json);
    }
    const std::string deep(1001, '\x91');
    CHECK(decode<MsgpackReader>(as_bytes(deep)) ==
          "<error at byte 1001: it is nested deeper than 1000 levels>");
    CHECK(encode<MsgpackWriter>("18446744073709551616") ==
          "<the integer 18446744073709551616 is too large for this format>");
}
