// A FIFO without a reader, as stderr of programs that must not wait for one.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

class FullFifo {
  public:
    FullFifo() {
        REQUIRE(mkfifo(path_.c_str(), 0600) == 0);
        fd_ = open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        REQUIRE(fd_ >= 0);
    }
    ~FullFifo() { close(fd_); }
    FullFifo(const FullFifo&) = delete;
    FullFifo& operator=(const FullFifo&) = delete;

    Command as_stderr_of(Command command) const {
        command.argv.insert(command.argv.begin(), {"/bin/sh", "-c", R"(exec "$@" 2>"$0")", path_});
        return command;
    }
    /// From now on writes to it block.
    void fill() const {
        while (write(fd_, "\n", 1) == 1) {
        }
        REQUIRE(errno == EAGAIN);
    }

  private:
    TempDir dir_;
    std::string path_ = dir_.file("stderr");
    int fd_ = -1;
};

}  // namespace mqttc::test
