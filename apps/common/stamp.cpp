// Writes and reads the stamp before a payload.
#include "stamp.hpp"

#include <algorithm>
#include <charconv>

namespace mqttc::app {
namespace {

constexpr std::string_view mark = "stamp1 ";
constexpr std::size_t run_at = mark.size();
constexpr std::size_t run_width = 8;
constexpr std::size_t number_at = run_at + run_width + 1;
constexpr std::size_t number_width = 12;
constexpr std::size_t seconds_at = number_at + number_width + 1;
constexpr std::size_t seconds_width = 10;
constexpr std::size_t fraction_at = seconds_at + seconds_width + 1;
constexpr std::size_t fraction_width = 9;
static_assert(fraction_at + fraction_width + 1 == stamp_size);

constexpr std::int64_t second = 1'000'000'000;

template <std::size_t width>
void put(char* to, std::uint64_t value, unsigned base) {
    for (std::size_t at = width; at > 0; --at, value /= base) to[at - 1] = "0123456789abcdef"[value % base];
}

// from_chars alone would take a sign or fewer digits.
bool take(std::string_view text, std::size_t at, std::size_t width, int base, std::uint64_t& value) {
    const std::string_view digits = text.substr(at, width);
    const std::string_view allowed =
        std::string_view("0123456789abcdef").substr(0, static_cast<unsigned>(base));
    if (digits.find_first_not_of(allowed) != digits.npos) return false;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return true;
}

}  // namespace

std::array<char, stamp_size> encode_stamp(const PayloadStamp& stamp) {
    std::array<char, stamp_size> text{};
    text.fill(' ');
    std::ranges::copy(mark, text.begin());
    const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(stamp.nanoseconds, 0));
    put<run_width>(text.data() + run_at, stamp.run, 16);
    put<number_width>(text.data() + number_at, stamp.number, 10);
    put<seconds_width>(text.data() + seconds_at, time / second, 10);
    text[fraction_at - 1] = '.';
    put<fraction_width>(text.data() + fraction_at, time % second, 10);
    return text;
}

std::optional<PayloadStamp> parse_stamp(std::string_view payload) {
    if (payload.size() < stamp_size || !payload.starts_with(mark)) return std::nullopt;
    const bool separated = payload[number_at - 1] == ' ' && payload[seconds_at - 1] == ' ' &&
                           payload[fraction_at - 1] == '.' && payload[stamp_size - 1] == ' ';
    if (!separated) return std::nullopt;
    std::uint64_t run = 0;
    std::uint64_t seconds = 0;
    std::uint64_t fraction = 0;
    PayloadStamp stamp;
    if (!take(payload, run_at, run_width, 16, run) ||
        !take(payload, number_at, number_width, 10, stamp.number) ||
        !take(payload, seconds_at, seconds_width, 10, seconds) ||
        !take(payload, fraction_at, fraction_width, 10, fraction)) {
        return std::nullopt;
    }
    if (seconds >= static_cast<std::uint64_t>(INT64_MAX / second)) return std::nullopt;
    stamp.run = static_cast<std::uint32_t>(run);
    stamp.nanoseconds = static_cast<std::int64_t>((seconds * second) + fraction);
    return stamp;
}

}  // namespace mqttc::app
