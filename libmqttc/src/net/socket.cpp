// The stream on a plain socket, and helpers for a graceful close.
#include "socket.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/descriptor.hpp"
#include "base/text.hpp"

namespace mqttc::net {

namespace {

// A peer that sends without end must not block the loop.
constexpr std::size_t max_drained_at_once = 4 * 1024 * 1024;

std::unexpected<Error> lost(int number) {
    return std::unexpected(Error{ErrorCode::connection_lost, number, errno_text(number)});
}

std::size_t queued(int fd, unsigned long which) {
    int count = 0;
    if (::ioctl(fd, which, &count) != 0 || count < 0) return 0;
    return static_cast<std::size_t>(count);
}

class SocketStream final : public Stream {
  public:
    explicit SocketStream(int fd) : fd_(fd) {}

    std::expected<bool, Error> handshake() override { return true; }

    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override {
        if (into.empty()) return IoResult{};
        for (;;) {
            const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), 0);
            if (count > 0) return IoResult{IoState::ready, static_cast<std::size_t>(count)};
            if (count == 0) return IoResult{IoState::end, 0};
            if (errno == EAGAIN || errno == EWOULDBLOCK) return IoResult{IoState::would_block, 0};
            if (errno != EINTR) return lost(errno);
        }
    }

    std::expected<IoResult, Error> write(Bytes from) override {
        if (from.empty()) return IoResult{};
        for (;;) {
            const ssize_t count = ::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL);
            if (count >= 0) return IoResult{IoState::ready, static_cast<std::size_t>(count)};
            if (errno == EAGAIN || errno == EWOULDBLOCK) return IoResult{IoState::would_block, 0};
            // A file that is mapped into memory was truncated.
            if (errno == EFAULT)
                return std::unexpected(
                    Error{ErrorCode::io_error, EFAULT, "the file was truncated while it was sent"});
            if (errno != EINTR) return lost(errno);
        }
    }

    void shutdown() override { ::shutdown(fd_.get(), SHUT_WR); }
    int descriptor() const override { return fd_.get(); }

  private:
    Descriptor fd_;
};

}  // namespace

StreamPtr make_socket_stream(int fd) {
    return std::make_unique<SocketStream>(fd);
}

Drained drain(int fd, std::span<std::uint8_t> scratch) {
    Drained drained;
    while (drained.count < max_drained_at_once) {
        const ssize_t count = ::recv(fd, scratch.data(), scratch.size(), MSG_DONTWAIT);
        if (count > 0) {
            drained.count += static_cast<std::size_t>(count);
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        drained.ended = count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
        break;
    }
    return drained;
}

std::size_t readable_bytes(int fd) {
    return queued(fd, SIOCINQ);
}

std::size_t unacknowledged(int fd) {
    return queued(fd, SIOCOUTQ);
}

}  // namespace mqttc::net
