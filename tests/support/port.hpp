// Loopback ports.
#pragma once

#include <chrono>
#include <cstdint>

namespace mqttc::test {

// A TCP port on 127.0.0.1 that was free a moment ago (bound to port 0 and closed again).
std::uint16_t free_port();

// Whether a server accepts connections on 127.0.0.1:port now.
bool accepts(std::uint16_t port);

}  // namespace mqttc::test
