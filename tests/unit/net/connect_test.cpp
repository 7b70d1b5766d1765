// Tests of the connector: the race of addresses, what it says when it fails, time.
#include "connect.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>

#include "base/descriptor.hpp"
#include "listener.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

Endpoint endpoint(std::string host, std::uint16_t port) {
    Endpoint made;
    made.host = std::move(host);
    made.port = port;
    return made;
}

/// Turns the loop until the connector has finished.
std::expected<StreamPtr, Error> finish(Loop& loop, Connector& connector) {
    const auto give_up = loop.now() + 10s;
    while (!connector.finished()) {
        REQUIRE(loop.now() < give_up);
        loop.turn(give_up);
    }
    return connector.take();
}

Error failure(const Endpoint& to, const Lookup::Function& look_up = net::look_up) {
    Loop loop;
    Connector connector(loop, to, look_up);
    connector.start();
    auto result = finish(loop, connector);
    REQUIRE_FALSE(result);
    return result.error();
}

Lookup::Function answering(std::vector<Address> addresses) {
    return [addresses = std::move(addresses)](const Question&) { return addresses; };
}

bool has_ipv6() {
    Descriptor fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto here = at("::1", 0);
    return fd && ::bind(fd.get(), here.get(), here.length) == 0;
}

}  // namespace

TEST_CASE("on the loopback interface a connection is open at once") {
    const Listener listener;
    Loop loop;
    const auto to = endpoint("127.0.0.1", listener.port);
    Connector connector(loop, to);
    connector.start();
    REQUIRE(connector.finished());
    auto stream = connector.take();
    REQUIRE(stream);
    const auto there = listener.accept();
    REQUIRE(there);
    REQUIRE((*stream)->write(as_bytes("hello"))->count == 5);
    std::array<char, 8> buffer{};
    CHECK(::read(there.get(), buffer.data(), buffer.size()) == 5);
}

