// Floating-point numbers as JSON.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mqttc::payload {

/// A finite `value` with the fewest digits that give the same double, and a point or an exponent; as the libraries of
/// Python and JavaScript print it.
inline std::string_view double_text(double value, std::span<char, 32> space) {
    const double size = std::abs(value);
    // Most measured values have few decimals. Their digits, below 10^15, are the only ones so short: no search is needed.
    const double thousandths = std::nearbyint(size * 1000);
    if (size > 0 && size < 1e12 && thousandths / 1000 == size) {
        const auto digits = static_cast<std::uint64_t>(thousandths);
        char* end = space.data();
        if (value < 0) *end++ = '-';
        end = std::to_chars(end, end + 20, digits / 1000).ptr;
        *end++ = '.';
        const std::uint64_t decimals = digits % 1000;
        *end++ = static_cast<char>('0' + decimals / 100);
        if (decimals % 100 > 0) *end++ = static_cast<char>('0' + decimals / 10 % 10);
        if (decimals % 10 > 0) *end++ = static_cast<char>('0' + decimals % 10);
        return {space.data(), static_cast<std::size_t>(end - space.data())};
    }
    const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
    char* end = std::to_chars(space.data(), space.data() + space.size(), value,
                              fixed ? std::chars_format::fixed : std::chars_format::scientific)
                    .ptr;
    const std::string_view digits(space.data(), static_cast<std::size_t>(end - space.data()));
    if (digits.find_first_of(".e") == digits.npos) {
        *end++ = '.';
        *end++ = '0';
    }
    return {space.data(), static_cast<std::size_t>(end - space.data())};
}

}  // namespace mqttc::payload
