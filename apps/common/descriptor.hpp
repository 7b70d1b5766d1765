// File descriptors: one that is closed when its owner goes, and the three that every program must have.
#pragma once

#include <unistd.h>

#include <utility>

namespace mqttc::app {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { static_cast<void>(close()); }

    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// False: errno says why; for a file that may be data that could not be written.
    [[nodiscard]] bool close() {
        const int fd = std::exchange(fd_, -1);
        return fd < 0 || ::close(fd) == 0;
    }

  private:
    int fd_ = -1;
};

/// A program started without stdin, stdout or stderr must not get a socket or a file of its own in their
/// place: whatever is missing is opened the wrong way round, so that using it fails. Call it before anything
/// else is opened.
void fill_standard_descriptors();

}  // namespace mqttc::app
