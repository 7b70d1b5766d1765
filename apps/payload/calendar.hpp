// Times as text of RFC 3339 in UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>

namespace mqttc::payload {

/// "2026-01-31T23:59:59.123Z", with more digits where they are needed. Empty: the year has not four digits, or
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
