// Servers that do not complete the TLS handshake: each is reported within --connect-timeout.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "pub_program.hpp"
#include "support/certificates.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;

namespace {

/// Accepts one connection, waits for the first bytes, sends `answer` and then does `then`.
class Server {
  public:
    enum class Then : std::uint8_t { close, half_close, reset, wait };

    Server(std::string answer, Then then) : answer_(std::move(answer)), then_(then) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(::listen(listener_, 1) == 0);
        REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port = 0;

  private:
    void serve() const {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        char rubbish[4096];
        // Closing with unread bytes resets the connection.
        if (then_ != Then::reset) static_cast<void>(::read(fd, rubbish, sizeof rubbish));
        if (then_ == Then::reset) {
            pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
            ::poll(&waiting, 1, -1);
        }
        static_cast<void>(::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL));
        if (then_ == Then::half_close) ::shutdown(fd, SHUT_WR);
        if (then_ == Then::half_close || then_ == Then::wait) {
            while (::read(fd, rubbish, sizeof rubbish) > 0) {
            }
        }
        ::close(fd);
    }

    std::string answer_;
    Then then_;
    int listener_ = -1;
    std::thread thread_;
};

/// The message of mqtt_pub after "cannot connect to 127.0.0.1:PORT: ".
std::string reason_of(const Server& server, int code, std::vector<std::string> options) {
    // Short only if the timeout is tested.
    const std::string timeout = code == 61 ? "0.5" : "10";
    options.insert(options.begin(), {"-t", "a", "-m", "x", "--connect-timeout", timeout});
    const auto before = std::chrono::steady_clock::now();
    const Result result = publish(server.port, std::move(options));
    // Much more than the timeout, for loaded machines.
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(10));
    CHECK(result.exit.code == code);
    const auto start = "mqtt_pub: cannot connect to 127.0.0.1:" + std::to_string(server.port) + ": ";
    REQUIRE(result.err.starts_with(start));
    REQUIRE(result.err.ends_with("\n"));
    return result.err.substr(start.size(), result.err.size() - start.size() - 1);
}

std::string with_tls_to(const Server& server, int code = 62) {
    static const Certificates all;
    return reason_of(server, code, {"--cafile", all.ca_file()});
}

// The beginning of a ServerHello.
const std::string part_of_hello = "\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03"s;

}  // namespace

TEST_CASE("a server that sends nothing") {
    CHECK(with_tls_to(Server("", Server::Then::wait), 61) ==
          "connected, but the handshake was not finished within 0.5 s (does the server speak TLS on this "
          "port?)");
}

TEST_CASE("a server that stops in the middle of its first message") {
    CHECK(with_tls_to(Server(part_of_hello, Server::Then::wait), 61) ==
          "connected, but the handshake was not finished within 0.5 s (does the server speak TLS on this "
          "port?)");
}

TEST_CASE("a server that closes the connection") {
    const std::string closed = "the server closed the connection in the TLS handshake";
    const std::string hint = " (does it speak TLS on this port?)";
    CHECK(with_tls_to(Server("", Server::Then::close)) == closed + hint);
    CHECK(with_tls_to(Server("", Server::Then::half_close)) == closed + hint);
    CHECK(with_tls_to(Server(part_of_hello, Server::Then::half_close)) == closed);
    CHECK(with_tls_to(Server("", Server::Then::reset)) ==
          "connection reset by peer in the TLS handshake (does the server speak TLS on this port?)");
}

TEST_CASE("a server of another protocol") {
    const std::string not_tls =
        "the server does not speak TLS on this port (is the port right? 8883 is usual)";
    CHECK(with_tls_to(Server("HTTP/1.1 400 Bad Request\r\n\r\n", Server::Then::wait)) == not_tls);
    CHECK(with_tls_to(Server("SSH-2.0-OpenSSH_9.2\r\n", Server::Then::wait)) == not_tls);
    CHECK(with_tls_to(Server("\x20\x02\x00\x02\x00"s, Server::Then::wait)) == not_tls);
    CHECK(with_tls_to(Server(std::string(5000, '\xff'), Server::Then::wait)) == not_tls);
}

TEST_CASE("a server of an older version of TLS") {
    const std::string hello = "\x02\x00\x00\x26\x03\x02"s + std::string(32, 'r') + "\x00\xc0\x13\x00"s;
    const std::string record = "\x16\x03\x02\x00"s + static_cast<char>(hello.size()) + hello;
    // No option can help.
    CHECK(with_tls_to(Server(record, Server::Then::wait)) ==
          "the server has no TLS version in common with us (TLS 1.2 or 1.3 is required; older versions are "
          "insecure)");
}

TEST_CASE("a server that refuses the handshake with an alert") {
    CHECK(
        with_tls_to(Server("\x15\x03\x03\x00\x02\x02\x28"s, Server::Then::half_close)) ==
        "the server refuses the handshake: no cipher in common, or it requires a pre-shared key or a client "
        "certificate (--ciphers, --psk, --cert)");
    CHECK(with_tls_to(Server("\x15\x03\x03\x00\x02\x02\x70"s, Server::Then::half_close)) ==
          "the server knows no host named 127.0.0.1");
    CHECK(with_tls_to(Server("\x15\x03\x03\x00\x02\x02\x50"s, Server::Then::half_close)) ==
          "the server refuses the handshake: internal error");
}

TEST_CASE("a server that answers a plain CONNECT with an alert of TLS") {
    CHECK(reason_of(Server("\x15\x03\x01\x00\x02\x02\x46"s, Server::Then::half_close), 64, {}) ==
          "the server requires TLS (--tls-use-os-certs or --cafile, or mqtts:// or wss:// in the URL)");
}
