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

struct Url {
    bool tls = false;
    bool websocket = false;
    std::string host;        ///< without the brackets of an IPv6 address
    std::uint16_t port = 0;  ///< 0 = not given
    std::optional<std::string> username;
    std::optional<Secret> password;
    std::optional<std::string> topic;  ///< what stands behind the first '/', percent-decoded; none when empty
};

/// Error: usage, with a context that says what is wrong and never shows the password.
MQTTC_API std::expected<Url, Error> parse_url(std::string_view text);

/// socks5h://[user[:password]@]host[:port] or http://…
MQTTC_API std::expected<Proxy, Error> parse_proxy_url(std::string_view text);

}  // namespace mqttc
