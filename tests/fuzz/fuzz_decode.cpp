// Fuzzes the codec: whatever decodes must encode, and the bytes of that must decode to the same packet.
//
// The first byte chooses the version, the rest is a stream of packets.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mqttc/codec.hpp"
#include "support/show_packet.hpp"

namespace {

using namespace mqttc;

constexpr std::size_t largest = 1'000'000;

void require(bool condition, const char* what, const std::string& packet) {
    if (condition) return;
    std::fprintf(stderr, "%s: %s\n", what, packet.c_str());
    std::abort();
}

void round_trip(const Packet& packet, ProtocolVersion version) {
    const std::string text = test::show(packet);
    std::vector<std::uint8_t> bytes;
    require(encode(packet, version, bytes).has_value(), "decoded but cannot be encoded", text);
    const auto frame = next_frame(bytes, largest);
    require(frame && *frame && (*frame)->size == bytes.size(), "encoded with a wrong length", text);
    const auto again = decode(**frame, version);
    require(again.has_value(), "encoded but cannot be decoded", text);
    require(test::show(*again) == text, "decodes to a different packet", text);
    std::vector<std::uint8_t> same;
    require(encode(*again, version, same).has_value() && same == bytes, "encodes differently again", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto version = static_cast<ProtocolVersion>(3 + data[0] % 3);
    Bytes rest(data + 1, size - 1);
    while (true) {
        const auto frame = next_frame(rest, largest);
        const auto announced = frame_size(rest, largest);
        require(frame.has_value() == announced.has_value(), "next_frame and frame_size disagree", {});
        if (!frame || !*frame) return 0;
        require(**announced == (*frame)->size, "next_frame and frame_size disagree", {});
        if (const auto packet = decode(**frame, version)) {
            const auto* connect = std::get_if<Connect>(&*packet);
            round_trip(*packet, connect != nullptr ? connect->version : version);
        }
        rest = rest.subspan((*frame)->size);
    }
}
