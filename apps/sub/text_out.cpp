// Bytes as text: hexadecimal, base64, and with control characters made visible.
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

bool is_control(unsigned char c) {
    return c < 0x20 || c == 0x7f;
}

}  // namespace

void append_hex(Buffer& out, Bytes bytes, HexCase letters) {
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

void append_hex_grouped(Buffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator) {
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

void append_base64(Buffer& out, Bytes bytes) {
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

void append_number(Buffer& out, std::uint64_t number) {
    constexpr std::size_t longest = 20;
    char* const start = out.reserve(longest);
    out.commit(static_cast<std::size_t>(std::to_chars(start, start + longest, number).ptr - start));
}

std::size_t utf8_sequence(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xc0) == 0x80; };
    if (text.empty()) return 0;
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4 || !tail(1)) return 0;
    if (lead < 0xe0) return 2;
    const unsigned char second = at(1);
    if (lead < 0xf0) {
        const bool overlong = lead == 0xe0 && second < 0xa0;
        const bool surrogate = lead == 0xed && second >= 0xa0;
        return !overlong && !surrogate && tail(2) ? 3 : 0;
    }
    const bool overlong = lead == 0xf0 && second < 0x90;
    const bool beyond = lead == 0xf4 && second >= 0x90;
    return !overlong && !beyond && tail(2) && tail(3) ? 4 : 0;
}

namespace {

// The length of the character at the start that may go to a terminal as it is, or 0.
std::size_t harmless(std::string_view text, LineBreaks breaks) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (is_control(c)) return breaks == LineBreaks::keep && (c == '\n' || c == '\t') ? 1 : 0;
    const std::size_t length = utf8_sequence(text);
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    return c1 ? 0 : length;
}

}  // namespace

bool has_controls(std::string_view text, LineBreaks breaks) {
    while (!text.empty()) {
        const std::size_t length = harmless(text, breaks);
        if (length == 0) return true;
        text.remove_prefix(length);
    }
    return false;
}

void append_visible(Buffer& out, std::string_view text, LineBreaks breaks) {
    while (!text.empty()) {
        if (const std::size_t length = harmless(text, breaks)) {
            out.append(text.substr(0, length));
            text.remove_prefix(length);
            continue;
        }
        switch (text[0]) {
            case '\n':
                out.append("\\n");
                break;
            case '\r':
                out.append("\\r");
                break;
            case '\t':
                out.append("\\t");
                break;
            default:
                out.append("\\x");
                append_hex(out, as_bytes(text.substr(0, 1)), HexCase::lower);
        }
        text.remove_prefix(1);
    }
}

}  // namespace mqttc::sub
