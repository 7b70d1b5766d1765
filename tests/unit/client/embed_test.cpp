// Tests of a client in another loop: descriptor(), deadline(), turn(). Most tests of this directory run in both ways.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <array>

#include "mqttc/client.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

bool readable(Client& client, int milliseconds = 0) {
    pollfd polled{.fd = client.descriptor(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, milliseconds) == 1;
}

/// Turns until nothing is left to do, or the client has ended.
void settle(Client& client) {
    do {
        const auto goes_on = client.turn();
        REQUIRE(goes_on);
        if (!*goes_on) return;
    } while (readable(client, 100));
}

void acknowledge_in(Peer& peer) {
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* publish = std::get_if<Publish>(&packet))
            peer.send(Ack{PacketType::puback, publish->packet_id});
    };
}

const Publish acknowledged_message{.topic = "a", .payload = as_bytes("x"), .qos = Qos::at_least_once};

}  // namespace

TEST_CASE("two clients run in one thread, each with its own descriptor") {
    Peer peers[2];
    Recorder handlers[2];
    Client first(options_for(peers[0]), handlers[0]);
    Client second(options_for(peers[1]), handlers[1]);
    std::array<Client*, 2> clients{&first, &second};
    for (std::size_t i = 0; i < 2; ++i) {
        peers[i].join(*clients[i]);
        acknowledge_in(peers[i]);
        handlers[i].connack = [&, i] { REQUIRE(clients[i]->publish(acknowledged_message)); };
        handlers[i].delivered = [&, i] { clients[i]->disconnect(); };
    }
    std::array<bool, 2> running{true, true};
    while (running[0] || running[1]) {
        std::array<pollfd, 2> polled{};
        for (std::size_t i = 0; i < 2; ++i) {
            if (running[i]) running[i] = clients[i]->turn().value();
            polled[i] = {.fd = running[i] ? clients[i]->descriptor() : -1, .events = POLLIN, .revents = 0};
        }
        if (running[0] || running[1]) REQUIRE(::poll(polled.data(), 2, 10'000) >= 0);
    }
    for (const auto& handler : handlers) CHECK(handler.log == "connack 0\ndelivered 0\n");
}

TEST_CASE("a call outside of turn() makes the descriptor readable, and the time of that call counts") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.ack_timeout = 500ms;
    Client client(std::move(options), handler);
    peer.join(client);
    acknowledge_in(peer);
    settle(client);
    REQUIRE(client.session().connected());
    // The last turn is longer ago than an acknowledgement may take.
    CHECK_FALSE(readable(client, 600));
    REQUIRE(client.publish(acknowledged_message));
    CHECK(readable(client));
    settle(client);
    CHECK(handler.log == "connack 0\ndelivered 0\n");
    client.disconnect();
    CHECK(readable(client));
    settle(client);
    CHECK(client.deadline() == std::nullopt);
}

TEST_CASE("a timer set outside of turn() is part of the deadline") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    acknowledge_in(peer);
    settle(client);
    bool called = false;
    const auto due = client.now() + 400ms;
    client.at(due, [&] { called = true; });
    CHECK(readable(client));
    settle(client);
    CHECK(client.deadline() == due);
    CHECK_FALSE(readable(client, 450));
    REQUIRE(client.turn());
    CHECK(called);
}

TEST_CASE("a regular file that is watched makes the next turn due at once") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    acknowledge_in(peer);
    settle(client);
    const Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    REQUIRE(file);
    int called = 0;
    client.watch(file.get(), [&] { ++called; });
    REQUIRE(client.deadline());
    CHECK(*client.deadline() <= std::chrono::steady_clock::now());
    REQUIRE(client.turn());
    CHECK(called == 1);
    client.unwatch(file.get());
    CHECK_FALSE(readable(client));
    // Another loop learns of it by the descriptor.
    client.watch(file.get(), [&] { ++called; });
    CHECK(readable(client));
    client.unwatch(file.get());
    REQUIRE(client.turn());
    CHECK(client.deadline() > std::chrono::steady_clock::now());
}

TEST_CASE("a proxy is reached by its name, and again after the connection was lost") {
    Peer proxy;
    Recorder handler;
    auto options = options_for(proxy);
    options.endpoint.host = "broker.example";
    options.endpoint.port = 1883;
    options.endpoint.proxy.emplace();
    options.endpoint.proxy->host = "localhost";
    options.endpoint.proxy->port = proxy.port();
    SUBCASE("HTTP CONNECT") {
        options.endpoint.proxy->kind = ProxyKind::http_connect;
        proxy.proxy_dialogue = {{"CONNECT broker.example:1883 HTTP/1.1\r\nHost: broker.example:1883\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\n\r\n"}};
    }
    SUBCASE("SOCKS5") {
        options.endpoint.proxy->kind = ProxyKind::socks5;
        proxy.proxy_dialogue = {{"\x05\x01\x00"s, "\x05\x00"s},
                                {"\x05\x01\x00\x03\x0e"s + "broker.example" + "\x07\x5b",
                                 "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s}};
    }
    Client client(std::move(options), handler);
    proxy.join(client);
    proxy.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) return proxy.accept_client();
        const auto* publish = std::get_if<Publish>(&packet);
        if (publish == nullptr) return;
        if (proxy.connections == 1) return proxy.hang_up();
        proxy.send(Ack{PacketType::puback, publish->packet_id});
    };
    handler.connack = [&] {
        if (proxy.connections == 1) REQUIRE(client.publish(acknowledged_message));
    };
    handler.delivered = [&] { client.disconnect(); };
    REQUIRE(run_by_turns(client));
    CHECK(proxy.connections == 2);
    CHECK(proxy.log == "CONNECT PUBLISH CONNECT PUBLISH ");
    CHECK(handler.log.starts_with("connack 0\nretry: "));
    CHECK(handler.log.ends_with("\nconnack 0\ndelivered 0\n"));
}

TEST_CASE("the error that ends the client is returned by turn(), and a further call starts again") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet&) {
        if (peer.connections == 1) return peer.hang_up();
        peer.accept_client();
    };
    const auto failed = run_by_turns(client);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::closed_by_peer);
    handler.connack = [&] { client.disconnect(); };
    CHECK(run_by_turns(client));
    CHECK(peer.connections == 2);
}
