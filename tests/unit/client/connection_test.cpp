// A connection lets the kernel acknowledge at once what a server with Nagle's algorithm waits for.
#include "connection.hpp"

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <optional>
#include <string>

#include "unit/net/listener.hpp"
#include "unit/net/scripted_stream.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

/// A connection over TCP, and the other end of it.
struct Link {
    Link() {
        auto address = at("127.0.0.1", listener.port);
        Descriptor ours(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(ours.get(), address.get(), address.length) == 0);
        fd = ours.get();
        pollfd waiting{.fd = listener.fd.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        peer = listener.accept();
        connection.emplace(loop, net::make_socket_stream(ours.release()), buffer);
        connection->want(true, false);
    }
    /// The peer sends that many bytes, which are read at once. Delayed acknowledgements are on again before.
    void receive(std::size_t count) {
        const std::string bytes(count, 'x');
        REQUIRE(::send(peer.get(), bytes.data(), count, 0) == static_cast<ssize_t>(count));
        pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
        // All of it, so that one read takes it.
        for (std::size_t there = 0; there < count; there = net::readable_bytes(fd))
            REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        const int off = 0;
        REQUIRE(::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off) == 0);
        loop.turn(loop.now() + std::chrono::seconds(20));
        REQUIRE(connection->read(0) == Connection::Read::bytes);
        buffer.clear();
    }
    bool acknowledges_at_once() const {
        int on = 0;
        socklen_t size = sizeof on;
        REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, &size) == 0);
        return on != 0;
    }

    Listener listener;
    net::Loop loop;
    ReceiveBuffer buffer;
    Descriptor peer;
    std::optional<Connection> connection;
    int fd = -1;
};

}  // namespace

TEST_CASE("a few bytes that nothing answers are acknowledged at once") {
    Link link;
    link.receive(4);
    CHECK_FALSE(link.acknowledges_at_once());
    link.connection->acknowledge();
    CHECK(link.acknowledges_at_once());
}

TEST_CASE("what is answered, or part of a stream, is acknowledged as the kernel likes") {
    Link link;
    Session session({});
    session.opened(link.loop.now());
    link.receive(4);
    REQUIRE(link.connection->write(session).has_value());
    link.connection->acknowledge();
    CHECK_FALSE(link.acknowledges_at_once());
    link.receive(8192);
    link.connection->acknowledge();
    CHECK_FALSE(link.acknowledges_at_once());
}

TEST_CASE("bytes that a layer has buffered are taken before the end or the failure after them") {
    for (const bool fails : {false, true}) {
        Script script{.input = "abc", .piece = 1, .end = !fails, .buffered = true};
        if (fails) script.failure = Error{ErrorCode::connection_lost, 0, "reset"};
        net::Loop loop;
        ReceiveBuffer buffer;
        Connection connection(loop, std::make_unique<ScriptedStream>(script), buffer);
        CHECK(connection.read(0) == Connection::Read::bytes);
        CHECK(as_text(buffer.bytes()) == "abc");
        const auto last = connection.read(0);
        CHECK(last.has_value() == !fails);
        if (last) CHECK(*last == Connection::Read::end);
    }
}

TEST_CASE("what a layer still holds is pushed on although the session has nothing to send") {
    Script script;
    net::Loop loop;
    ReceiveBuffer buffer;
    Connection connection(loop, std::make_unique<ScriptedStream>(script), buffer);
    Session idle({});
    script.held = 5;
    REQUIRE(connection.write(idle));
    CHECK(connection.drained(idle));
}

TEST_CASE("a peer whose bytes are still unread is waited for before the connection is closed") {
    Link silent;
    CHECK(silent.connection->close_gracefully(silent.loop.now(), false));
    Link sending;
    REQUIRE(::send(sending.peer.get(), "x", 1, 0) == 1);
    pollfd waiting{.fd = sending.fd, .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&waiting, 1, 20'000) == 1);
    CHECK_FALSE(sending.connection->close_gracefully(sending.loop.now(), false));
}

TEST_CASE("on a unix socket there is nothing to acknowledge") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const Descriptor own(ends[0]);
    const Descriptor other(ends[1]);
    CHECK_FALSE(net::acknowledge_now(own.get()));
}
