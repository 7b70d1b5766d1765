// Tests of lost connections: which are tried again, how often, where.
#include <doctest/doctest.h>

#include <utility>

#include "mqttc/client.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

TEST_CASE("the first connection is not tried again by default") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::closed_by_peer);
    CHECK(peer.connections == 1);
    CHECK(handler.log == "final: cannot connect to " + peer.name() +
                             ": the server closed the connection before CONNACK (is it an MQTT broker?)\n");
    CHECK(result.error().hint == Hint::maybe_tls);
}

TEST_CASE("a connection that is closed before CONNACK of MQTT 5 may be one to an older broker") {
    Peer peer;
    Recorder handler;
    ClientOptions options = options_for(peer);
    options.session.version = ProtocolVersion::v5;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    CHECK_FALSE(run(client));
    CHECK(handler.log.ends_with("(is it an MQTT broker, and does it support MQTT 5?)\n"));
}

TEST_CASE("the first connection is retried as often as requested, and each failure is reported once") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.first = 2;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    std::string retries;
    handler.lost = [&](std::optional<Duration> retry_in) { retries += retry_in ? "r" : "f"; };
    CHECK_FALSE(run(client));
    CHECK(peer.connections == 3);
    CHECK(retries == "rrf");
}

TEST_CASE("after a reconnect unacknowledged messages are sent again") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.clean_start = false;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet))
            peer.send(Connack{.session_present = peer.connections > 1});
        if (const auto* publish = std::get_if<Publish>(&packet)) {
            CHECK(publish->dup == (peer.connections == 2));
            if (peer.connections == 1) return peer.reset();
            peer.send(Ack{PacketType::puback, publish->packet_id});
        }
    };
    bool published = false;
    handler.connack = [&] {
        if (std::exchange(published, true)) return;
        Publish publish;
        publish.topic = "a";
        publish.qos = Qos::at_least_once;
        REQUIRE(client.publish(publish));
    };
    handler.delivered = [&] { client.disconnect(); };
    CHECK(run(client));
    CHECK(peer.connections == 2);
    CHECK(handler.log == "connack 0\nretry: lost the connection to " + peer.name() +
                             ": connection reset by peer\nconnack 0\ndelivered 0\n");
}

TEST_CASE("each connection attempt can have new credentials") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.endpoint.websocket = WebSocketOptions{};  // removed by the handler
    Client client(std::move(options), handler);
    peer.join(client);
    int attempts = 0;
    handler.connecting = [&](Endpoint& endpoint) {
        endpoint.websocket.reset();
        client.set_credentials("me", Secret("token " + std::to_string(++attempts)));
    };
    std::string passwords;
    peer.script = [&](const Packet& packet) {
        if (const auto* connect = std::get_if<Connect>(&packet)) {
            passwords += std::string(as_text(connect->password.value_or(Bytes()))) + ";";
            peer.accept_client();
        }
    };
    handler.connack = [&] {
        if (attempts == 3) return client.disconnect();
        client.at(client.now(), [&] { peer.hang_up(); });
    };
    CHECK(run(client));
    CHECK(passwords == "token 1;token 2;token 3;");
}

TEST_CASE("a lost connection is retried as often as the policy allows") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.later = 3;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) {
        if (peer.connections == 1) peer.accept_client();
        peer.hang_up();
    };
    CHECK_FALSE(run(client));
    CHECK(peer.connections == 4);
}

TEST_CASE("a permanent refusal ends the run with its code, a temporary one is retried") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.first = ReconnectPolicy::forever;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) {
        const auto codes =
            std::array{reason::server_busy, reason::server_unavailable, reason::not_authorized};
        peer.send(Connack{.code = codes[static_cast<std::size_t>(peer.connections - 1)]});
    };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::connection_refused);
    CHECK(result.error().reason == reason::not_authorized);
    CHECK(result.error().context == "cannot connect to " + peer.name() +
                                        ": the broker refused the connection: not authorized" +
                                        " (no user name was given)");
    CHECK(peer.connections == 3);
}

TEST_CASE("after DISCONNECT from the broker the reason decides about a retry") {
    struct Row {
        ReasonCode code;
        bool again;
    };
    for (const auto& row : {Row{reason::server_shutting_down, true}, Row{reason::success, true},
                            Row{reason::maximum_connect_time, true}, Row{reason::session_taken_over, false},
                            Row{reason::not_authorized, false}, Row{reason::packet_too_large, false},
                            Row{reason::use_another_server, false}}) {
        CAPTURE(int{row.code});
        Peer peer(ProtocolVersion::v5);
        Recorder handler;
        Client client(options_for(peer), handler);
        peer.join(client);
        peer.script = [&](const Packet&) {
            peer.accept_client();
            if (peer.connections == 2) return client.stop();
            peer.send(Disconnect{row.code, {}});
        };
        const auto result = run(client);
        CHECK(result.has_value() == row.again);
        CHECK(peer.connections == (row.again ? 2 : 1));
        if (!result) CHECK(result.error().code == ErrorCode::server_disconnect);
    }
}

