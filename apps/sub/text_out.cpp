// Bytes as text: hexadecimal and base64.
#include "text_out.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace mqttc::sub {
namespace {

// Work is done in pieces so that a payload of any size needs no more than this much of the buffer at once.
constexpr std::size_t piece = 6 * 1024;
static_assert(piece % 3 == 0, "base64 pieces end on a whole group");

using PairTable = std::array<std::array<char, 2>, 256>;

constexpr PairTable hex_pairs(const char* digits) {
    PairTable table{};
    for (std::size_t byte = 0; byte < 256; ++byte) table[byte] = {digits[byte >> 4], digits[byte & 15]};
    return table;
}
constexpr PairTable lower_pairs = hex_pairs("0123456789abcdef");
constexpr PairTable upper_pairs = hex_pairs("0123456789ABCDEF");
constexpr const PairTable& pairs_of(HexCase letters) {
    return letters == HexCase::upper ? upper_pairs : lower_pairs;
}

constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

void append_hex(TextBuffer& out, Bytes bytes, HexCase letters) {
    const PairTable& pairs = pairs_of(letters);
    while (!bytes.empty()) {
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        char* to = out.reserve(part.size() * 2);
        for (const std::uint8_t byte : part) {
            std::memcpy(to, pairs[byte].data(), 2);
            to += 2;
        }
        out.commit(part.size() * 2);
        bytes = bytes.subspan(part.size());
    }
}

void append_hex_grouped(TextBuffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator) {
    const PairTable& pairs = pairs_of(letters);
    std::size_t digits_left = group;
    while (!bytes.empty()) {
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        char* const start = out.reserve(part.size() * 4);
        char* to = start;
        for (const std::uint8_t byte : part) {
            for (const char digit : pairs[byte]) {
                if (digits_left == 0) {
                    *to++ = separator;
                    digits_left = group;
                }
                *to++ = digit;
                --digits_left;
            }
        }
        out.commit(static_cast<std::size_t>(to - start));
        bytes = bytes.subspan(part.size());
    }
}

std::size_t hex_grouped_size(std::size_t bytes, std::size_t group) {
    return bytes == 0 ? 0 : bytes * 2 + (bytes * 2 - 1) / group;
}

void append_base64(TextBuffer& out, Bytes bytes) {
    while (bytes.size() >= 3) {
        const Bytes part = bytes.first(std::min(bytes.size() / 3 * 3, piece));
        char* to = out.reserve(part.size() / 3 * 4);
        for (std::size_t i = 0; i < part.size(); i += 3) {
            const std::uint32_t bits =
                std::uint32_t{part[i]} << 16 | std::uint32_t{part[i + 1]} << 8 | std::uint32_t{part[i + 2]};
            *to++ = base64_digits[bits >> 18];
            *to++ = base64_digits[bits >> 12 & 63];
            *to++ = base64_digits[bits >> 6 & 63];
            *to++ = base64_digits[bits & 63];
        }
        out.commit(part.size() / 3 * 4);
        bytes = bytes.subspan(part.size());
    }
    if (bytes.empty()) return;
    const std::uint32_t bits =
        std::uint32_t{bytes[0]} << 16 | (bytes.size() == 2 ? std::uint32_t{bytes[1]} << 8 : 0);
    const char last[4] = {base64_digits[bits >> 18], base64_digits[bits >> 12 & 63],
                          bytes.size() == 2 ? base64_digits[bits >> 6 & 63] : '=', '='};
    out.append({last, 4});
}

void append_number(TextBuffer& out, std::uint64_t number) {
    constexpr std::size_t longest = 20;
    char* const start = out.reserve(longest);
    out.commit(static_cast<std::size_t>(std::to_chars(start, start + longest, number).ptr - start));
}

}  // namespace mqttc::sub
