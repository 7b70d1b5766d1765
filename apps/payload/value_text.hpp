// Floating-point numbers as JSON, and times.
#pragma once

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
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

/// "2026-01-31T23:59:59.123Z", with more digits where they are needed. Empty: the year doesn't have four digits, or
/// `nanoseconds` is a second or more.
inline std::string_view utc_text(std::int64_t seconds, std::uint64_t nanoseconds, std::span<char, 40> space) {
    constexpr std::int64_t year_zero = -62'167'219'200;
    constexpr std::int64_t year_10000 = 253'402'300'800;
    if (seconds < year_zero || seconds >= year_10000 || nanoseconds >= 1'000'000'000) return {};
    using namespace std::chrono;
    const sys_seconds when{std::chrono::seconds(seconds)};
    const auto day = floor<days>(when);
    const year_month_day date(day);
    const hh_mm_ss time(when - day);
    int digits = 9;
    std::uint64_t fraction = nanoseconds;
    while (digits > 3 && fraction % 1000 == 0) {
        fraction /= 1000;
        digits -= 3;
    }
    const int length = std::snprintf(
        space.data(), space.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%0*lluZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), digits, static_cast<unsigned long long>(fraction));
    return {space.data(), static_cast<std::size_t>(length)};
}

}  // namespace mqttc::payload
