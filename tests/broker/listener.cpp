// Implementation of listener.hpp.
#include "listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace mqttc::broker {
namespace {

constexpr int backlog = 512;
// How long nothing is accepted when there are no descriptors.
constexpr Duration resume_delay = std::chrono::milliseconds(100);

template <typename Address>
sockaddr* any(Address& address) {
    return reinterpret_cast<sockaddr*>(&address);
}

std::string endpoint(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.ss_family == AF_INET6) {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(six.sin6_port));
    }
    if (address.ss_family != AF_INET) return "unix socket";
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(four.sin_port));
}

}  // namespace

Listener::Listener(net::Loop& loop, ListenerOptions options, Accepted accepted)
    : loop_(loop), options_(std::move(options)), accepted_(std::move(accepted)) {}

Listener::~Listener() {
    close();
}

std::string Listener::name() const {
    if (!options_.unix_path.empty()) return options_.unix_path;
    const bool six = options_.address.find(':') != std::string::npos;
    return (six ? "[" + options_.address + "]" : options_.address) + ":" + std::to_string(options_.port);
}

std::unexpected<Error> Listener::failed(const char* what) const {
    const int cause = errno;
    return std::unexpected(Error{ErrorCode::io_error, cause,
                                 std::string("cannot ") + what + " " + name() + ": " + std::strerror(cause)});
}

std::expected<void, Error> Listener::open() {
    auto bound = options_.unix_path.empty() ? bind_tcp() : bind_unix();
    if (bound && ::listen(fd_, backlog) != 0) bound = failed("listen on");
    if (!bound) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
        return bound;
    }
    watch();
    return {};
}

void Listener::watch() {
    loop_.watch(fd_, POLLIN, [this](short) { accept_all(); });
}

std::expected<void, Error> Listener::bind_tcp() {
    sockaddr_storage address{};
    socklen_t length = 0;
    if (auto& four = reinterpret_cast<sockaddr_in&>(address);
        ::inet_pton(AF_INET, options_.address.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(options_.port);
        length = sizeof four;
    } else if (auto& six = reinterpret_cast<sockaddr_in6&>(address);
               ::inet_pton(AF_INET6, options_.address.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(options_.port);
        length = sizeof six;
    } else {
        return std::unexpected(Error{
            ErrorCode::usage, 0, "cannot listen on " + options_.address + ": not an IPv4 or IPv6 address"});
    }
    fd_ = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return failed("create a socket for");
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ss_family == AF_INET6) ::setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd_, any(address), length) != 0) return failed("listen on");
    if (::getsockname(fd_, any(address), &length) != 0) return failed("listen on");
    options_.port = ntohs(address.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                                       : reinterpret_cast<sockaddr_in6&>(address).sin6_port);
    return {};
}

std::expected<void, Error> Listener::bind_unix() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options_.unix_path.size() >= sizeof address.sun_path)
        return std::unexpected(
            Error{ErrorCode::usage, 0, "cannot listen on " + options_.unix_path + ": the path is too long"});
    std::memcpy(address.sun_path, options_.unix_path.c_str(), options_.unix_path.size() + 1);
    // A socket of an earlier broker is removed, other files are not.
    struct stat status{};
    if (::lstat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(address.sun_path);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return failed("create a socket for");
    if (::bind(fd_, any(address), sizeof address) != 0) return failed("listen on");
    return {};
}

void Listener::close() {
    if (fd_ < 0) return;
    loop_.unwatch(fd_);
    if (resume_) loop_.cancel(*std::exchange(resume_, std::nullopt));
    ::close(fd_);
    fd_ = -1;
    if (!options_.unix_path.empty()) ::unlink(options_.unix_path.c_str());
}

void Listener::replace(StreamFactory make_stream, Accepted accepted) {
    options_.make_stream = std::move(make_stream);
    accepted_ = std::move(accepted);
}

void Listener::accept_all() {
    while (fd_ >= 0) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        const int fd = ::accept4(fd_, any(address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
            return;
        }
        if (options_.unix_path.empty()) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        accepted_(options_.make_stream(fd), endpoint(address));
    }
}

// The connection that cannot be accepted stays in the queue, so the descriptor stays readable.
void Listener::pause() {
    loop_.unwatch(fd_);
    resume_ = loop_.at(later(loop_.now(), resume_delay), [this] {
        resume_.reset();
        watch();
    });
}

}  // namespace mqttc::broker
