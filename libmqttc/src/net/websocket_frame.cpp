// Heads of WebSocket frames, and masking.
#include "websocket_frame.hpp"

#include <cstring>
#include <span>

namespace mqttc::net {

namespace {

constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t kind_bits = 0x0f;
constexpr std::uint8_t mask_bit = 0x80;
// A length in seven bits, or what announces the length in two or eight bytes.
constexpr std::uint8_t length_bits = 0x7f;
constexpr std::uint8_t two_bytes = 126;
constexpr std::uint8_t eight_bytes = 127;

// Eight bytes at a time: byte by byte, masking costs more than sending.
void apply_mask(std::span<std::uint8_t> bytes, const FrameMask& mask) {
    std::array<std::uint8_t, sizeof(std::uint64_t)> pattern{};
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = mask[i % mask.size()];
    std::uint64_t pattern_word = 0;
    std::memcpy(&pattern_word, pattern.data(), sizeof pattern_word);
    std::size_t done = 0;
    for (; bytes.size() - done >= sizeof pattern_word; done += sizeof pattern_word) {
        std::uint64_t word = 0;
        std::memcpy(&word, &bytes[done], sizeof word);
        word ^= pattern_word;
        std::memcpy(&bytes[done], &word, sizeof word);
    }
    for (; done < bytes.size(); ++done) bytes[done] ^= mask[done % mask.size()];
}

}  // namespace

std::optional<FrameHead> parse_frame_head(Bytes received) {
    if (received.size() < 2) return {};
    const std::uint8_t length = received[1] & length_bits;
    const std::size_t length_size = length == eight_bytes ? 8 : length == two_bytes ? 2 : 0;
    FrameHead head{.kind = static_cast<FrameKind>(received[0] & kind_bits),
                   .final = (received[0] & final_bit) != 0,
                   .reserved = (received[0] & reserved_bits) != 0,
                   .masked = (received[1] & mask_bit) != 0,
                   .shortest_length = true,
                   .length = length,
                   .size = 2 + length_size};
    if (received.size() < head.size) return {};
    if (length_size == 0) return head;
    head.length = 0;
    for (const std::uint8_t byte : received.subspan(2, length_size)) head.length = head.length << 8 | byte;
    head.shortest_length =
        length_size == 2 ? head.length >= two_bytes : head.length > 0xffff && head.length >> 63 == 0;
    return head;
}

void append_frame(std::vector<std::uint8_t>& out, FrameKind kind, Bytes payload, FrameMask mask) {
    out.push_back(static_cast<std::uint8_t>(final_bit | static_cast<std::uint8_t>(kind)));
    const std::uint64_t length = payload.size();
    const std::size_t length_size = length < two_bytes ? 0 : length <= 0xffff ? 2 : 8;
    out.push_back(static_cast<std::uint8_t>(mask_bit | (length_size == 0   ? length
                                                        : length_size == 2 ? two_bytes
                                                                           : eight_bytes)));
    for (std::size_t left = length_size; left > 0; --left)
        out.push_back(static_cast<std::uint8_t>(length >> (8 * (left - 1)) & 0xff));
    out.insert(out.end(), mask.begin(), mask.end());
    out.insert(out.end(), payload.begin(), payload.end());
    apply_mask(std::span(out).last(payload.size()), mask);
}

}  // namespace mqttc::net
