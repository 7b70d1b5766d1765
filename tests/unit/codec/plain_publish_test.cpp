// The quick half of decoding says the same as the whole, or nothing.
#include "plain_publish.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "mqttc/codec.hpp"
#include "samples.hpp"
#include "support/hex.hpp"
#include "support/show_packet.hpp"

using namespace mqttc;
using test::hex;

namespace {

constexpr std::size_t largest = max_packet_bytes;

/// What decode_plain_publish answers, compared with next_frame and decode_publish where it is not 0.
std::size_t plain_size(Bytes bytes, ProtocolVersion version) {
    Publish packet;
    const std::size_t size = codec::decode_plain_publish(bytes, version, packet);
    if (size == 0) return 0;
    const auto frame = next_frame(bytes, largest);
    REQUIRE(frame.has_value());
    REQUIRE(frame->has_value());
    CHECK((*frame)->size == size);
    const auto whole = decode_publish(**frame, version);
    REQUIRE(whole.has_value());
    CHECK(test::show(Packet(*whole)) == test::show(Packet(packet)));
    return size;
}

std::size_t plain_size(std::string_view text, ProtocolVersion version = ProtocolVersion::v311) {
    return plain_size(hex(text), version);
}

}  // namespace

TEST_CASE("a plain PUBLISH is decoded, with what follows it left alone") {
    CHECK(plain_size("30 06 0001't' 'yes' 30 06") == 8);
    CHECK(plain_size("31 03 0001't'") == 5);
    CHECK(plain_size("30 07 0001't' 00 'yes'", ProtocolVersion::v5) == 9);
    auto longer = hex("30 8001 0001't'");
    longer.resize(3 + 128, 'x');
    CHECK(plain_size(longer, ProtocolVersion::v311) == longer.size());
}

TEST_CASE("what is not all there, not plain or not allowed is left to others") {
    for (const std::string_view text :
         {"", "30", "30 80", "30 06 0001't' 'ye'", "32 08 0001't' 0001 'yes'", "38 06 0001't' 'yes'",
          "20 02 00 00", "30 8600 0001't' 'yes'", "30 ffffffff01 0001't'", "30 00", "30 01 00", "30 02 0000",
          "30 03 0002't'", "30 03 0001'+'", "30 03 0001'#'", "30 03 0001 00", "30 04 0002 c3a9"}) {
        CAPTURE(text);
        CHECK(plain_size(text) == 0);
    }
    CHECK(plain_size("30 03 0001't'", ProtocolVersion::v5) == 0);
    CHECK(plain_size("30 07 0001't' 03 23 0001", ProtocolVersion::v5) == 0);
}

TEST_CASE(
    "packets of every kind, their prefixes, and with any byte changed are decoded as usual or not at all") {
    int plain = 0;
    for (const auto& sample : test::samples()) {
        for (std::size_t size = 0; size <= sample.bytes.size() && size < 200; ++size)
            plain += plain_size(Bytes(sample.bytes).first(size), sample.version) > 0 ? 1 : 0;
        auto changed = sample.bytes;
        for (std::size_t at = 0; at < changed.size() && at < 20; ++at) {
            const std::uint8_t before = changed[at];
            for (unsigned bit = 0; bit < 8; ++bit) {
                changed[at] = static_cast<std::uint8_t>(before ^ (1U << bit));
                plain += plain_size(changed, sample.version) > 0 ? 1 : 0;
            }
            changed[at] = before;
        }
    }
    CHECK(plain > 10);
}
