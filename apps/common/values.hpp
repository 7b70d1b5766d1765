// Converts the text of an option's value; says what is wrong with it, not where it stands.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mqttc/types.hpp"

#include "tokenize.hpp"

namespace mqttc::app {

/// "'abc' is not a whole number from 0 to 65535"
std::expected<std::uint64_t, std::string> to_number(std::string_view text, std::uint64_t min,
                                                    std::uint64_t max);
/// The whole text as a number, if only these characters are in it. Not what std::from_chars does: for double
/// that draws in libm, and every start of a program would pay for it. No program sets a locale, so the
/// decimal separator is a point.
std::optional<double> read_double(std::string_view text, std::string_view characters);
/// A decimal fraction without exponent or sign.
std::expected<double, std::string> to_decimal(std::string_view text, double min, double max);
/// Seconds, may be fractional.
std::expected<std::chrono::nanoseconds, std::string> to_seconds(std::string_view text,
                                                                double min_seconds = 0);

/// Longest time an option takes: 68 years, as many seconds as a signed 32-bit number holds.
inline constexpr double max_seconds = 2'147'483'647;

/// The position of the option's value among the choices of its row.
std::expected<std::size_t, std::string> to_choice(const Occurrence& option);
std::expected<Qos, std::string> to_qos(const Occurrence& option);
std::expected<std::string, std::string> to_utf8(std::string_view text);
/// The longest text and binary data of MQTT (section 1.5).
inline constexpr std::size_t max_text_bytes = 65'535;
/// Whether `text` is no longer than that; `what` names it: "the client id has at most 65535 bytes".
std::expected<void, std::string> fits(std::string_view text, std::string_view what,
                                      std::size_t most = max_text_bytes);
/// Anything but an empty text.
std::expected<std::string, std::string> to_path(std::string_view text);
/// A name or address, of an IPv6 address in brackets what is in them.
std::expected<std::string, std::string> to_host(std::string_view text);
/// A topic name or filter as MQTT wants it.
std::expected<std::string, std::string> to_topic(std::string_view text);
std::expected<std::string, std::string> to_filter(std::string_view text);
/// Seconds, or UINT32_MAX for "-1" and the sign for infinity.
std::expected<std::uint32_t, std::string> to_expiry(std::string_view text);
/// 0 or 5 to 65535.
std::expected<std::uint16_t, std::string> to_keep_alive(std::string_view text);
/// A number of tries; UINT32_MAX is "forever".
std::expected<std::uint32_t, std::string> to_tries(std::string_view text);
bool is_hex(std::string_view text);
/// `text` made visible, in single quotes.
std::string quoted(std::string_view text);

/// Stores a converted value, or passes the error on.
template <typename To, typename From>
std::expected<void, std::string> store(To& to, std::expected<From, std::string> from) {
    if (!from) return std::unexpected(std::move(from.error()));
    if constexpr (std::is_arithmetic_v<To>) {
        to = static_cast<To>(*from);
    } else {
        to = std::move(*from);
    }
    return {};
}

/// The name of a header line: what stands before the first colon or blank, or nothing when there is neither.
/// All else may be a secret, also in a line that is wrong.
std::string_view header_name(std::string_view line);

}  // namespace mqttc::app
