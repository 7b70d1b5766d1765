// Tables of digits, and base64 by groups of three bytes.
#include "base/encoding.hpp"

#include <algorithm>

#include "base/escape.hpp"

namespace mqttc {
namespace {

using Result = std::expected<void, std::string>;

constexpr HexPairs make_pairs(const char* digits) {
    HexPairs table{};
    for (std::size_t byte = 0; byte < 256; ++byte) table[byte] = {digits[byte >> 4], digits[byte & 15]};
    return table;
}
constexpr HexPairs lower_pairs = make_pairs("0123456789abcdef");
constexpr HexPairs upper_pairs = make_pairs("0123456789ABCDEF");

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;
using Values = std::array<std::uint8_t, 256>;

constexpr Values hex_values() {
    Values table{};
    for (std::size_t c = 0; c < table.size(); ++c)
        table[c] = static_cast<std::uint8_t>(hex_value(static_cast<char>(c)));
    return table;
}

constexpr Values base64_values() {
    Values table{};
    table.fill(no_digit);
    for (std::size_t i = 0; i < base64_digits.size(); ++i)
        table[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::uint8_t>(i);
    return table;
}

constexpr Values hex = hex_values();
constexpr Values base64 = base64_values();

std::uint8_t value(const Values& table, char c) {
    return table[static_cast<unsigned char>(c)];
}

std::size_t find_invalid(const Values& table, std::string_view text) {
    const auto at = std::ranges::find_if(text, [&](char c) { return value(table, c) == no_digit; });
    return static_cast<std::size_t>(at - text.begin());
}

std::unexpected<std::string> invalid(const char* what, std::string_view text, std::size_t at) {
    return std::unexpected(std::string("invalid ") + what + " " + in_quotes(text.substr(at, 1)) +
                           " at character " + std::to_string(at + 1));
}

}  // namespace

const HexPairs& hex_pairs(HexCase letters) {
    return letters == HexCase::upper ? upper_pairs : lower_pairs;
}

bool is_hex(std::string_view text) {
    return find_invalid(hex, text) == text.size();
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) text.append(lower_pairs[byte].data(), 2);
    return text;
}

void write_base64(std::span<const std::uint8_t> bytes, char* to) {
    const auto* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 3; left -= 3, at += 3) {
        const std::uint32_t bits =
            std::uint32_t{at[0]} << 16 | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]};
        *to++ = base64_digits[bits >> 18];
        *to++ = base64_digits[bits >> 12 & 63];
        *to++ = base64_digits[bits >> 6 & 63];
        *to++ = base64_digits[bits & 63];
    }
    if (left == 0) return;
    const std::uint32_t bits = std::uint32_t{at[0]} << 16 | (left == 2 ? std::uint32_t{at[1]} << 8 : 0);
    *to++ = base64_digits[bits >> 18];
    *to++ = base64_digits[bits >> 12 & 63];
    *to++ = left == 2 ? base64_digits[bits >> 6 & 63] : '=';
    *to++ = '=';
}

std::string to_base64(std::span<const std::uint8_t> bytes) {
    // At once, so that no copy of a secret is left in freed memory.
    std::string text(base64_size(bytes.size()), '\0');
    write_base64(bytes, text.data());
    return text;
}

Result decode_hex(std::string_view text, std::string& out) {
    if (const std::size_t at = find_invalid(hex, text); at < text.size())
        return invalid("hex digit", text, at);
    if (text.size() % 2 != 0)
        return std::unexpected("it has " + std::to_string(text.size()) +
                               " hex digits: two are needed for each byte");
    const std::size_t size = text.size() / 2;
    out.resize_and_overwrite(size, [&](char* to, std::size_t /*g++ 12 may give the capacity here*/) {
        for (std::size_t i = 0; i < size; ++i)
            to[i] = static_cast<char>(value(hex, text[2 * i]) << 4 | value(hex, text[2 * i + 1]));
        return size;
    });
    return {};
}

Result decode_base64(std::string_view text, std::string& out) {
    std::string_view digits = text;
    for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
    if (const std::size_t at = find_invalid(base64, digits); at < digits.size())
        return invalid("base64 digit", text, at);
    if (text.size() % 4 != 0)
        return std::unexpected("it has " + std::to_string(text.size()) +
                               " characters: base64 has groups of four, padded with '='");
    // 6 bits a digit; those beyond the last whole byte must be zero, or the text was cut or mistyped.
    const std::size_t spare_bits = digits.size() * 6 % 8;
    if (spare_bits > 0 && (value(base64, digits.back()) & ((1U << spare_bits) - 1)) != 0) {
        return std::unexpected(in_quotes(digits.substr(digits.size() - 1)) + " at character " +
                               std::to_string(digits.size()) + " has bits that belong to no byte");
    }
    const std::size_t size = digits.size() * 6 / 8;
    out.resize_and_overwrite(size, [&](char* to, std::size_t /*g++ 12 may give the capacity here*/) {
        std::uint32_t bits = 0;
        unsigned held = 0;
        char* const end = to + size;
        char* next = to;
        for (const char c : digits) {
            bits = bits << 6 | value(base64, c);
            held += 6;
            if (held < 8 || next == end) continue;
            held -= 8;
            *next++ = static_cast<char>(bits >> held);
        }
        return size;
    });
    return {};
}

}  // namespace mqttc
