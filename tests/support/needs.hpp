// What a test case needs from the machine: without it doctest skips the case, and prints why (doctest_main.cpp).
//
//     TEST_CASE("retained messages are the same with Mosquitto" * needs_mosquitto()) { ... }
#pragma once

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/process.hpp"
#include "support/real_broker.hpp"

namespace mqttc::test {

#ifdef MQTTC_SANITIZED
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// A decorator of test cases and suites. `reason` is why the case cannot run.
struct Needs {
    bool met;
    const char* reason;

    template <class Test>
    void fill(Test& test) const {
        if (met || test.m_skip) return;
        test.m_skip = true;
        test.m_description = reason;
    }
};

inline Needs needs_mosquitto() {
    return {RealBroker::available(), "mosquitto is not installed"};
}

inline Needs needs_program(const char* path, const char* reason) {
    return {is_executable(path), reason};
}

inline Needs needs_root() {
    return {::geteuid() == 0, "only root can do this"};
}

/// For cases that the sanitizers' own use of memory would spoil.
inline Needs needs_no_sanitizer() {
    return {!sanitized, "not with AddressSanitizer"};
}

inline Needs needs_ipv6() {
    const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    const bool met = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (fd >= 0) ::close(fd);
    return {met, "this machine has no IPv6"};
}

}  // namespace mqttc::test
