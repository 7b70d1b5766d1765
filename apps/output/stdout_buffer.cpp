// The program's stdout.
#include "stdout_buffer.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

namespace mqttc::output {

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
    if (size() + n > full) flush();
    grow(n);
}

void StdoutBuffer::append_large(std::string_view bytes) {
    const std::size_t waiting = size();
    const std::size_t written = write(view(), bytes, Wait::no);
    if (state() != State::open) return clear();
    drop_front(std::min(written, waiting));
    if (written >= waiting) bytes.remove_prefix(written - waiting);
    if (!bytes.empty()) TextBuffer::append_large(bytes);
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

}  // namespace mqttc::output
