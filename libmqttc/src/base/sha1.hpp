// SHA-1 (RFC 3174), here so that neither a plain WebSocket nor --save needs OpenSSL.
//
// For the WebSocket handshake, and for file names: a text with the hash of a given one cannot be found. Two texts with
// one hash can be made, so it is not for signatures.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mqttc {

std::array<std::uint8_t, 20> sha1(std::string_view text);

}  // namespace mqttc
