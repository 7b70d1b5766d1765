// SHA-1, block by block.
#include "base/sha1.hpp"

#include <bit>

namespace mqttc {
namespace {

using Sha1State = std::array<std::uint32_t, 5>;
constexpr std::size_t block_size = 64;

void take_block(Sha1State& state, std::string_view block) {
    std::array<std::uint32_t, 80> word{};
    for (std::size_t i = 0; i < 16; ++i) {
        for (std::size_t j = 0; j < 4; ++j)
            word[i] = word[i] << 8 | static_cast<std::uint8_t>(block[i * 4 + j]);
    }
    for (std::size_t i = 16; i < 80; ++i)
        word[i] = std::rotl(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
        std::uint32_t mixed = 0;
        if (i < 20) {
            mixed = ((b & c) | (~b & d)) + 0x5a827999U;
        } else if (i < 40) {
            mixed = (b ^ c ^ d) + 0x6ed9eba1U;
        } else if (i < 60) {
            mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcU;
        } else {
            mixed = (b ^ c ^ d) + 0xca62c1d6U;
        }
        const auto next = std::rotl(a, 5) + mixed + e + word[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view text) {
    Sha1State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    const auto bits = std::uint64_t{text.size()} * 8;
    for (; text.size() >= block_size; text.remove_prefix(block_size))
        take_block(state, text.substr(0, block_size));
    // The rest, a bit, zeros, and the length: one block, or two if it doesn't fit.
    std::array<char, 2 * block_size> padded{};
    text.copy(padded.data(), text.size());
    padded[text.size()] = '\x80';
    const std::size_t end = text.size() < block_size - 8 ? block_size : 2 * block_size;
    for (std::size_t i = 1; i <= 8; ++i) padded[end - i] = static_cast<char>(bits >> (8 * (i - 1)) & 0xff);
    for (std::size_t at = 0; at < end; at += block_size)
        take_block(state, std::string_view(padded.data() + at, block_size));
    std::array<std::uint8_t, 20> digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    return digest;
}

}  // namespace mqttc
