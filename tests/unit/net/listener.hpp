// A listening socket on the loopback interface for tests, with a port of the system's choice.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/descriptor.hpp"
#include "resolve.hpp"
#include "socket.hpp"

namespace mqttc::test {

inline net::Address at(const std::string& host, std::uint16_t port) {
    const auto addresses = net::addresses_without_lookup(host, port);
    REQUIRE(addresses.size() == 1);
    return addresses.front();
}

class Listener {
  public:
    /// `wanted_port` 0: the system chooses one. `listening` false: the port is taken, and connections are
    /// refused.
    explicit Listener(const std::string& host = "127.0.0.1", bool listening = true,
                      std::uint16_t wanted_port = 0, int backlog = 8) {
        auto address = at(host, wanted_port);
        fd = Descriptor(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(fd);
        // Another program may have a connection from the wanted port for a moment.
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (::bind(fd.get(), address.get(), address.length) != 0) {
            REQUIRE(wanted_port != 0);
            REQUIRE(std::chrono::steady_clock::now() < give_up);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        if (listening) REQUIRE(::listen(fd.get(), backlog) == 0);
        address.length = sizeof address.storage;
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.length) == 0);
        // The port stands at the same place in both families.
        port = ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
    }

    /// An accepted connection; none if there is none.
    Descriptor accept() const {
        return Descriptor(::accept4(fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    }

    Descriptor fd;
    std::uint16_t port = 0;
};

/// An address that never answers: a listener whose backlog is full, so that the kernel drops every SYN.
class Blackhole {
  public:
    explicit Blackhole(const std::string& host = "127.0.0.1") : listener(host, true, 0, 0) {
        auto address = at(host, listener.port);
        for (auto& each : filling) {
            each = Descriptor(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            REQUIRE(each);
            static_cast<void>(::connect(each.get(), address.get(), address.length));
        }
    }
    std::uint16_t port() const { return listener.port; }

    Listener listener;
    Descriptor filling[4];
};

}  // namespace mqttc::test
