// Sockets and packet bytes of the bench's peers.
#include "wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace bench {

void require(bool good, const char* what) {
    if (good) return;
    std::perror(what);
    std::exit(2);
}

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void append_length(Buffer& out, std::size_t length) {
    do {
        const auto low = static_cast<std::uint8_t>(length & 0x7F);
        length >>= 7;
        out.push_back(length > 0 ? static_cast<std::uint8_t>(low | 0x80) : low);
    } while (length > 0);
}

void append_text(Buffer& out, std::string_view text) {
    out.push_back(static_cast<std::uint8_t>(text.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(text.size()));
    out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

int listen_on_free_port(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "socket");
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    require(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    require(::listen(fd, 16) == 0, "listen");
    require(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    port = ntohs(address.sin_port);
    return fd;
}

int accept_one(int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    require(fd >= 0, "accept");
    no_delay(fd);
    return fd;
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "socket");
    const sockaddr_in address = loopback(port);
    require(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    no_delay(fd);
    return fd;
}

void write_all(int fd, const std::uint8_t* data, std::size_t size) {
    while (size > 0) {
        const ssize_t put = ::send(fd, data, size, MSG_NOSIGNAL);
        require(put > 0, "send");
        data += put;
        size -= static_cast<std::size_t>(put);
    }
}

Buffer connect_packet() {
    return {0x10, 14, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 2, 'b', 'l'};
}

Buffer connack_packet() {
    return {0x20, 2, 0, 0};
}

Buffer subscribe_packet(std::string_view filter, int qos) {
    Buffer out{0x82};
    append_length(out, 2 + 2 + filter.size() + 1);
    out.push_back(0);
    out.push_back(1);
    append_text(out, filter);
    out.push_back(static_cast<std::uint8_t>(qos));
    return out;
}

Buffer disconnect_packet() {
    return {0xE0, 0};
}

Buffer publish_header(std::string_view topic, std::size_t payload_size, int qos, std::uint16_t packet_id) {
    Buffer out{static_cast<std::uint8_t>(0x30 | (qos << 1))};
    append_length(out, 2 + topic.size() + (qos > 0 ? 2U : 0U) + payload_size);
    append_text(out, topic);
    if (qos > 0) {
        out.push_back(static_cast<std::uint8_t>(packet_id >> 8));
        out.push_back(static_cast<std::uint8_t>(packet_id));
    }
    return out;
}

Buffer publish_packet(std::string_view topic, std::string_view payload, int qos, std::uint16_t packet_id) {
    Buffer out = publish_header(topic, payload.size(), qos, packet_id);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

double seconds_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace bench
