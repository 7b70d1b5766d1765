// Tests of the client: connecting, publishing, receiving, back-pressure, time-outs, signals.
#include "mqttc/client.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/un.h>

#include <csignal>

#include "base/descriptor.hpp"
#include "peer.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

Publish message(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once) {
    Publish made;
    made.topic = topic;
    made.payload = as_bytes(payload);
    made.qos = qos;
    return made;
}

}  // namespace

TEST_CASE("a message is published, acknowledged and followed by DISCONNECT") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* publish = std::get_if<Publish>(&packet))
            peer.send(Ack{PacketType::puback, publish->packet_id});
    };
    handler.connack = [&] { CHECK(client.publish(message("a", "b", Qos::at_least_once))); };
    handler.delivered = [&] { client.disconnect(); };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\ndelivered 0\n");
    // The last packet is still in the socket.
    std::array<std::uint8_t, 16> rest{};
    REQUIRE(::recv(peer.fd.get(), rest.data(), rest.size(), 0) == 2);
    CHECK(rest[0] == 0xe0);
    CHECK(::recv(peer.fd.get(), rest.data(), rest.size(), 0) == 0);
}

TEST_CASE("many messages flow through a bounded buffer, fetched by on_room") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.max_output_bytes = 4096;
    Client client(std::move(options), handler);
    peer.join(client);
    std::size_t got = 0;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (std::holds_alternative<Publish>(packet)) ++got;
        if (got == 10'000) client.stop();
    };
    std::size_t given = 0;
    std::size_t most = 0;
    handler.room = [&] {
        while (given < 10'000 && client.can_publish(Qos::at_most_once)) {
            REQUIRE(client.publish(message("topic", "payload")));
            ++given;
            most = std::max(most, client.session().pending_bytes());
        }
    };
    CHECK(run(client));
    CHECK(got == 10'000);
    CHECK(most < 4096 + 64);
}

TEST_CASE("what is received is acknowledged after on_turn_end, not before") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    std::string order;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.accept_client();
            auto publish = message("a", "b", Qos::at_least_once);
            publish.packet_id = 1;
            peer.send(publish);
            publish.packet_id = 2;
            peer.send(publish);
        } else {
            order += "acknowledged ";
            if (client.session().counters().received == 2) client.stop();
        }
    };
    handler.publish = [&](const Publish&) {
        CHECK(client.session().pending_bytes() == (order.empty() ? 0 : 4));
        order += "received ";
    };
    handler.turn_end = [&] {
        if (order == "received received ") order += "durable ";
    };
    CHECK(run(client));
    CHECK(order.starts_with("received received durable acknowledged "));
}

TEST_CASE("a handler that stops in on_turn_end leaves the messages unacknowledged") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (!std::holds_alternative<Connect>(packet)) return;
        peer.accept_client();
        auto publish = message("a", "b", Qos::at_least_once);
        publish.packet_id = 1;
        peer.send(publish);
    };
    handler.publish = [&](const Publish&) { handler.turn_end = [&] { client.stop(); }; };
    CHECK(run(client));
    std::array<std::uint8_t, 16> rest{};
    CHECK(::recv(peer.fd.get(), rest.data(), rest.size(), 0) == 0);
}

TEST_CASE("a postponed message is offered again when the pause ends, and nothing is read meanwhile") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (!std::holds_alternative<Connect>(packet)) return;
        peer.accept_client();
        peer.send(message("first", ""));
        peer.send(message("second", ""));
    };
    handler.publish = [&](const Publish& publish) {
        if (publish.topic == "second") return client.stop();
        handler.answer = Accept::later;
        client.pause(true);
        client.at(client.now() + 5ms, [&] {
            handler.log += "again\n";
            handler.answer = Accept::now;
            client.pause(false);
        });
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\npublish first 0\nagain\npublish second 0\n");
}

TEST_CASE("a message postponed during a pause is not offered before the pause ends") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (!std::holds_alternative<Connect>(packet)) return;
        peer.accept_client();
        peer.send(message("a", ""));
    };
    const auto on_message = [&](const Publish&) {
        handler.log += "offered\n";
        if (handler.log.ends_with("again\noffered\n")) {
            client.stop();
            return Accept::now;
        }
        client.pause(true);
        client.at(client.now() + 5ms, [&] { handler.log += "a turn\n"; });
        client.at(client.now() + 10ms, [&] {
            handler.log += "again\n";
            client.pause(false);
        });
        return Accept::later;
    };
    REQUIRE(client.subscribe({.filter = "a"}, on_message));
    CHECK(run(client));
    CHECK(handler.log == "connack 0\noffered\na turn\nagain\noffered\n");
}