TEST_CASE("a connection comes from the local address, and small packets are not held back") {
    const Listener listener;
    Loop loop;
    auto to = endpoint("127.0.0.1", listener.port);
    to.bind_address = "127.0.0.9";
    Connector connector(loop, to);
    connector.start();
    const auto stream = finish(loop, connector);
    REQUIRE(stream);
    const auto there = listener.accept();
    sockaddr_in from{};
    socklen_t length = sizeof from;
    REQUIRE(::getpeername(there.get(), reinterpret_cast<sockaddr*>(&from), &length) == 0);
    CHECK(ntohl(from.sin_addr.s_addr) == 0x7f000009);
    int on = 0;
    length = sizeof on;
    REQUIRE(::getsockopt((*stream)->descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0);
    CHECK(on != 0);
}

TEST_CASE("localhost reaches a broker that listens on IPv4 only, without waiting") {
    const Listener listener("127.0.0.1");
    Loop loop;
    const auto to = endpoint("localhost", listener.port);
    Connector connector(loop, to);
    connector.start();
    REQUIRE(connector.finished());
    CHECK(connector.take());
}

TEST_CASE("localhost reaches a broker that listens on IPv6 only") {
    if (!has_ipv6()) return;
    const Listener listener("::1");
    Loop loop;
    const auto to = endpoint("localhost", listener.port);
    Connector connector(loop, to);
    connector.start();
    REQUIRE(connector.finished());
    CHECK(connector.take());
}

TEST_CASE("a refused connection says where, why and what to look at") {
    const Listener deaf("127.0.0.1", false);
    const auto error = failure(endpoint("127.0.0.1", deaf.port));
    CHECK(error.code == ErrorCode::connect_failed);
    CHECK(error.reason == ECONNREFUSED);
    CHECK(error.context == "cannot connect to 127.0.0.1:" + std::to_string(deaf.port) +
                               ": connection refused (is a broker running there?)");
}

TEST_CASE("a link-local address without its interface is explained") {
    CHECK(failure(endpoint("fe80::1", 1883)).context ==
          "cannot connect to [fe80::1]:1883: invalid address (a link-local address needs its interface, such "
          "as "
          "fe80::1%eth0)");
}

TEST_CASE("when every address fails, the most specific reason is reported") {
    const Listener deaf("127.0.0.1", false);
    // Of a family that this machine does not have.
    Address strange = at("127.0.0.1", 1);
    strange.storage.ss_family = AF_MAX;
    const auto error =
        failure(endpoint("broker.example", 1), answering({strange, at("127.0.0.1", deaf.port), strange}));
    CHECK(error.reason == ECONNREFUSED);
    CHECK(error.context.starts_with("cannot connect to broker.example:1: "));
}

TEST_CASE("an address that does not answer costs a quarter of a second, not a time-out") {
    const Blackhole hole;
    const Listener listener("127.0.0.2");
    Loop loop;
    const auto to = endpoint("broker.example", 1);
    Connector connector(loop, to, answering({at("127.0.0.1", hole.port()), at("127.0.0.2", listener.port)}));
    connector.start();
    const auto start = loop.now();
    auto stream = finish(loop, connector);
    REQUIRE(stream);
    CHECK(loop.now() - start >= Connector::stagger);
    CHECK(loop.now() - start < 4 * Connector::stagger);
    CHECK(listener.accept());
}

TEST_CASE("an address that refuses makes the next one be tried at once") {
    const Listener deaf("127.0.0.1", false);
    const Listener listener("127.0.0.2");
    Loop loop;
    const auto to = endpoint("broker.example", 1);
    Connector connector(loop, to, answering({at("127.0.0.1", deaf.port), at("127.0.0.2", listener.port)}));
    connector.start();
    const auto start = loop.now();
    REQUIRE(finish(loop, connector));
    CHECK(loop.now() - start < Connector::stagger);
}

TEST_CASE("the slower of two addresses still wins when the other one never answers") {
    // The first connection is started and waits; it is accepted as soon as the backlog has room.
    Blackhole slow;
    const Blackhole never("127.0.0.2");
    Loop loop;
    const auto to = endpoint("broker.example", 1);
    Connector connector(loop, to, answering({at("127.0.0.1", slow.port()), at("127.0.0.2", never.port())}));
    connector.start();
    const auto start = loop.now();
    while (loop.now() < start + Connector::stagger + 10ms) loop.turn(start + Connector::stagger + 10ms);
    CHECK_FALSE(connector.finished());
    std::vector<Descriptor> accepted;
    loop.watch(slow.listener.fd.get(), POLLIN, [&](short) { accepted.push_back(slow.listener.accept()); });
    CHECK(finish(loop, connector));
}

TEST_CASE("a connector that is given up leaves neither watch nor descriptor") {
    const Blackhole hole;
    Loop loop;
    const auto to = endpoint("127.0.0.1", hole.port());
    int lowest = 0;
    {
        Connector connector(loop, to);
        connector.start();
        CHECK_FALSE(connector.finished());
        Descriptor probe(::dup(0));
        lowest = probe.get();
        CHECK(connector.timed_out(30s).code == ErrorCode::connect_timeout);
        CHECK(connector.timed_out(30s).context ==
              "cannot connect to 127.0.0.1:" + std::to_string(hole.port()) +
                  ": no answer within 30 s (is the address right? a firewall may drop the packets)");
    }
    Descriptor probe(::dup(0));
    CHECK(probe.get() < lowest);
    const auto start = loop.now();
    loop.turn(start + 1ms);
    CHECK(loop.now() >= start + 1ms);
}

TEST_CASE("signals and deadlines hold while a name is looked up") {
    Loop loop;
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        bool open = false;
    };
    auto shared = std::make_shared<Shared>();
    const auto to = endpoint("broker.example", 1883);
    Connector connector(loop, to, [shared](const Question&) -> Answer {
        std::unique_lock lock(shared->mutex);
        shared->changed.wait(lock, [&] { return shared->open; });
        return std::vector<Address>{};
    });
    connector.start();
    bool arrived = false;
    loop.on_signal(SIGUSR1, [&] { arrived = true; });
    ::raise(SIGUSR1);
    loop.turn(loop.now() + 10s);
    CHECK(arrived);
    const auto start = loop.now();
    loop.turn(start + 2ms);
    CHECK(loop.now() >= start + 2ms);
    CHECK(connector.timed_out(500ms).code == ErrorCode::name_timeout);
    CHECK(connector.timed_out(500ms).context ==
          "cannot resolve broker.example: no answer from the name servers within 0.5 s (is the network up?)");
    const std::lock_guard lock(shared->mutex);
    shared->open = true;
    shared->changed.notify_all();
}

