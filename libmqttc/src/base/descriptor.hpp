// File descriptors: one that is closed with its owner, and the three that every program must have.
#pragma once

#include <unistd.h>

#include <utility>

namespace mqttc {

/// Owns a file descriptor; -1 = none.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        Descriptor taken(std::move(other));
        std::swap(fd_, taken.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { static_cast<void>(close()); }

    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    /// Gives it up without closing it.
    int release() { return std::exchange(fd_, -1); }
    /// False: errno says why; for a file, data may not have been written.
    [[nodiscard]] bool close() {
        const int fd = release();
        return fd < 0 || ::close(fd) == 0;
    }

  private:
    int fd_ = -1;
};

/// Opens those of stdin, stdout and stderr that are closed, stdin for writing and the others for reading, so that using them
/// fails: otherwise a socket or file of the program would take their numbers. Call it before anything else is opened.
void fill_standard_descriptors();

}  // namespace mqttc