TEST_CASE("a pause holds on the next connection, too") {
    Peer peer;
    Recorder handler;
    handler.drop_when_closed = true;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.accept_client(); };
    handler.connack = [&] {
        if (peer.connections == 2) return client.stop();
        client.pause(true);
        peer.hang_up();
        client.at(client.now() + 100ms, [&] {
            handler.log += "again\n";
            client.pause(false);
        });
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\npeer closed\nretry: lost the connection to " + peer.name() +
                             ": the server closed the connection\nagain\nconnack 0\n");
}

TEST_CASE("a pause for longer than any answer may take leaves a healthy connection alone") {
    Peer peer;
    Recorder handler;
    ClientOptions options = options_for(peer);
    options.session.keep_alive = 1;
    options.session.ack_timeout = std::chrono::seconds(1);
    Client client(options, handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
    };
    // The session waits five seconds for PINGRESP at least.
    constexpr auto longer = std::chrono::milliseconds(6500);
    handler.connack = [&] {
        REQUIRE(client.publish(Publish{.topic = "a", .qos = Qos::at_least_once}));
        client.pause(true);
        client.at(client.now() + longer, [&] { client.pause(false); });
        client.at(client.now() + longer + std::chrono::milliseconds(100), [&] { client.disconnect(); });
    };
    CHECK(client.run().has_value());
    CHECK(handler.log == "connack 0\n");
}

TEST_CASE("while paused a closed connection causes no turns, and is noticed afterwards") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.later = 0;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.accept_client(); };
    int turns = 0;
    handler.connack = [&] {
        client.pause(true);
        peer.reset();
        client.at(client.now() + 50ms, [&] { client.pause(false); });
        handler.turn_end = [&] { ++turns; };
    };
    CHECK_FALSE(run(client));
    CHECK(turns < 10);
}

TEST_CASE("the end of the peer is reported while a message waits") {
    for (const bool reset : {false, true}) {
        for (const bool drop : {false, true}) {
            CAPTURE(reset);
            CAPTURE(drop);
            Peer peer;
            Recorder handler;
            auto options = options_for(peer);
            options.reconnect.later = 0;
            Client client(std::move(options), handler);
            peer.join(client);
            peer.script = [&](const Packet& packet) {
                if (!std::holds_alternative<Connect>(packet)) return;
                peer.accept_client();
                peer.send(message("first", ""));
            };
            handler.connack = [&] { handler.answer = Accept::later; };
            handler.drop_when_closed = drop;
            client.at(client.now() + 10ms, [&] { reset ? peer.reset() : peer.hang_up(); });
            int turns = 0;
            handler.peer_closed = [&] {
                handler.turn_end = [&] { ++turns; };
                client.at(client.now() + 50ms, [&] { handler.answer = Accept::now; });
            };
            CHECK_FALSE(run(client));
            const std::string why = reset ? "connection reset by peer" : "the server closed the connection";
            CHECK(handler.log == std::string("connack 0\npeer closed\n") + (drop ? "" : "publish first 0\n") +
                                     "final: lost the connection to " + peer.name() + ": " + why + "\n");
            CHECK(turns < 10);
        }
    }
}

TEST_CASE("while a message waits, a peer that no longer confirms anything is lost") {
    // On a unix socket no kernel confirms bytes before they are read, as if the peer's machine were unreachable.
    const TempDir dir;
    const std::string path = dir.file("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);

    ClientOptions options;
    options.endpoint.unix_path = path;
    options.session.version = ProtocolVersion::v311;
    options.session.client_id = "tester";
    options.session.keep_alive = 1;
    options.reconnect.later = 0;
    Recorder handler;
    handler.answer = Accept::later;
    Client client(std::move(options), handler);
    Descriptor peer;
    client.watch(listener.get(), [&] {
        peer = Descriptor(::accept(listener.get(), nullptr, nullptr));
        client.watch(peer.get(), [&] {
            std::array<std::uint8_t, 256> connect{};
            REQUIRE(::recv(peer.get(), connect.data(), connect.size(), 0) > 0);
            client.unwatch(peer.get());
            std::vector<std::uint8_t> bytes;
            REQUIRE(encode(Connack{}, ProtocolVersion::v311, bytes));
            REQUIRE(encode(message("a", ""), ProtocolVersion::v311, bytes));
            REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), 0) > 0);
        });
    });
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::keep_alive_timeout);
    CHECK(result.error().context ==
          "lost the connection to " + path + ": the broker has accepted no data for 5 s");
}

