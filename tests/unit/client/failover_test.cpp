// Tests of several endpoints and of several addresses of one name: the order in which they are tried, and when.
#include <doctest/doctest.h>

#include <utility>

#include "mqttc/client.hpp"
#include "peer.hpp"
#include "support/needs.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

ClientOptions options_for(const std::vector<std::uint16_t>& ports) {
    ClientOptions options;
    options.endpoint.host = "unused.invalid";
    for (const auto port : ports) options.endpoints.push_back({.host = "127.0.0.1", .port = port});
    options.session.client_id = "tester";
    options.reconnect.min_delay = options.reconnect.max_delay = 1ms;
    return options;
}

void accept_in(Peer& peer) {
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
    };
}

}  // namespace

TEST_CASE("endpoints are tried in their order, the next one at once") {
    const Listener deaf("127.0.0.1", false);
    Peer hangs_up;
    Peer works;
    Peer unused;
    Recorder handler;
    auto options = options_for({deaf.port, hangs_up.port(), works.port(), unused.port()});
    options.reconnect.min_delay = options.reconnect.max_delay = 1h;
    Client client(std::move(options), handler);
    for (Peer* peer : {&hangs_up, &works, &unused}) peer->join(client);
    hangs_up.script = [&](const Packet&) { hangs_up.hang_up(); };
    accept_in(works);
    std::string delays;
    handler.lost = [&](std::optional<Duration> in) { delays += in == Duration::zero() ? "0" : "x"; };
    handler.connack = [&] { client.disconnect(); };
    REQUIRE(run(client));
    CHECK(delays == "00");
    CHECK(handler.log ==
          "retry: cannot connect to 127.0.0.1:" + std::to_string(deaf.port) +
              ": connection refused (is a broker running there?)\nretry: cannot connect to " +
              hangs_up.name() +
              ": the server closed the connection before CONNACK (is it an MQTT broker?)\nconnack 0\n");
    CHECK(client.endpoint().port == works.port());
    CHECK(unused.connections == 0);
}

TEST_CASE("an endpoint that does not answer costs its time-out, and the next one is tried") {
    const Blackhole hole;
    Peer mute;
    Peer works;
    Recorder handler;
    auto options = options_for({hole.port(), mute.port(), works.port()});
    options.connect_timeout = 50ms;
    Client client(std::move(options), handler);
    mute.join(client);
    works.join(client);
    accept_in(works);
    handler.connack = [&] { client.disconnect(); };
    REQUIRE(run(client));
    CHECK(mute.connections == 1);
    CHECK(handler.log.find("no answer within 0.05 s") != std::string::npos);
    CHECK(handler.log.find("connected, but no CONNACK within 0.05 s") != std::string::npos);
}

TEST_CASE("a refusal by one broker is no reason not to ask the next, but if all refuse the run ends") {
    Peer first;
    Peer second;
    Recorder handler;
    auto options = options_for({first.port(), second.port()});
    options.reconnect.first = ReconnectPolicy::forever;
    Client client(std::move(options), handler);
    first.join(client);
    second.join(client);
    constexpr ReasonCode not_authorized_v3 = 5;
    const auto refuse = [](Peer& peer) {
        peer.script = [&](const Packet&) { peer.send(Connack{.code = not_authorized_v3}); };
    };
    refuse(first);
    SUBCASE("the next one accepts") {
        accept_in(second);
        handler.connack = [&] { client.disconnect(); };
        CHECK(run(client));
    }
    SUBCASE("the next one refuses too") {
        refuse(second);
        const auto result = run(client);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::connection_refused);
        CHECK(result.error().context.find(second.name()) != std::string::npos);
        CHECK(second.connections == 1);
    }
    SUBCASE("the next one is unreachable for a while: another round follows") {
        second.script = [&](const Packet&) {
            if (second.connections == 1) return second.hang_up();
            second.accept_client();
        };
        handler.connack = [&] { client.disconnect(); };
        CHECK(run(client));
        CHECK(second.connections == 2);
    }
    CHECK(first.connections == second.connections);
}

TEST_CASE("a try is a round through all endpoints, and only after a round there is a delay") {
    Peer first;
    Peer second;
    Recorder handler;
    auto options = options_for({first.port(), second.port()});
    options.reconnect.first = 2;
    Client client(std::move(options), handler);
    for (Peer* peer : {&first, &second}) {
        peer->join(client);
        peer->script = [peer](const Packet&) { peer->hang_up(); };
    }
    std::string delays;
    handler.lost = [&](std::optional<Duration> in) {
        delays += !in ? "f" : *in == Duration::zero() ? "0" : "d";
    };
    CHECK_FALSE(run(client));
    CHECK(delays == "0d0d0f");
}

