// Reads the time of a recorded message.
#include "time_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/text.hpp"

namespace mqttc::pub {
namespace {

// Removes a prefix of the form `shape` from `text` ('0' matches any digit). False: there is none.
bool take(std::string_view& text, std::string_view shape) {
    const auto fits = [](char c, char of_shape) { return of_shape == '0' ? is_digit(c) : c == of_shape; };
    if (!std::ranges::equal(text.substr(0, shape.size()), shape, fits)) return false;
    text.remove_prefix(shape.size());
    return true;
}

int number(std::string_view digits) {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    using namespace std::chrono;
    const std::string_view whole = text;
    if (!take(text, "0000-00-00T00:00:00")) return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t size) { return number(whole.substr(at, size)); };
    const year_month_day date{year(part(0, 4)), month(static_cast<unsigned>(part(5, 2))),
                              day(static_cast<unsigned>(part(8, 2)))};
    const bool good_date = date.ok() && date.year() >= year(1678) && date.year() <= year(2261);
    if (!good_date || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60) return std::nullopt;
    seconds time = hours(part(11, 2)) + minutes(part(14, 2)) + seconds(part(17, 2));

    std::int64_t fraction = 0;
    if (take(text, ".")) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        if (digits == 0) return std::nullopt;
        std::int64_t place = 1'000'000'000;
        for (const char digit : text.substr(0, digits)) fraction += (digit - '0') * (place /= 10);
        text.remove_prefix(digits);
    }
    if (text != "Z") {
        const int sign = take(text, "+") ? 1 : take(text, "-") ? -1 : 0;
        const std::string_view zone = text;
        if (sign == 0 || !(take(text, "00:00") || take(text, "0000")) || !text.empty()) return std::nullopt;
        const int zone_hours = number(zone.substr(0, 2));
        const int zone_minutes = number(zone.substr(zone.size() - 2));
        if (zone_hours > 23 || zone_minutes > 59) return std::nullopt;
        time -= sign * (hours(zone_hours) + minutes(zone_minutes));
    }
    const seconds since = sys_days(date).time_since_epoch() + time;
    return nanoseconds(since).count() + fraction;
}

}  // namespace mqttc::pub
