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

/// A broker URL taken apart.
struct Url {
    bool tls = false;                     ///< mqtts, wss
    bool websocket = false;               ///< ws, wss
    std::string host;                     ///< without the brackets of an IPv6 address
    std::uint16_t port = 0;               ///< 0 = not given
    std::optional<std::string> username;  ///< percent-decoded; none when there is no '@'
    std::optional<Secret> password;       ///< percent-decoded; none when there is no ':' in front of '@'
    std::optional<std::string> topic;     ///< what stands behind the first '/', as it is; none when empty
};

/// Takes a broker URL apart. Error: usage, with a context that says what is wrong and never shows the password.
[[nodiscard]] MQTTC_API std::expected<Url, Error> parse_url(std::string_view text);

/// Takes socks5h://[user[:password]@]host[:port] or http://… apart. Error as of parse_url.
[[nodiscard]] MQTTC_API std::expected<Proxy, Error> parse_proxy_url(std::string_view text);

}  // namespace mqttc
