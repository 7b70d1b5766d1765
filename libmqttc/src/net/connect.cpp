// The connector's states: local name, name, connecting, handshake, finished.
#include "connect.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "layers.hpp"

namespace mqttc::net {

namespace {

// A unix socket with a full backlog cannot be polled for room: connecting is retried.
constexpr Duration unix_retry = std::chrono::milliseconds(10);
// Reading a key or certificate from a pipe blocks the loop this long at most, and not beyond its first timer.
constexpr Duration pipe_time_limit = std::chrono::seconds(5);
constexpr std::uint16_t first_ephemeral_port = 32'768;

/// What connect(2) says now: 0 connected, EINPROGRESS still going on, else the failure.
int connect_status(int fd, const Address& address) {
    if (::connect(fd, address.get(), address.length) == 0 || errno == EISCONN) return 0;
    return errno == EALREADY || errno == EINTR ? EINPROGRESS : errno;
}

/// A connect to an unused local port may get that port as its own and so connect to itself.
bool is_self_connected(int fd, const Address& remote) {
    const auto port = remote.family() == AF_INET6
                          ? reinterpret_cast<const sockaddr_in6&>(remote.storage).sin6_port
                          : reinterpret_cast<const sockaddr_in&>(remote.storage).sin_port;
    if (ntohs(port) < first_ephemeral_port) return false;
    Address here;
    Address there;
    here.length = sizeof here.storage;
    there.length = sizeof there.storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&here.storage), &here.length) != 0) return false;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&there.storage), &there.length) != 0) return false;
    return here.length == there.length && std::memcmp(&here.storage, &there.storage, here.length) == 0;
}

/// How specific an errno is: one that only means that this machine lacks an address family is least specific.
int errno_specificity(int number) {
    switch (number) {
        case 0:
            return 0;
        case EAFNOSUPPORT:
            return 1;
        case EADDRNOTAVAIL:
        case ENETUNREACH:
            return 2;
        default:
            return 3;
    }
}

std::string explain_connect(int number, bool proxy) {
    switch (number) {
        case EINVAL:
            return "invalid address (a link-local address needs its interface, such as fe80::1%eth0)";
        case ECONNREFUSED:
            return proxy ? "connection refused (is it running there?)"
                         : "connection refused (is a broker running there?)";
        case ENETUNREACH:
            return "network unreachable (is the network up?)";
        case EHOSTUNREACH:
            return "no route to the host (is it up, and is the address right?)";
        case ETIMEDOUT:
            return "no answer (is the address right? a firewall may drop the packets)";
        case ENOENT:
            return "no such socket (is a broker running that listens on this path?)";
        case EMFILE:
        case ENFILE:
            return errno_text(number) + " (raise the limit with ulimit -n)";
        case ENOTSOCK:
            return "this is not a socket";
        default:
            return errno_text(number);
    }
}

}  // namespace

Connector::Connector(Loop& loop, const Endpoint& endpoint, Lookup::Function look_up)
    : loop_(loop), endpoint_(endpoint), look_up_(std::move(look_up)) {}

Connector::~Connector() {
    forget_attempts();
    if (stream_) loop_.unwatch(stream_->descriptor());
}

std::string Connector::target_name() const {
    if (!endpoint_.proxy || !endpoint_.unix_path.empty()) return endpoint_name(endpoint_);
    return "the proxy " + endpoint_name(proxy_endpoint(*endpoint_.proxy));
}

