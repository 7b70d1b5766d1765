// The program's stdout: collects the output of a turn and writes it at once; large payloads are not copied.
#include "stdout_buffer.hpp"

#include <sys/epoll.h>
#include <unistd.h>

namespace mqttc::sub {

StdoutBuffer::~StdoutBuffer() {
    if (epoll_fd_ >= 0) close(epoll_fd_);
}

bool StdoutBuffer::flush() {
    if (empty()) return true;
    drop_front(write(view(), {}, Wait::no));
    if (state() != State::open) clear();
    return empty() && state() == State::open;
}

bool StdoutBuffer::flush_waiting() {
    if (!empty()) write(view(), {}, Wait::yes);
    clear();
    return state() == State::open;
}

void StdoutBuffer::make_room(std::size_t n) {
    if (size() + n <= full) return grow(n);
    flush_waiting();
    if (capacity() < n) grow(n);
}

void StdoutBuffer::append_large(std::string_view bytes) {
    write(view(), bytes, Wait::yes);
    clear();
}

int StdoutBuffer::room_descriptor() {
    if (epoll_fd_ >= 0) return epoll_fd_;
    epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLOUT;
    if (epoll_fd_ >= 0 && epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, descriptor(), &event) != 0) {
        close(epoll_fd_);
        epoll_fd_ = -1;
    }
    return epoll_fd_;
}

}  // namespace mqttc::sub
