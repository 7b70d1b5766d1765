// What a client sends before CONNACK, and what happens when the broker does not accept that.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>

#include "mqttc/client.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

ClientOptions early_options(const Peer& peer) {
    ClientOptions options = options_for(peer);
    options.session.send_before_connack = true;
    return options;
}

/// Publishes at QoS 1 in on_opened, and ends when that is delivered.
void publish_early(Client& client, Recorder& handler) {
    handler.opened = [&] {
        REQUIRE(client.publish({.topic = "a", .payload = {}, .qos = Qos::at_least_once}));
    };
    handler.delivered = [&] { client.disconnect(); };
}

std::string early_error(const Peer& peer) {
    return "early refused: cannot connect to " + peer.name() +
           ": the server closed the connection before CONNACK (is it an MQTT broker?)\n";
}

}  // namespace

TEST_CASE("on_opened publishes and a function subscribes before CONNACK") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    publish_early(client, handler);
    ReasonCode subscribed = 0xff;
    REQUIRE(client.subscribe(
        {.filter = "b", .qos = Qos::at_least_once}, [](const Publish&) { return Accept::now; },
        [&](ReasonCode code) { subscribed = code; }));
    peer.script = [&](const Packet& packet) {
        // CONNACK only after both.
        const auto* subscribe = std::get_if<Subscribe>(&packet);
        if (subscribe == nullptr) return;
        peer.accept_client();
        const std::uint8_t granted[] = {1};
        peer.send(Ack{PacketType::puback, 1});
        peer.send(Suback{subscribe->packet_id, granted, {}});
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\ndelivered 0\n");
    CHECK(subscribed == 1);
    CHECK(peer.connections == 1);
}

TEST_CASE("a connection that is closed for it before CONNACK is repeated at once, without delay and limit") {
    for (const bool reset : {false, true}) {
        CAPTURE(reset);
        Peer peer;
        Recorder handler;
        ClientOptions options = early_options(peer);
        options.reconnect.first = 0;
        options.reconnect.min_delay = options.reconnect.max_delay = 1h;
        Client client(std::move(options), handler);
        peer.join(client);
        publish_early(client, handler);
        peer.script = [&](const Packet& packet) {
            const auto* publish = std::get_if<Publish>(&packet);
            if (peer.connections == 1) {
                if (publish != nullptr) reset ? peer.reset() : peer.hang_up();
                return;
            }
            if (std::holds_alternative<Connect>(packet)) {
                CHECK(peer.received.empty());
                peer.accept_client();
            }
            if (publish == nullptr) return;
            CHECK_FALSE(publish->dup);
            peer.send(Ack{PacketType::puback, publish->packet_id});
        };
        CHECK(run(client));
        CHECK(peer.connections == 2);
        if (!reset) CHECK(handler.log == early_error(peer) + "connack 0\ndelivered 0\n");
        CHECK(client.session().counters().delivered == 1);
    }
}

TEST_CASE("a broker that answers before CONNACK is connected to again, too") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    publish_early(client, handler);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet) && peer.connections == 2) peer.accept_client();
        const auto* publish = std::get_if<Publish>(&packet);
        if (publish != nullptr) peer.send(Ack{PacketType::puback, publish->packet_id});
    };
    CHECK(run(client));
    CHECK(peer.connections == 2);
    CHECK(client.session().counters().delivered == 1);
}

TEST_CASE("a second connection that is closed is the business of the reconnect policy") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    publish_early(client, handler);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::closed_by_peer);
    CHECK(peer.connections == 2);
    CHECK(handler.log == early_error(peer) + "final: " + result.error().context + "\n");
    CHECK(client.session().counters().pending == 1);
}

TEST_CASE("a refusal in CONNACK, and a close without early packets, are not repeated") {
    Peer refusing;
    Recorder refused;
    Client first(early_options(refusing), refused);
    refusing.join(first);
    publish_early(first, refused);
    refusing.script = [&](const Packet& packet) {
        if (std::holds_alternative<Publish>(packet)) refusing.send(Connack{.code = 5});
    };
    CHECK_FALSE(run(first));
    CHECK(refusing.connections == 1);

    Peer closing;
    Recorder closed;
    Client second(early_options(closing), closed);
    closing.join(second);
    closing.script = [&](const Packet&) { closing.hang_up(); };
    CHECK_FALSE(run(second));
    CHECK(closing.connections == 1);
}

TEST_CASE("a broker that ignores what arrives before CONNACK gets it again on another connection") {
    Peer peer;
    Recorder handler;
    ClientOptions options = early_options(peer);
    options.session.ack_timeout = 300ms;
    Client client(std::move(options), handler);
    peer.join(client);
    publish_early(client, handler);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* publish = std::get_if<Publish>(&packet); publish != nullptr && peer.connections == 2)
            peer.send(Ack{PacketType::puback, publish->packet_id});
    };
    CHECK(run(client));
    CHECK(peer.connections == 2);
    CHECK(handler.log == "connack 0\nearly refused: lost the connection to " + peer.name() +
                             ": no acknowledgement from the broker for 0 s\nconnack 0\ndelivered 0\n");
}
