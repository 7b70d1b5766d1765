// Floating-point numbers as JSON.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

namespace mqttc::payload {

/// A finite `value` with the fewest digits that give the same double, and a point or an exponent; as the libraries of
/// Python and JavaScript print it.
inline std::string_view double_text(double value, std::span<char, 32> space) {
    const double size = std::abs(value);
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
