// Bytes as text: hexadecimal and base64 (RFC 4648 section 4), both ways.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace mqttc {

enum class HexCase : bool { lower, upper };
/// The two digits of each byte.
using HexPairs = std::array<std::array<char, 2>, 256>;
const HexPairs& hex_pairs(HexCase letters);

/// The value of a hex digit; -1 for any other character.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
/// True iff `text` has only hex digits, any number of them.
bool is_hex(std::string_view text);

/// In lower case.
std::string to_hex(std::span<const std::uint8_t> bytes);

/// The characters that base64 needs, padding included.
constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}
/// Writes base64_size(bytes.size()) characters.
void write_base64(std::span<const std::uint8_t> bytes, char* to);
std::string to_base64(std::span<const std::uint8_t> bytes);

/// Replaces `out`. Errors: what is wrong in `text`, as the end of a message ("invalid hex digit 'x' at character 2").
std::expected<void, std::string> decode_hex(std::string_view text, std::string& out);
/// As decode_hex; padding is required.
std::expected<void, std::string> decode_base64(std::string_view text, std::string& out);

}  // namespace mqttc
