// Sockets below the streams: what a goodbye needs to know about one, and the words for its errors.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "stream.hpp"

namespace mqttc::net {

/// A file descriptor that is closed with its owner; -1 = none.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = other.release();
        }
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset();

  private:
    int fd_ = -1;
};

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

/// strerror without its capital first letter: "connection refused".
std::string describe_errno(int number);

}  // namespace mqttc::net
