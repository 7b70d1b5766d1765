// SHA-1 (RFC 3174) without OpenSSL, for the WebSocket handshake and for file names.
//
// No text can be found that has a given hash, but two texts with the same hash can be made: not for signatures.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mqttc {

std::array<std::uint8_t, 20> sha1(std::string_view text);

}  // namespace mqttc
