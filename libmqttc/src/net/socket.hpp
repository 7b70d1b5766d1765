// Sockets below the streams: what a goodbye needs to know about one, and the words for its errors.
#pragma once

#include <cstddef>
#include <span>

#include "stream.hpp"

namespace mqttc::net {

/// What drain() threw away.
struct Drained {
    std::size_t count = 0;
    bool ended = false;  ///< the other side has finished, or the connection is gone
};

/// Reads what has arrived on a non-blocking socket and throws it away, `scratch` at a time, at most some
/// megabytes.
Drained drain(int fd, std::span<std::uint8_t> scratch);

/// Bytes that have arrived and can be read.
std::size_t readable_bytes(int fd);

/// Bytes given to the socket that the other side's kernel has not acknowledged (unix sockets: that it has not
/// read).
std::size_t unacknowledged(int fd);

}  // namespace mqttc::net
