// Converts the text of an option's value.
#include "option_values.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::app {
namespace {

std::string plain(double number) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.10g", number);
    return buffer;
}

}  // namespace

std::expected<std::uint64_t, std::string> to_number(std::string_view text, std::uint64_t min,
                                                    std::uint64_t max) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= min && number <= max)
        return number;
    std::string message = in_quotes(text).append(" is not a whole number ");
    if (max == UINT64_MAX) {
        message.append("of at least ").append(std::to_string(min));
    } else {
        message.append("from ").append(std::to_string(min)).append(" to ").append(std::to_string(max));
    }
    return std::unexpected(std::move(message));
}

std::optional<double> read_double(std::string_view text, std::string_view characters) {
    if (text.empty() || text.find_first_not_of(characters) != std::string_view::npos) return std::nullopt;
    const std::string copy(text);
    char* end = nullptr;
    const double number = std::strtod(copy.c_str(), &end);
    return end == copy.c_str() + copy.size() ? std::optional(number) : std::nullopt;
}

std::expected<double, std::string> to_decimal(std::string_view text, double min, double max) {
    const auto number = read_double(text, "0123456789.");
    if (number && *number >= min && *number <= max) return *number;
    return std::unexpected(in_quotes(text) + " is not a number from " + plain(min) + " to " + plain(max));
}

std::expected<std::chrono::nanoseconds, std::string> to_seconds(std::string_view text, double shortest) {
    const auto seconds = to_decimal(text, shortest, max_seconds);
    if (!seconds)
        return std::unexpected(in_quotes(text) + " is not a number of seconds from " + plain(shortest) +
                               " to " + plain(max_seconds));
    return std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(*seconds));
}

std::expected<std::size_t, std::string> to_choice(std::string_view text, std::string_view choices) {
    // Accepted for the choice next to it, but not documented.
    constexpr std::pair<std::string_view, std::string_view> aliases[] = {
        {"3.1", "31"}, {"3.1.1", "311"}, {"5.0", "5"}, {"1.2", "tlsv1.2"}, {"1.3", "tlsv1.3"}};
    std::string_view value = text;
    for (const auto& [alias, choice] : aliases) {
        if (value == alias) value = choice;
    }
    std::string_view rest = choices;
    for (std::size_t i = 0; !rest.empty(); ++i) {
        if (value == take_until(rest, ' ')) return i;
    }
    std::string message =
        in_quotes(text).append(choices.find(' ') == choices.npos ? " is not " : " is not one of ");
    for (const char c : choices) {
        if (c == ' ') message += ',';
        message += c;
    }
    return std::unexpected(std::move(message));
}

std::expected<void, std::string> check_max_length(std::string_view text, std::string_view what,
                                                  std::size_t most) {
    if (text.size() <= most) return {};
    return std::unexpected(
        std::string(what).append(" has at most ").append(std::to_string(most)).append(" bytes"));
}

std::expected<std::string, std::string> to_host(std::string_view text) {
    // Not repeated in the message: it may contain a password.
    if (text.find("://") != text.npos) return std::unexpected(std::string("for a URL use -L"));
    if (text.find_first_of("@/") != text.npos)
        return std::unexpected(std::string("a host name has no '@' and no '/' (for a URL use -L)"));
    if (std::ranges::any_of(text, [](char c) { return c == ' ' || is_control(c); }))
        return std::unexpected(in_quotes(text) + " has a space or a control character: not a host name");
    const bool bracketed = text.starts_with('[');
    if (bracketed && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    const std::size_t colon = text.rfind(':');
    const bool one_colon = colon != text.npos && text.find(':') == colon;  // more: an IPv6 address
    const bool after_bracket = bracketed && colon != text.npos && colon > 0 && text[colon - 1] == ']';
    const bool digits = colon != text.npos && colon + 1 < text.size() &&
                        text.find_first_not_of("0123456789", colon + 1) == text.npos;
    if (digits && (one_colon || after_bracket)) return std::unexpected(std::string("for the port use -p"));
    if (text.empty()) return std::unexpected(std::string("the host name is empty"));
    if (auto good = check_address(text); !good) return std::unexpected(std::move(good.error()));
    return std::string(text);
}

std::expected<void, std::string> check_address(std::string_view host) {
    if (host.find(':') == host.npos || host.find('%') != host.npos) return {};
    in6_addr address{};
    if (::inet_pton(AF_INET6, std::string(host).c_str(), &address) != 1)
        return std::unexpected(in_quotes(host).append(" is not an IPv6 address (for the port use -p)"));
    if (IN6_IS_ADDR_LINKLOCAL(&address))
        return std::unexpected(std::string("a link-local address needs its interface: ")
                                   .append(escape_controls(host))
                                   .append("%eth0"));
    return {};
}

std::string_view header_name(std::string_view line) {
    const std::size_t end = line.find_first_of(": \t");
    return end == line.npos ? std::string_view() : line.substr(0, end);
}

}  // namespace mqttc::app
