// Writes to a descriptor, and waits for a slow reader until a signal or a deadline.
#include "fd_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "base/signals.hpp"

namespace mqttc::app {
namespace {

// A blocking pipe that poll() calls writable takes this much without blocking (PIPE_BUF of Linux).
constexpr std::size_t safe_write_size = 4096;

}  // namespace

FdWriter::FdWriter(int fd) : given_(fd), fd_(fd) {
    struct stat status{};
    if (fstat(fd, &status) != 0) {
        state_ = State::failed;
        error_ = errno;
        return;
    }
    terminal_ = isatty(fd) != 0;
    if (S_ISSOCK(status.st_mode)) {
        kind_ = Kind::socket;
        blocking_ = false;
    } else if (S_ISFIFO(status.st_mode) || terminal_) {
        kind_ = Kind::pipe;
        const int again = open(("/proc/self/fd/" + std::to_string(fd)).c_str(),
                               O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (again >= 0) {
            fd_ = again;
            blocking_ = false;
        }
    }
}

FdWriter::~FdWriter() {
    if (fd_ != given_) close(fd_);
    if (signal_fd_ >= 0) close(signal_fd_);
}

long FdWriter::write_some(std::string_view first, std::string_view second) const {
    if (blocking_ && kind_ == Kind::pipe) {
        pollfd polled{fd_, POLLOUT, 0};
        if (poll(&polled, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
        const std::string_view part = first.empty() ? second : first;
        return ::write(fd_, part.data(), std::min(part.size(), safe_write_size));
    }
    std::array<iovec, 2> parts{
        {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}}};
    if (kind_ != Kind::socket) return writev(fd_, parts.data(), parts.size());
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

std::size_t FdWriter::write(std::string_view first, std::string_view second, Wait wait) {
    std::size_t done = 0;
    if (state_ == State::failed || state_ == State::reader_closed) return done;
    while (!first.empty() || !second.empty()) {
        const long written = write_some(first, second);
        if (written < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) {
                if (wait == Wait::no || !wait_writable()) return done;
                continue;
            }
            const bool closed = errno == EPIPE || (kind_ == Kind::socket && errno == ECONNRESET);
            state_ = closed ? State::reader_closed : State::failed;
            error_ = errno;
            return done;
        }
        const auto n = static_cast<std::size_t>(written);
        const std::size_t of_first = std::min(n, first.size());
        first.remove_prefix(of_first);
        second.remove_prefix(n - of_first);
        done += n;
    }
    return done;
}

// False: the wait was given up. The next write reports errors of the descriptor.
bool FdWriter::wait_writable() {
    if (state_ != State::open) return false;
    if (signal_fd_ < 0) {
        // The loop blocks these and reads them between turns: here they are only polled.
        const sigset_t set = signal_set({SIGINT, SIGTERM});
        signal_fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    }
    std::array<pollfd, 2> polled{{{fd_, POLLOUT, 0}, {signal_fd_, POLLIN, 0}}};
    for (;;) {
        int timeout = -1;
        if (deadline_) {
            const auto left = *deadline_ - std::chrono::steady_clock::now();
            const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
            timeout = static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, INT32_MAX));
        }
        const int ready = poll(polled.data(), polled.size(), timeout);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0 || (polled[1].revents & POLLIN) != 0) {
            state_ = State::interrupted;
            return false;
        }
        if (polled[0].revents != 0) return true;
    }
}

bool FdWriter::reader_closed() {
    pollfd polled{fd_, 0, 0};
    if (state_ == State::open && poll(&polled, 1, 0) > 0 && (polled.revents & (POLLERR | POLLHUP)) != 0) {
        state_ = State::reader_closed;
    }
    return state_ == State::reader_closed;
}

}  // namespace mqttc::app
