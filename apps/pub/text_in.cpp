// Hexadecimal and base64 back to bytes.
#include "text_in.hpp"

#include <array>
#include <cstdint>

#include "option_values.hpp"

namespace mqttc::pub {
namespace {

constexpr std::uint8_t no_digit = 0xff;
using Digits = std::array<std::uint8_t, 256>;

constexpr Digits digits_of(std::string_view digits) {
    Digits table{};
    table.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        table[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}

constexpr Digits hex_digits() {
    Digits table = digits_of("0123456789abcdef");
    for (std::uint8_t i = 0; i < 6; ++i) table[static_cast<std::size_t>('A') + i] = 10 + i;
    return table;
}

constexpr Digits hex = hex_digits();
constexpr Digits base64 = digits_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

using Result = std::expected<void, std::string>;

std::unexpected<std::string> wrong_digit(std::string_view text, std::size_t at, std::string_view what) {
    return std::unexpected(app::quoted(text.substr(at, 1))
                               .append(" at character ")
                               .append(std::to_string(at + 1))
                               .append(" is no digit of ")
                               .append(what));
}

std::uint8_t digit(const Digits& table, char c) {
    return table[static_cast<unsigned char>(c)];
}

// The position of the first character that is no digit.
std::size_t find_wrong(const Digits& table, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (digit(table, text[i]) == no_digit) return i;
    }
    return text.size();
}

Result decode_hex(std::string_view text, std::string& out) {
    if (const std::size_t at = find_wrong(hex, text); at < text.size())
        return wrong_digit(text, at, "hexadecimal");
    if (text.size() % 2 != 0) {
        return std::unexpected("it has " + std::to_string(text.size()) +
                               " hexadecimal digits: two are needed for each byte");
    }
    const std::size_t size = text.size() / 2;
    out.resize_and_overwrite(size, [&](char* to, std::size_t /*g++ 12 may give the capacity here*/) {
        for (std::size_t i = 0; i < size; ++i) {
            to[i] = static_cast<char>(digit(hex, text[2 * i]) << 4 | digit(hex, text[(2 * i) + 1]));
        }
        return size;
    });
    return {};
}

Result decode_base64(std::string_view text, std::string& out) {
    std::string_view digits = text;
    for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
    if (const std::size_t at = find_wrong(base64, digits); at < digits.size())
        return wrong_digit(text, at, "base64");
    if (text.size() % 4 != 0) {
        return std::unexpected("it has " + std::to_string(text.size()) +
                               " characters: base64 comes in groups of four, filled up with '='");
    }
    // 6 bits a digit; those beyond the last whole byte must be zero, or the text was cut or mistyped.
    const std::size_t spare_bits = digits.size() * 6 % 8;
    if (spare_bits > 0 && (digit(base64, digits.back()) & ((1U << spare_bits) - 1)) != 0) {
        return std::unexpected(app::quoted(digits.substr(digits.size() - 1)) + " at character " +
                               std::to_string(digits.size()) + " has bits that belong to no byte");
    }
    const std::size_t size = digits.size() * 6 / 8;
    out.resize_and_overwrite(size, [&](char* to, std::size_t /*g++ 12 may give the capacity here*/) {
        std::uint32_t bits = 0;
        unsigned held = 0;
        char* const end = to + size;
        char* next = to;
        for (const char c : digits) {
            bits = bits << 6 | digit(base64, c);
            held += 6;
            if (held < 8 || next == end) continue;
            held -= 8;
            *next++ = static_cast<char>(bits >> held);
        }
        return size;
    });
    return {};
}

}  // namespace

Result decode(app::Encoding encoding, std::string_view text, std::string& out) {
    switch (encoding) {
        case app::Encoding::raw:
            out.assign(text);
            return {};
        case app::Encoding::hex:
            return decode_hex(text, out);
        case app::Encoding::base64:
            return decode_base64(text, out);
    }
    return {};
}

}  // namespace mqttc::pub