TEST_CASE("a redirect to another server is followed only on request, and once") {
    Peer first(ProtocolVersion::v5);
    Peer second(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for(first);
    bool follow = true;
    SUBCASE("not without the option") {
        follow = false;
    }
    SUBCASE("once") {}
    options.follow_redirect = follow;
    Client client(std::move(options), handler);
    first.join(client);
    second.join(client);
    const auto sends_to = [&](Peer& peer, const Peer& other) {
        peer.script = [&](const Packet&) {
            Properties properties;
            REQUIRE(properties.add(PropertyId::server_reference, other.name() + " elsewhere.example"));
            peer.send(Connack{.code = reason::use_another_server, .properties = properties.view()});
        };
    };
    sends_to(first, second);
    sends_to(second, first);
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().reason == reason::use_another_server);
    const std::string refused = ": the broker refused the connection: use another server: ";
    if (follow) {
        CHECK(result.error().context == "cannot connect to " + second.name() + refused + first.name() +
                                            " (a second redirect is not followed)");
    } else {
        CHECK(result.error().context == "cannot connect to " + first.name() + refused + second.name());
        CHECK(result.error().hint == Hint::redirect);
    }
    CHECK(first.connections == 1);
    CHECK(second.connections == (follow ? 1 : 0));
}

TEST_CASE("after a redirect the new server gets no identifier that the first one assigned") {
    Peer first(ProtocolVersion::v5);
    Peer second(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for(first);
    options.session.client_id.clear();
    options.follow_redirect = true;
    Client client(std::move(options), handler);
    first.join(client);
    second.join(client);
    first.script = [&](const Packet&) {
        Properties assigned;
        REQUIRE(assigned.add(PropertyId::assigned_client_identifier, "x\r\nFLUSHALL\r\n"));
        first.send(Connack{.properties = assigned.view()});
        Properties properties;
        REQUIRE(properties.add(PropertyId::server_reference, second.name()));
        first.send(Disconnect{reason::server_moved, properties.view()});
    };
    std::string seen = "none";
    second.script = [&](const Packet& packet) {
        if (const auto* connect = std::get_if<Connect>(&packet)) seen = connect->client_id;
        client.stop();
    };
    REQUIRE(run(client));
    CHECK(seen.empty());
}

TEST_CASE("a redirect to another host is not followed without TLS, and an unusable one never") {
    struct Row {
        const char* reference;
        const char* shown;
    };
    for (const auto& row :
         {Row{"other.example:1", ": other.example:1 (another host is followed only over verified TLS)"},
          Row{"user:pw@127.0.0.1", ": user:pw@127.0.0.1"}, Row{"\x1b[2J", ": \\x1b[2J"},
          Row{"", " (without naming it)"}}) {
        CAPTURE(row.reference);
        Peer peer(ProtocolVersion::v5);
        Recorder handler;
        auto options = options_for(peer);
        options.follow_redirect = true;
        Client client(std::move(options), handler);
        peer.join(client);
        peer.script = [&](const Packet&) {
            Properties properties;
            if (*row.reference != '\0') REQUIRE(properties.add(PropertyId::server_reference, row.reference));
            peer.accept_client();
            peer.send(Disconnect{reason::server_moved, properties.view()});
        };
        const auto result = run(client);
        REQUIRE_FALSE(result);
        CHECK(result.error().context == "lost the connection to " + peer.name() +
                                            ": the broker disconnected: server moved" + row.shown);
        CHECK(peer.connections == 1);
    }
}

TEST_CASE("stopping from on_connection_lost ends the run") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.first = ReconnectPolicy::forever;
    options.reconnect.min_delay = options.reconnect.max_delay = options.reconnect.quick_delay = 1h;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    handler.lost = [&](std::optional<Duration>) { client.stop(); };
    CHECK(run(client));
}

