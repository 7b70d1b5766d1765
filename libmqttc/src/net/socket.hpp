// Sockets below the streams: helpers for a graceful close.
#pragma once

#include <cstddef>
#include <span>

#include "stream.hpp"

namespace mqttc::net {

/// What drain() discarded.
struct Drained {
    std::size_t count = 0;
    bool ended = false;  ///< the peer has finished, or the connection is lost
};

/// Reads what has arrived on a non-blocking socket and discards it, `scratch` at a time, at most 4 MiB.
Drained drain(int fd, std::span<std::uint8_t> scratch);

/// Bytes that have arrived and can be read.
std::size_t readable_bytes(int fd);

/// Bytes given to the socket that the peer's kernel has not acknowledged (unix sockets: that it has not
/// read).
std::size_t unacknowledged(int fd);

}  // namespace mqttc::net
