// Tests and conversions of ASCII text, independent of the locale.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

namespace mqttc {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// C0 and DEL.
constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

/// `text` with its ASCII letters in lower case.
inline std::string to_lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

/// What precedes the first `separator`, or all of `rest`, which loses it and the separator.
constexpr std::string_view take_until(std::string_view& rest, char separator) {
    const std::string_view part = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

/// What some programs, most of them for Windows, put before UTF-8 text.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view without_byte_order_mark(std::string_view text) {
    return text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text;
}

/// `text` without spaces, tabs and carriage returns at both ends; a view into it.
constexpr std::string_view trim_spaces(std::string_view text) {
    constexpr std::string_view spaces = " \t\r";
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return text.substr(text.size());
    return text.substr(first, text.find_last_not_of(spaces) + 1 - first);
}

/// The system's text for an errno, for use within a sentence: "connection refused", "I/O error".
std::string errno_text(int number);

/// "1.5 s", rounded up to milliseconds.
std::string seconds_text(std::chrono::nanoseconds duration);

}  // namespace mqttc