void Connector::start(std::vector<Address> addresses) {
    remote_ = std::move(addresses);
    // WebSocket and HTTP proxies put it into a line of their request.
    if (std::ranges::any_of(endpoint_.host, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
        return fail(Error{ErrorCode::usage, 0, "a host name cannot contain spaces or control characters"});
    }
    if (endpoint_.tls) {
        // An unusable file is found before the broker is contacted.
        const Time now = std::chrono::steady_clock::now();
        auto loaded = load_tls(*endpoint_.tls, *loop_.next_due(now + pipe_time_limit));
        if (!loaded) return fail(std::move(loaded.error()));
        tls_ = std::move(*loaded);
    }
    if (!endpoint_.unix_path.empty()) return connect_unix();
    if (endpoint_.bind_address.empty()) return look_up_remote();
    start_look_up(Stage::local_name, {.host = endpoint_.bind_address, .port = 0, .service = {}},
                  [this](std::vector<Address> found) {
                      local_ = std::move(found);
                      look_up_remote();
                  });
}

void Connector::start_look_up(Stage stage, Question question,
                              std::function<void(std::vector<Address>)> found) {
    stage_ = stage;
    lookup_ = nullptr;
    auto lookup = std::make_unique<Lookup>(
        loop_, std::move(question),
        [this, found = std::move(found)](Answer answer) {
            if (!answer) return fail(std::move(answer.error()));
            found(std::move(*answer));
        },
        look_up_);
    // It may have been answered already.
    if (stage_ == stage) lookup_ = std::move(lookup);
}

void Connector::look_up_remote() {
    if (!remote_.empty()) return race(std::move(remote_));
    const Endpoint proxy = endpoint_.proxy ? proxy_endpoint(*endpoint_.proxy) : Endpoint();
    const Endpoint& to = endpoint_.proxy ? proxy : endpoint_;
    const bool srv = endpoint_.srv && !endpoint_.proxy;
    const char* service = !srv ? "" : endpoint_.tls ? "_secure-mqtt._tcp" : "_mqtt._tcp";
    start_look_up(Stage::name, {.host = to.host, .port = effective_port(to), .service = service},
                  [this, srv](std::vector<Address> found) {
                      race(srv ? std::move(found) : interleave(std::move(found)));
                  });
}

void Connector::race(std::vector<Address> addresses) {
    stage_ = Stage::connecting;
    remote_ = std::move(addresses);
    next_attempt();
}

int Connector::bind_local(int fd, const Address& remote) const {
    auto local =
        std::ranges::find_if(local_, [&](const Address& a) { return a.family() == remote.family(); });
    if (local == local_.end()) return EAFNOSUPPORT;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return ::bind(fd, local->get(), local->length) == 0 ? 0 : errno;
}

std::expected<Connector::Racer, Connector::Failure> Connector::begin(std::size_t index) const {
    const Address& address = remote_[index];
    Descriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return std::unexpected(Failure{errno, false});
    if (!local_.empty()) {
        if (const int failed = bind_local(fd.get(), address); failed != 0)
            return std::unexpected(Failure{failed, true});
    }
    // Output is written in batches, so Nagle's algorithm could only hold them back.
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int status = connect_status(fd.get(), address);
    // On the loopback interface the connection is open (or refused) as soon as the first call has returned.
    if (status == EINPROGRESS) status = connect_status(fd.get(), address);
    if (status == 0 && is_self_connected(fd.get(), address)) status = ECONNREFUSED;
    if (status != 0 && status != EINPROGRESS) return std::unexpected(Failure{status, false});
    return Racer{std::move(fd), index, status == 0};
}

void Connector::next_attempt() {
    timer_.reset();
    while (next_ < remote_.size()) {
        auto racer = begin(next_++);
        if (!racer) {
            note_failure(racer.error());
            continue;
        }
        if (racer->connected) return on_connected(std::move(*racer));
        const int fd = racer->socket.get();
        attempts_.push_back(std::move(*racer));
        loop_.watch(fd, POLLOUT, [this, fd](short) { check_attempt(fd); });
        if (next_ < remote_.size()) timer_ = loop_.at(loop_.now() + stagger, [this] { next_attempt(); });
        return;
    }
    if (attempts_.empty()) fail(connect_error(failure_));
}

void Connector::check_attempt(int fd) {
    int status = 0;
    socklen_t length = sizeof status;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &status, &length) != 0) status = errno;
    loop_.unwatch(fd);
    auto attempt = std::ranges::find(attempts_, fd, [](const Racer& racer) { return racer.socket.get(); });
    Racer racer = std::move(*attempt);
    attempts_.erase(attempt);
    if (status == 0) return on_connected(std::move(racer));
    racer.socket = {};
    note_failure({status, false});
    if (timer_) loop_.cancel(*timer_);
    next_attempt();
}

void Connector::note_failure(Failure failure) {
    if (errno_specificity(failure.number) > errno_specificity(failure_.number)) failure_ = failure;
}

