// Sockets below the streams: helpers for a graceful close.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

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

/// Acknowledges what was received at once, where the kernel would wait up to 40 ms for data to send along. A server that
/// leaves Nagle's algorithm on holds its next small packet until then. False: not a TCP socket.
inline bool acknowledge_now(int fd) {
    const int on = 1;
    return ::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on) == 0;
}

}  // namespace mqttc::net