TEST_CASE("everything received before the end of the peer is offered, although answers cannot be sent") {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once}) {
        CAPTURE(static_cast<int>(qos));
        constexpr PacketId count = 200;
        const std::string payload(400, 'x');  // all together more than is read at once
        Peer peer;
        Recorder handler;
        auto options = options_for(peer);
        options.reconnect.later = 0;
        Client client(std::move(options), handler);
        peer.join(client);
        peer.script = [&](const Packet& packet) {
            if (!std::holds_alternative<Connect>(packet)) return;
            peer.accept_client();
            for (PacketId id = 1; id <= count; ++id) {
                Publish publish = message("a", payload, qos);
                publish.packet_id = qos == Qos::at_most_once ? PacketId{0} : id;
                peer.send(publish);
            }
            peer.hang_up();
        };
        // One message, then a turn in which none is taken.
        std::size_t taken = 0;
        handler.connack = [&] { handler.answer = Accept::later; };
        handler.peer_closed = [&] { client.at(client.now(), [&] { handler.answer = Accept::now; }); };
        handler.publish = [&](const Publish&) {
            ++taken;
            handler.answer = Accept::later;
            client.at(client.now(), [&] { handler.answer = Accept::now; });
        };
        CHECK_FALSE(run(client));
        CHECK(taken == count);
        CHECK(handler.log.starts_with("connack 0\npeer closed, more unread\npublish a 400\n"));
    }
}

TEST_CASE("a big packet arrives whole, and its memory is not allocated in advance") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.version = ProtocolVersion::v311;
    Client client(std::move(options), handler);
    peer.join(client);
    // 20 MB, sent as the socket takes them.
    std::vector<std::uint8_t> bytes;
    const std::string payload(20'000'000, 'x');
    REQUIRE(encode(message("big", payload), ProtocolVersion::v311, bytes));
    std::size_t sent = 0;
    std::function<void()> more = [&] {
        const auto count = ::send(peer.fd.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count > 0) sent += static_cast<std::size_t>(count);
        if (sent < bytes.size()) client.at(client.now(), more);
    };
    peer.script = [&](const Packet&) {
        peer.accept_client();
        more();
    };
    handler.publish = [&](const Publish& publish) {
        CHECK(as_text(publish.payload) == payload);
        client.stop();
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\npublish big 20000000\n");
}

TEST_CASE("no CONNACK within connect_timeout is reported as such") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.connect_timeout = 20ms;
    Client client(std::move(options), handler);
    peer.join(client);
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::connect_timeout);
    CHECK(result.error().context == "cannot connect to " + peer.name() +
                                        ": connected, but no CONNACK within 0.02 s (is it an MQTT broker?)");
    CHECK(handler.log == "final: " + result.error().context + "\n");
}

TEST_CASE("an address that never answers times out") {
    const Blackhole hole;
    Recorder handler;
    ClientOptions options;
    options.endpoint.host = "127.0.0.1";
    options.endpoint.port = hole.port();
    options.connect_timeout = 20ms;
    Client client(std::move(options), handler);
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::connect_timeout);
    CHECK(result.error().reason == ETIMEDOUT);
}

TEST_CASE("what a connection attempt waits for can be queried before it times out") {
    const Blackhole hole;
    Peer silent;
    const auto waits_for = [](std::uint16_t port) {
        Recorder handler;
        ClientOptions options;
        options.endpoint.host = "127.0.0.1";
        options.endpoint.port = port;
        Client client(std::move(options), handler);
        CHECK_FALSE(client.awaited());
        std::string words;
        client.at(client.now() + 49ms, [&] {
            const auto awaited = client.awaited();
            REQUIRE(awaited);
            CHECK(awaited->code == ErrorCode::connect_timeout);
            words = awaited->context;
            client.stop();
        });
        CHECK(run(client));
        CHECK_FALSE(client.awaited());
        return words;
    };
    CHECK(waits_for(hole.port())
              .starts_with("cannot connect to 127.0.0.1:" + std::to_string(hole.port()) +
                           ": no answer within 0.0"));
    CHECK(waits_for(silent.port())
              .starts_with("cannot connect to " + silent.name() + ": connected, but no CONNACK within 0.0"));
}

