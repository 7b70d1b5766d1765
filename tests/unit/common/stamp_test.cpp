// Tests of the stamp before a payload.
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "stamp.hpp"

using mqttc::app::encode_stamp;
using mqttc::app::max_stamp_number;
using mqttc::app::parse_stamp;
using mqttc::app::PayloadStamp;

namespace {

std::string text_of(const PayloadStamp& stamp) {
    const auto text = encode_stamp(stamp);
    return {text.data(), text.size()};
}

}  // namespace

TEST_CASE("a stamp has the documented form") {
    CHECK(text_of({0x9f86d081, 42, 1'792'310'400'123'456'789}) ==
          "stamp1 9f86d081 000000000042 1792310400.123456789 ");
}

TEST_CASE("a stamp is read whatever follows it") {
    for (const PayloadStamp& stamp :
         {PayloadStamp{0, 0, 0}, PayloadStamp{UINT32_MAX, max_stamp_number, 4'102'444'800'999'999'999},
          PayloadStamp{1, 1, 1}}) {
        CHECK(parse_stamp(text_of(stamp)) == stamp);
        CHECK(parse_stamp(text_of(stamp) + std::string("\0\xff", 2)) == stamp);
    }
}

TEST_CASE("values out of range stay inside the stamp's width") {
    CHECK(parse_stamp(text_of({1, max_stamp_number + 1, -1})) == PayloadStamp{1, 0, 0});
    CHECK(text_of({1, UINT64_MAX, std::numeric_limits<std::int64_t>::max()}).size() == 50);
}

TEST_CASE("a payload with any invalid byte in a stamp has none") {
    const std::string good = text_of({0xabcdef01, 123, 1'700'000'000'000'000'000});
    REQUIRE(parse_stamp(good));
    CHECK_FALSE(parse_stamp(""));
    for (std::size_t at = 0; at < good.size(); ++at) {
        CAPTURE(at);
        CHECK_FALSE(parse_stamp(good.substr(0, at)));
        for (const char wrong : {'-', '+', 'G', '\0', '/'}) {
            std::string bad = good;
            bad[at] = wrong;
            CHECK_FALSE(parse_stamp(bad));
        }
    }
    CHECK_FALSE(parse_stamp("stamp1 00000000 000000000001 9999999999.000000000 x"));
}