void Connector::connect_unix() {
    stage_ = Stage::connecting;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const auto& path = endpoint_.unix_path;
    if (path.size() >= sizeof to.sun_path) {
        return fail({ErrorCode::usage, ENAMETOOLONG,
                     "cannot connect to " + path + ": the path of a unix socket has at most " +
                         std::to_string(sizeof to.sun_path - 1) + " bytes"});
    }
    std::memcpy(to.sun_path, path.data(), path.size());
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(connect_error({errno, false}));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
        return on_connected({std::move(fd), 0});
    if (errno == EAGAIN) {
        timer_ = loop_.at(loop_.now() + unix_retry, [this] {
            timer_.reset();
            connect_unix();
        });
        return;
    }
    fail(connect_error({errno, false}));
}

Error Connector::connect_error(Failure failure) const {
    const auto number = failure.number;
    const auto tried = "cannot connect to " + target_name();
    if (!failure.binding)
        return {ErrorCode::connect_failed, number,
                tried + ": " + explain_connect(number, endpoint_.proxy.has_value())};
    const auto why = number == EAFNOSUPPORT    ? std::string("that is not of the broker's address family")
                     : number == EADDRNOTAVAIL ? std::string("that is not an address of this machine")
                                               : errno_text(number);
    return {ErrorCode::connect_failed, number, tried + " from " + endpoint_.bind_address + ": " + why};
}

Error Connector::timed_out(Duration waited) const {
    const auto within = " within " + seconds_text(waited);
    switch (stage_) {
        case Stage::local_name:
            return {ErrorCode::name_timeout, 0,
                    "cannot resolve " + endpoint_.bind_address + ": no answer" + within};
        case Stage::name: {
            const auto& name = endpoint_.proxy ? endpoint_.proxy->host : endpoint_.host;
            return {ErrorCode::name_timeout, 0,
                    "cannot resolve " + name + ": no answer from the name servers" + within +
                        " (is the network up?)"};
        }
        case Stage::handshake: {
            const char* hint = stream_->timeout_hint();
            const auto through = endpoint_.proxy ? " through " + target_name() : std::string();
            return {ErrorCode::connect_timeout, 0,
                    "cannot connect to " + endpoint_name(endpoint_) + through +
                        ": connected, but the handshake was not finished" + within +
                        (hint == nullptr ? std::string() : std::string(" (") + hint + ")")};
        }
        default:
            return {ErrorCode::connect_timeout, ETIMEDOUT,
                    "cannot connect to " + target_name() + ": no answer" + within +
                        " (is the address right? a firewall may drop the packets)"};
    }
}

void Connector::forget_attempts() {
    lookup_.reset();
    if (timer_) loop_.cancel(*timer_);
    timer_.reset();
    for (const auto& attempt : attempts_) loop_.unwatch(attempt.socket.get());
    attempts_.clear();
}

void Connector::fail(Error error) {
    forget_attempts();
    error_ = std::move(error);
    stage_ = Stage::finished;
}

void Connector::on_connected(Racer winner) {
    for (const auto& racer : attempts_) untried_.push_back(remote_[racer.address]);
    for (; next_ < remote_.size(); ++next_) untried_.push_back(remote_[next_]);
    forget_attempts();
    stage_ = Stage::handshake;
    auto stream = build_layers(make_socket_stream(winner.socket.release()), endpoint_, tls_.get());
    if (!stream) return fail(std::move(stream.error()));
    stream_ = std::move(*stream);
    continue_handshake();
}

void Connector::continue_handshake() {
    auto open = stream_->handshake();
    const int fd = stream_->descriptor();
    if (!open || *open) loop_.unwatch(fd);
    if (!open) {
        stream_.reset();
        return fail(std::move(open.error()));
    }
    if (*open) {
        stage_ = Stage::finished;
        return;
    }
    const auto wants = stream_->wants({});
    const auto events =
        static_cast<short>((wants.write ? POLLOUT : 0) | (wants.read || !wants.write ? POLLIN : 0));
    loop_.watch(fd, events, [this](short) { continue_handshake(); });
}

std::expected<StreamPtr, Error> Connector::take() {
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(stream_);
}

}  // namespace mqttc::net
