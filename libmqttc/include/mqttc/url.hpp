// Broker URLs: mqtt://, mqtts://, ws://, wss:// [user[:password]@]host[:port][/topic] and proxy URLs (RFC 3986).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// The parts of a broker URL.
struct Url {
    bool tls = false;                     ///< mqtts, wss
    bool websocket = false;               ///< ws, wss
    std::string host;                     ///< without the brackets of an IPv6 address
    std::uint16_t port = 0;               ///< 0 = none
    std::optional<std::string> username;  ///< percent-decoded; none without '@'
    std::optional<Secret> password;       ///< percent-decoded; none without ':' before '@'
    std::optional<std::string> topic;     ///< what follows the first '/', not decoded; none if empty
};

/// Parses a broker URL. Error: usage, with a context that says what is wrong and never shows the password.
[[nodiscard]] MQTTC_API std::expected<Url, Error> parse_url(std::string_view text);

/// Parses socks5h://[user[:password]@]host[:port] or http://… Error as of parse_url.
[[nodiscard]] MQTTC_API std::expected<Proxy, Error> parse_proxy_url(std::string_view text);

}  // namespace mqttc
