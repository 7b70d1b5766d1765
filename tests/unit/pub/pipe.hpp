// A pipe that a test writes to, and a stream that breaks off.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace mqttc::test {

class Pipe {
  public:
    Pipe() {
        if (::pipe2(ends_, O_CLOEXEC) != 0) std::abort();
    }
    ~Pipe() {
        ::close(ends_[0]);
        end();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    /// At most the capacity of a pipe.
    void write(std::string_view bytes) const {
        if (::write(ends_[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
    }
    void end() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

  private:
    int ends_[2] = {-1, -1};
};

/// Has these bytes, and then the error ECONNRESET.
class BrokenStream {
  public:
    explicit BrokenStream(std::string_view bytes) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
        reader_ = ends[0];
        // A byte that the peer has not read makes its close() a reset.
        if (::write(ends[0], "x", 1) != 1) std::abort();
        if (::write(ends[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
        ::close(ends[1]);
    }
    ~BrokenStream() { ::close(reader_); }
    BrokenStream(const BrokenStream&) = delete;
    BrokenStream& operator=(const BrokenStream&) = delete;

    int reader() const { return reader_; }

  private:
    int reader_ = -1;
};

}  // namespace mqttc::test