TEST_CASE("the local address is bound") {
    const Listener listener;
    Loop loop;
    auto to = endpoint("localhost", listener.port);
    to.bind_address = "127.0.0.9";
    Connector connector(loop, to);
    connector.start();
    REQUIRE(finish(loop, connector));
    Address peer;
    peer.length = sizeof peer.storage;
    Descriptor there(::accept(listener.fd.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length));
    REQUIRE(there);
    CHECK(reinterpret_cast<sockaddr_in&>(peer.storage).sin_addr.s_addr == inet_addr("127.0.0.9"));
}

TEST_CASE("the local address may be a name") {
    const Listener listener;
    Loop loop;
    auto to = endpoint("127.0.0.1", listener.port);
    to.bind_address = "localhost";
    Connector connector(loop, to);
    connector.start();
    CHECK(finish(loop, connector));
    to.bind_address = "no-such-host.invalid";
    CHECK(failure(to).context.starts_with("cannot resolve no-such-host.invalid"));
}

TEST_CASE("a local address that cannot be bound is named") {
    auto to = endpoint("localhost", 1883);
    to.bind_address = "192.0.2.1";
    CHECK(failure(to).context ==
          "cannot connect to localhost:1883 from 192.0.2.1: that is not an address of this machine");
    to.host = "127.0.0.1";
    to.bind_address = "::1";
    CHECK(failure(to).context ==
          "cannot connect to 127.0.0.1:1883 from ::1: that is not of the broker's address family");
}

TEST_CASE("without a free descriptor connecting is an error with a remedy") {
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    const auto to = endpoint("127.0.0.1", 1883);
    Loop loop;
    Connector connector(loop, to);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    connector.start();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(connector.finished());
    const auto result = connector.take();
    REQUIRE_FALSE(result);
    CHECK(result.error().context ==
          "cannot connect to 127.0.0.1:1883: too many open files (raise the limit with ulimit -n)");
}

TEST_CASE("a unix socket is connected to, and its absence explained") {
    const TempDir dir;
    Endpoint to;
    to.unix_path = dir.file("broker.sock");
    CHECK(failure(to).context == "cannot connect to " + to.unix_path +
                                     ": no such socket (is a broker running that listens on this path?)");

    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un here{};
    here.sun_family = AF_UNIX;
    std::memcpy(here.sun_path, to.unix_path.data(), to.unix_path.size());
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) == 0);
    REQUIRE(::listen(listener.get(), 0) == 0);
    Loop loop;
    Connector first(loop, to);
    first.start();
    CHECK(first.finished());

    // The backlog is full now; the second one gets in when there is room.
    Connector second(loop, to);
    second.start();
    CHECK_FALSE(second.finished());
    Descriptor accepted(::accept(listener.get(), nullptr, nullptr));
    CHECK(finish(loop, second));
}

TEST_CASE("a path too long for a unix socket is a usage error") {
    Endpoint to;
    to.unix_path = std::string(108, 'x');
    const auto error = failure(to);
    CHECK(error.code == ErrorCode::usage);
    CHECK(error.context.ends_with("the path of a unix socket has at most 107 bytes"));
}

TEST_CASE("ports have defaults by transport, and names show brackets where they are needed") {
    Endpoint to;
    CHECK(endpoint_name(to) == "localhost:1883");
    to.tls.emplace();
    CHECK(effective_port(to) == 8883);
    to.websocket.emplace();
    CHECK(effective_port(to) == 443);
    to.tls.reset();
    CHECK(effective_port(to) == 80);
    to.port = 9001;
    to.host = "::1";
    CHECK(endpoint_name(to) == "[::1]:9001");
    to.unix_path = "/run/broker.sock";
    CHECK(endpoint_name(to) == "/run/broker.sock");
}
