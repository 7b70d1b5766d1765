// SHA-1 (RFC 3174) for the WebSocket handshake, where it only proves that the server read the key.
// Not for anything that must resist an attacker. Here, so that a plain WebSocket needs no OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mqttc::net {

std::array<std::uint8_t, 20> sha1(std::string_view text);

}  // namespace mqttc::net
