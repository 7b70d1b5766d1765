// Converts the text of an option's value. An error describes what is wrong with the value, not where
// it was given.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mqttc::app {

/// "'abc' is not a whole number from 0 to 65535"
std::expected<std::uint64_t, std::string> to_number(std::string_view text, std::uint64_t min,
                                                    std::uint64_t max);
/// The whole text as a number, if it consists of these characters only. Not std::from_chars: for double that pulls in
/// libm, which would slow down every start. No program sets a locale, so the decimal separator is a point.
std::optional<double> read_double(std::string_view text, std::string_view characters);
/// A decimal fraction without exponent or sign.
std::expected<double, std::string> to_decimal(std::string_view text, double min, double max);
/// Seconds, may be fractional.
std::expected<std::chrono::nanoseconds, std::string> to_seconds(std::string_view text, double shortest);

/// Shortest and longest time an option takes; the longest is 68 years, as many seconds as a signed 32-bit number holds.
inline constexpr double min_seconds = 0.001;
inline constexpr double max_seconds = 2'147'483'647;

/// The position of `text` among `choices`, which are separated by spaces.
std::expected<std::size_t, std::string> to_choice(std::string_view text, std::string_view choices);
/// The longest string and binary data of MQTT (section 1.5).
inline constexpr std::size_t max_string_bytes = 65'535;
/// Whether `text` is no longer than `most`; `what` names it: "the client identifier has at most 65535 bytes".
std::expected<void, std::string> check_max_length(std::string_view text, std::string_view what,
                                                  std::size_t most = max_string_bytes);
/// Whether a host with a colon is an IPv6 address that can be connected to.
std::expected<void, std::string> check_address(std::string_view host);
/// A name or address; brackets around an IPv6 address are removed.
std::expected<std::string, std::string> to_host(std::string_view text);
/// The name in a header line: what is before the first colon or space, or nothing when there is neither. Everything
/// else may be a secret, also in a malformed line.
std::string_view header_name(std::string_view line);

/// Stores a converted value, or passes the error on.
template <typename To, typename From>
std::expected<void, std::string> assign(To& to, std::expected<From, std::string> from) {
    if (!from) return std::unexpected(std::move(from.error()));
    if constexpr (std::is_arithmetic_v<To>) {
        to = static_cast<To>(*from);
    } else if constexpr (requires { to.has_value() && std::is_arithmetic_v<typename To::value_type>; }) {
        to = static_cast<typename To::value_type>(*from);
    } else {
        to = std::move(*from);
    }
    return {};
}

}  // namespace mqttc::app
