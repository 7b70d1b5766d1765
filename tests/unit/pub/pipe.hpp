// A pipe that a test writes to.
#pragma once

#include <fcntl.h>
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

}  // namespace mqttc::test
