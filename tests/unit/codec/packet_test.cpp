// Every packet kind in every version: decoded, encoded, cut short, and fed one byte at a time.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <set>
#include <string>

#include "mqttc/codec.hpp"
#include "samples.hpp"
#include "support/hex.hpp"
#include "support/show_packet.hpp"

using namespace mqttc;
using mqttc::test::Sample;
using mqttc::test::samples;
using mqttc::test::show;
using mqttc::test::to_hex;

namespace {

constexpr std::size_t no_limit = max_packet_bytes;

/// Bytes in memory of exactly their size, so that a sanitizer sees every read beyond them.
class Exactly {
  public:
    explicit Exactly(Bytes bytes)
        : memory_(std::make_unique<std::uint8_t[]>(bytes.size())), size_(bytes.size()) {
        if (size_ > 0) std::memcpy(memory_.get(), bytes.data(), size_);
    }
    Bytes view() const { return {memory_.get(), size_}; }

  private:
    std::unique_ptr<std::uint8_t[]> memory_;
    std::size_t size_;
};

}  // namespace

TEST_CASE("the samples hold every packet kind of every version") {
    std::set<std::pair<ProtocolVersion, PacketType>> kinds;
    for (const Sample& sample : samples()) kinds.emplace(sample.version, type_of(sample.packet));
    CHECK(kinds.size() == 14 + 14 + 15);
}

TEST_CASE("a good packet decodes to its fields") {
    for (const Sample& sample : samples()) {
        CAPTURE(sample.name);
        const Exactly bytes(sample.bytes);
        const auto frame = next_frame(bytes.view(), no_limit);
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        CHECK((*frame)->size == sample.bytes.size());
        const auto packet = decode(**frame, sample.version);
        REQUIRE_MESSAGE(packet.has_value(), (packet ? "" : describe(packet.error())));
        CHECK(show(*packet) == show(sample.packet));
    }
}

TEST_CASE("a packet encodes to the bytes of the standard, after existing bytes") {
    for (const Sample& sample : samples()) {
        CAPTURE(sample.name);
        std::vector<std::uint8_t> out = {0xaa};
        REQUIRE(encode(sample.packet, sample.version, out).has_value());
        CHECK(out[0] == 0xaa);
        CHECK(to_hex(Bytes(out).subspan(1)) == to_hex(sample.bytes));
    }
}

TEST_CASE("a packet that has not arrived as a whole is waited for, byte by byte") {
    for (const Sample& sample : samples()) {
        CAPTURE(sample.name);
        for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
            const Exactly bytes(Bytes(sample.bytes).first(size));
            const auto frame = next_frame(bytes.view(), no_limit);
            REQUIRE(frame.has_value());
            CHECK_FALSE(frame->has_value());
            const auto whole = frame_size(bytes.view(), no_limit);
            REQUIRE(whole.has_value());
            CHECK(whole->has_value() == (size >= 2));
            if (*whole) CHECK(**whole == sample.bytes.size());
        }
    }
}

TEST_CASE("a body cut short is refused, or is itself a good packet that encodes again") {
    for (const Sample& sample : samples()) {
        for (std::size_t size = 0; size + 2 < sample.bytes.size(); ++size) {
            CAPTURE(sample.name);
            CAPTURE(size);
            const Exactly body(Bytes(sample.bytes).subspan(2, size));
            const Frame frame{sample.bytes[0], body.view(), 2 + size};
            const auto packet = decode(frame, sample.version);
            if (!packet) continue;
            std::vector<std::uint8_t> again;
            REQUIRE(encode(*packet, sample.version, again).has_value());
            const auto second = next_frame(again, no_limit);
            REQUIRE(second.has_value());
            REQUIRE(second->has_value());
            const auto same = decode(**second, sample.version);
            REQUIRE(same.has_value());
            CHECK(show(*same) == show(*packet));
        }
    }
}

TEST_CASE("a byte too many is refused in every packet that does not end with a payload or a list") {
    for (const Sample& sample : samples()) {
        const PacketType type = type_of(sample.packet);
        const bool list = type == PacketType::suback ||
                          (type == PacketType::unsuback && sample.version == ProtocolVersion::v5);
        if (type == PacketType::publish || list) continue;
        CAPTURE(sample.name);
        auto body = sample.bytes;
        body.push_back(0x00);
        const Frame frame{body[0], Bytes(body).subspan(2), body.size()};
        // In v5 a short form grows into the next longer one: code 0 or an empty block of properties.
        const bool short_form =
            sample.version == ProtocolVersion::v5 &&
            ((type >= PacketType::puback && type <= PacketType::pubcomp && sample.bytes.size() <= 5) ||
             ((type == PacketType::disconnect || type == PacketType::auth) && sample.bytes.size() <= 3));
        CHECK(decode(frame, sample.version).has_value() == short_form);
    }
}

TEST_CASE("every bit flipped gives an error or a packet that encodes again, never a crash") {
    for (const Sample& sample : samples()) {
        CAPTURE(sample.name);
        for (std::size_t bit = 0; bit < sample.bytes.size() * 8; ++bit) {
            auto changed = sample.bytes;
            changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            const Exactly bytes(changed);
            const auto frame = next_frame(bytes.view(), no_limit);
            if (!frame || !*frame) continue;
            const auto packet = decode(**frame, sample.version);
            if (!packet) continue;
            std::vector<std::uint8_t> again;
            CHECK(encode(*packet, sample.version, again).has_value());
        }
    }
}

TEST_CASE("the header of a PUBLISH and its payload make the whole packet") {
    for (const Sample& sample : samples()) {
        const auto* publish = std::get_if<Publish>(&sample.packet);
        if (publish == nullptr) continue;
        std::vector<std::uint8_t> out;
        REQUIRE(encode_publish_header(*publish, sample.version, out).has_value());
        out.insert(out.end(), publish->payload.begin(), publish->payload.end());
        CHECK(to_hex(out) == to_hex(sample.bytes));
    }
}

TEST_CASE("packets in a row are found one after the other") {
    std::vector<std::uint8_t> stream;
    for (const Sample& sample : samples())
        stream.insert(stream.end(), sample.bytes.begin(), sample.bytes.end());
    Bytes rest(stream);
    for (const Sample& sample : samples()) {
        const auto frame = next_frame(rest, no_limit);
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        CHECK((*frame)->size == sample.bytes.size());
        CHECK((*frame)->type() == type_of(sample.packet));
        rest = rest.subspan((*frame)->size);
    }
    CHECK(rest.empty());
}