TEST_CASE("the client stays with the endpoint that works, and leaves it when it does not answer any more") {
    Peer first;
    Peer second;
    Recorder handler;
    auto options = options_for({first.port(), second.port()});
    options.session.ack_timeout = 1s;
    Client client(std::move(options), handler);
    first.join(client);
    second.join(client);
    std::string order;
    bool answering = true;
    const auto serve = [&](Peer& peer, char name) {
        peer.script = [&, name](const Packet& packet) {
            if (std::holds_alternative<Connect>(packet)) {
                order += name;
                peer.accept_client();
            }
            const auto* publish = std::get_if<Publish>(&packet);
            if (publish != nullptr && answering) peer.send(Ack{PacketType::puback, publish->packet_id});
        };
    };
    serve(first, '1');
    serve(second, '2');
    const auto publish = [&] {
        const Publish message{.topic = "a", .payload = as_bytes("x"), .qos = Qos::at_least_once};
        REQUIRE(client.publish(message));
    };
    handler.connack = publish;
    int delivered = 0;
    handler.delivered = [&] {
        if (++delivered > 2) return client.disconnect();
        // Long enough to count as a connection that worked.
        client.at(client.now() + 150ms, [&] {
            if (delivered == 1) return first.reset();
            answering = false;
            publish();
        });
    };
    handler.lost = [&](std::optional<Duration> in) {
        CHECK(in == Duration::zero());
        if (delivered == 2) answering = true;
    };
    REQUIRE(run(client));
    CHECK(order == "112");
}

TEST_CASE("connections that end as soon as they are accepted do not make a loop without delay") {
    Peer first;
    Peer second;
    Recorder handler;
    auto options = options_for({first.port(), second.port()});
    options.reconnect.later = 2;
    Client client(std::move(options), handler);
    for (Peer* peer : {&first, &second}) {
        peer->join(client);
        peer->script = [peer](const Packet&) {
            peer->accept_client();
            peer->hang_up();
        };
    }
    CHECK_FALSE(run(client));
    CHECK(first.connections + second.connections == 6);
}

TEST_CASE("the session continues on the next broker, which gets no identifier that another one assigned") {
    Peer first(ProtocolVersion::v5);
    Peer second(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for({first.port(), second.port()});
    options.session.version = ProtocolVersion::v5;
    options.session.client_id.clear();
    Client client(std::move(options), handler);
    first.join(client);
    second.join(client);
    first.script = [&](const Packet& packet) {
        Properties assigned;
        REQUIRE(assigned.add(PropertyId::assigned_client_identifier, "of-first"));
        if (std::holds_alternative<Connect>(packet)) first.send(Connack{.properties = assigned.view()});
        if (std::holds_alternative<Publish>(packet)) first.reset();
    };
    std::string identifier = "none";
    second.script = [&](const Packet& packet) {
        if (const auto* connect = std::get_if<Connect>(&packet)) {
            identifier = connect->client_id;
            second.accept_client();
        }
        if (const auto* publish = std::get_if<Publish>(&packet))
            second.send(Ack{PacketType::puback, publish->packet_id});
    };
    bool published = false;
    handler.connack = [&] {
        if (std::exchange(published, true)) return;
        REQUIRE(client.publish(
            {.topic = "a", .payload = as_bytes("x"), .qos = Qos::at_least_once, .properties = {}}));
    };
    handler.delivered = [&] { client.disconnect(); };
    REQUIRE(run(client));
    CHECK(identifier.empty());
}

TEST_CASE("when the broker at one address of a name fails, its other addresses are tried at once" *
          needs_ipv6()) {
    Peer v6(ProtocolVersion::v311, "::1");
    Peer v4(ProtocolVersion::v311, "127.0.0.1", v6.port());
    Recorder handler;
    auto options = mqttc::test::options_for(v4);
    options.endpoint.host = "localhost";
    options.connect_timeout = 500ms;
    Client client(std::move(options), handler);
    v6.join(client);
    v4.join(client);
    accept_in(v4);
    handler.connack = [&] { client.disconnect(); };
    SUBCASE("it closes") {
        v6.script = [&](const Packet&) { v6.hang_up(); };
    }
    SUBCASE("it does not answer") {}
    REQUIRE(run(client));
    CHECK(v6.connections == 1);
    CHECK(handler.log == "connack 0\n");
}

TEST_CASE("after a redirect the other addresses are tried, too, when the handshake at the first one fails" *
          needs_ipv6()) {
    Peer v6(ProtocolVersion::v5, "::1");
    Peer v4(ProtocolVersion::v5, "127.0.0.1", v6.port());
    Recorder handler;
    auto options = mqttc::test::options_for(v4);
    options.endpoint.port = 1883;
    options.endpoint.proxy.emplace();
    options.endpoint.proxy->kind = ProxyKind::http_connect;
    options.endpoint.proxy->host = "localhost";
    options.endpoint.proxy->port = v6.port();
    options.follow_redirect = true;
    Client client(std::move(options), handler);
    v6.join(client);
    v4.join(client);
    const auto dialogue = [](const std::string& to, const char* status) {
        return std::pair("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n",
                         std::string("HTTP/1.1 ") + status + "\r\n\r\n");
    };
    v6.proxy_dialogue = {dialogue("127.0.0.1:1883", "200 OK")};
    v6.script = [&](const Packet&) {
        v6.proxy_dialogue = {dialogue("127.0.0.1:1884", "503 Busy")};
        Properties properties;
        REQUIRE(properties.add(PropertyId::server_reference, "127.0.0.1:1884"));
        v6.accept_client();
        v6.send(Disconnect{reason::server_moved, properties.view()});
    };
    v4.proxy_dialogue = {dialogue("127.0.0.1:1884", "200 OK")};
    accept_in(v4);
    handler.connack = [&] {
        if (v4.connections == 1) client.disconnect();
    };
    REQUIRE(run(client));
    CHECK(v6.connections == 2);
    CHECK(v4.connections == 1);
}