TEST_CASE("after a good connection it is tried again within 0.3 s, and then after the usual delays") {
    for (const bool subscriber : {true, false}) {
        CAPTURE(subscriber);
        Peer peer;
        Recorder handler;
        auto options = options_for(peer);
        options.reconnect.min_delay = 10s;
        options.reconnect.max_delay = 60s;
        Client client(std::move(options), handler);
        peer.join(client);
        handler.connack = [&] {
            const Subscription all{.filter = "#"};
            if (subscriber) REQUIRE(client.subscribe({&all, 1}));
            if (!subscriber) peer.hang_up();
        };
        peer.script = [&](const Packet& packet) {
            if (std::holds_alternative<Connect>(packet)) return peer.accept_client();
            const auto* subscribe = std::get_if<Subscribe>(&packet);
            if (subscribe == nullptr) return;
            const ReasonCode granted[] = {0};
            peer.send(Suback{.packet_id = subscribe->packet_id, .codes = granted, .properties = {}});
            peer.hang_up();
        };
        std::vector<Duration> delays;
        handler.lost = [&](std::optional<Duration> retry_in) {
            delays.push_back(retry_in.value());
            if (delays.size() == 2) client.stop();
        };
        REQUIRE(run(client));
        // A subscriber is back before a publisher.
        CHECK(delays[0] >= (subscriber ? 100ms : 200ms));
        CHECK(delays[0] <= (subscriber ? 200ms : 300ms));
        // A broker that closes each connection is not tried several times a second.
        CHECK(delays[1] >= 10s);
    }
}

TEST_CASE("a silent broker is noticed by the acknowledgement time-out") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.ack_timeout = 20ms;
    options.reconnect.later = 0;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
    };
    handler.connack = [&] {
        Publish publish;
        publish.topic = "a";
        publish.qos = Qos::at_least_once;
        REQUIRE(client.publish(publish));
    };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::ack_timeout);
}

TEST_CASE("a broker that reads a large message slowly is waited for longer than the time-out") {
    Peer peer;
    const int room = 16 * 1024;
    REQUIRE(::setsockopt(peer.listener.fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    Recorder handler;
    auto options = options_for(peer);
    options.session.ack_timeout = 300ms;
    options.reconnect.later = 0;
    Client client(std::move(options), handler);
    peer.join(client);
    const std::string payload(400'000, 'x');  // the client's kernel takes it at once
    std::size_t received = 0;
    std::function<void()> read_slowly = [&] {
        std::array<std::uint8_t, 10'000> part;
        received += static_cast<std::size_t>(
            std::max<ssize_t>(::recv(peer.fd.get(), part.data(), part.size(), 0), 0));
        if (received > payload.size()) return peer.send(Ack{PacketType::puback, 1});
        client.at(client.now() + 20ms, read_slowly);
    };
    peer.script = [&](const Packet&) {
        peer.accept_client();
        client.unwatch(peer.fd.get());
        read_slowly();
    };
    handler.connack = [&] {
        REQUIRE(client.publish({.topic = "a", .payload = as_bytes(payload), .qos = Qos::at_least_once}));
    };
    handler.delivered = [&] { client.disconnect(); };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\ndelivered 0\n");
}

TEST_CASE("a connection on which a message is acknowledged starts the count of tries again") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.later = 1;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        const auto* publish = std::get_if<Publish>(&packet);
        if (publish == nullptr) return;
        peer.send(Ack{PacketType::puback, publish->packet_id});
        if (peer.connections < 4) peer.hang_up();
    };
    handler.connack = [&] { REQUIRE(client.publish(Publish{.topic = "a", .qos = Qos::at_least_once})); };
    handler.delivered = [&] {
        if (peer.connections == 4) client.disconnect();
    };
    CHECK(run(client));
    CHECK(peer.connections == 4);
}

TEST_CASE("connections in a row on which nothing is acknowledged are counted, though each is accepted") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.later = 2;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        const auto* publish = std::get_if<Publish>(&packet);
        if (publish == nullptr) return;
        if (as_text(publish->payload) == "bad") return peer.hang_up();
        peer.send(Ack{PacketType::puback, publish->packet_id});
    };
    bool published = false;
    handler.connack = [&] {
        if (std::exchange(published, true)) return;
        for (const std::string_view payload : {"good", "bad"})
            REQUIRE(client.publish(
                {.topic = "a", .payload = as_bytes(payload), .qos = Qos::at_least_once, .properties = {}}));
    };
    CHECK_FALSE(run(client));
    CHECK(peer.connections == 3);
    const auto oldest = client.session().oldest_unfinished();
    REQUIRE(oldest);
    CHECK(as_text(oldest->payload) == "bad");
}

TEST_CASE(
    "with after_refusal a refusal after the first connection is tried again, a taken identifier is not") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for(peer);
    options.reconnect.after_refusal = true;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) {
        if (peer.connections == 2) return peer.send(Connack{.code = reason::not_authorized});
        peer.accept_client();
        peer.send(Disconnect{
            peer.connections == 1 ? reason::administrative_action : reason::session_taken_over, {}});
    };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().reason == reason::session_taken_over);
    CHECK(peer.connections == 3);
}