TEST_CASE("signals are reported while connecting, while waiting for CONNACK and while waiting to retry") {
    const Blackhole hole;
    Peer silent;
    const Listener deaf("127.0.0.1", false);
    for (const auto port : {hole.port(), silent.port(), deaf.port}) {
        CAPTURE(port);
        Recorder handler;
        ClientOptions options;
        options.endpoint.host = "127.0.0.1";
        options.endpoint.port = port;
        options.reconnect.first = ReconnectPolicy::forever;
        options.reconnect.min_delay = options.reconnect.max_delay = 1h;
        Client client(std::move(options), handler);
        client.on_signal(SIGUSR1, [&] { client.disconnect(); });
        client.at(client.now() + 5ms, [] { ::raise(SIGUSR1); });
        CHECK(run(client));
    }
}

TEST_CASE("a CONNECT that cannot be encoded is a usage error") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.client_id = std::string(70'000, 'x');
    Client client(std::move(options), handler);
    peer.join(client);
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::usage);
    CHECK(peer.log.empty());
}

TEST_CASE("bytes that are not MQTT are answered with the reason in version 5 and end the run") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    std::string answer;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.accept_client();
            peer.send(as_bytes("\xff\xff\xff\xff\xff"));
        }
    };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::protocol_error);
    std::array<std::uint8_t, 16> rest{};
    const auto count = ::recv(peer.fd.get(), rest.data(), rest.size(), 0);
    REQUIRE(count >= 3);
    CHECK(rest[0] == 0xe0);
    CHECK(rest[2] == reason::malformed_packet);
    CHECK(::recv(peer.fd.get(), rest.data(), rest.size(), 0) == 0);
}

TEST_CASE("a message postponed without a pause is offered again in later turns, in its place") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (!std::holds_alternative<Connect>(packet)) return;
        peer.accept_client();
        peer.send(message("first", ""));
        peer.send(message("second", ""));
    };
    handler.answer = Accept::later;
    client.at(client.now() + 5ms, [&] { handler.answer = Accept::now; });
    handler.publish = [&](const Publish& publish) {
        if (publish.topic == "second") client.stop();
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\npublish first 0\npublish second 0\n");
}

TEST_CASE("held acknowledgements are sent when the handler releases them, and messages arrive meanwhile") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    std::string order;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.accept_client();
            for (const PacketId id : {PacketId{1}, PacketId{2}}) {
                auto publish = message("a", "", Qos::at_least_once);
                publish.packet_id = id;
                peer.send(publish);
            }
        } else if (const auto* ack = std::get_if<Ack>(&packet)) {
            order += "acknowledged " + std::to_string(ack->packet_id) + "; ";
            if (ack->packet_id == 2) client.disconnect();
        }
    };
    handler.answer = Accept::hold_acknowledgement;
    handler.publish = [&](const Publish&) {
        order += "received; ";
        if (client.session().counters().received == 0) return;
        client.at(client.now() + 5ms, [&] {
            order += "released; ";
            client.release_acknowledgements();
        });
    };
    CHECK(run(client));
    CHECK(order == "received; received; released; acknowledged 1; acknowledged 2; ");
}

TEST_CASE("an idle connection causes no turns") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.accept_client(); };
    int turns = 0;
    handler.connack = [&] {
        client.at(client.now() + 30ms, [&] { client.stop(); });
        handler.turn_end = [&] { ++turns; };
    };
    CHECK(run(client));
    // The one of CONNACK and the last.
    CHECK(turns == 2);
}

#ifndef MQTTC_SANITIZED  // the sanitizer needs descriptors itself
TEST_CASE("without a free descriptor the client ends with an error") {
    Recorder handler;
    ClientOptions options;
    options.endpoint.host = "broker.example";
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    Client client(std::move(options), handler);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto result = client.run();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE_FALSE(result);
    CHECK(result.error().context == "cannot resolve broker.example: too many open files");
}
#endif
