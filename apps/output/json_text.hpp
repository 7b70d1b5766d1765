// The characters of JSON strings, eight bytes at a time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/utf8.hpp"

namespace mqttc::output {

/// The bytes that a JSON string contains as they are, and that every terminal shows: ASCII without control characters,
/// DEL, '"' and '\'.
inline constexpr auto plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
    return plain;
}();

/// The top bit of each byte that is not plain.
inline std::uint64_t not_plain(std::uint64_t word) {
    constexpr std::uint64_t top_bits = 0x80 * each_byte;
    // As in printable_ascii().
    const std::uint64_t low = word & ~top_bits;
    const std::uint64_t plain = printable_ascii(word) & ((low ^ '"' * each_byte) + 0x7f * each_byte) &
                                ((low ^ '\\' * each_byte) + 0x7f * each_byte);
    return ~plain & top_bits;
}

/// The first byte from `at` on that is not plain; `end` if there is none.
inline const char* plain_end(const char* at, const char* end) {
    constexpr std::ptrdiff_t step = sizeof(std::uint64_t);
    const auto first = [](std::uint64_t others) {
        const bool little = std::endian::native == std::endian::little;
        return (little ? std::countr_zero(others) : std::countl_zero(others)) / 8;
    };
    if (end - at >= step) {
        for (; end - at >= step; at += step) {
            if (const std::uint64_t others = not_plain(load8(at)); others != 0) return at + first(others);
        }
        // The rest, with some seen before.
        const std::uint64_t others = not_plain(load8(end - step));
        return others == 0 ? end : end - step + first(others);
    }
    while (at != end && plain_bytes[static_cast<unsigned char>(*at)]) ++at;
    return at;
}

}  // namespace mqttc::output
