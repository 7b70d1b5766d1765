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
    options.session.subscribe_before_connack = true;
    return options;
}

/// Subscribes in on_opened, and ends when that is granted.
void subscribe_early(Client& client, Recorder& handler) {
    handler.opened = [&] {
        const Subscription subscription{.filter = "a"};
        REQUIRE(client.subscribe({&subscription, 1}));
    };
    handler.suback = [&] { client.disconnect(); };
}

void grant(Peer& peer, const Subscribe& packet) {
    const std::uint8_t granted[] = {0};
    peer.send(Suback{packet.packet_id, granted, {}});
}

std::string early_error(const Peer& peer) {
    return "early refused: cannot connect to " + peer.name() +
           ": the server closed the connection before CONNACK (is it an MQTT broker?)\n";
}

}  // namespace

TEST_CASE("on_opened and a function subscribe before CONNACK") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    subscribe_early(client, handler);
    ReasonCode subscribed = 0xff;
    REQUIRE(client.subscribe(
        {.filter = "b", .qos = Qos::at_least_once}, [](const Publish&) { return Accept::now; },
        [&](ReasonCode code) { subscribed = code; }));
    std::vector<PacketId> requests;
    peer.script = [&](const Packet& packet) {
        // CONNACK only after both.
        if (const auto* subscribe = std::get_if<Subscribe>(&packet)) requests.push_back(subscribe->packet_id);
        if (requests.size() != 2) return;
        peer.accept_client();
        const std::uint8_t granted[] = {1};
        peer.send(Suback{std::exchange(requests[1], PacketId{0}), granted, {}});
        peer.send(Suback{requests[0], granted, {}});
        requests.clear();
    };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\n");
    CHECK(subscribed == 1);
    CHECK(peer.connections == 1);
}

TEST_CASE("a connection that is closed for it is repeated at once, without delay and limit") {
    for (const bool reset : {false, true}) {
        CAPTURE(reset);
        Peer peer;
        Recorder handler;
        ClientOptions options = early_options(peer);
        options.reconnect.first = 0;
        options.reconnect.min_delay = options.reconnect.max_delay = 1h;
        Client client(std::move(options), handler);
        peer.join(client);
        subscribe_early(client, handler);
        peer.script = [&](const Packet& packet) {
            const auto* subscribe = std::get_if<Subscribe>(&packet);
            if (peer.connections == 1) {
                if (subscribe == nullptr) return;
                reset ? peer.reset() : peer.hang_up();
                return;
            }
            if (std::holds_alternative<Connect>(packet)) {
                CHECK(peer.received.empty());
                peer.accept_client();
            }
            if (subscribe != nullptr) grant(peer, *subscribe);
        };
        CHECK(run(client));
        CHECK(peer.connections == 2);
        if (!reset) CHECK(handler.log == early_error(peer) + "connack 0\n");
    }
}

TEST_CASE("a DISCONNECT for a request that CONNACK forbids does not end the run") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    ClientOptions options = early_options(peer);
    options.session.version = ProtocolVersion::v5;
    Client client(std::move(options), handler);
    peer.join(client);
    handler.opened = [&] {
        for (const char* filter : {"a", "a/#"}) {
            const Subscription subscription{.filter = filter};
            REQUIRE(client.subscribe({&subscription, 1}));
        }
    };
    handler.connack = [&] {
        if (peer.connections == 2) client.disconnect();
    };
    Properties limits;
    REQUIRE(limits.add(PropertyId::wildcard_subscription_available, 0));
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.send(Connack{.properties = limits.view()});
        const auto* subscribe = std::get_if<Subscribe>(&packet);
        if (subscribe == nullptr || peer.connections == 2) return;
        if (subscribe->subscriptions.front().filter == "a") return grant(peer, *subscribe);
        peer.send(Disconnect{reason::wildcard_subscriptions_not_supported, {}});
        peer.hang_up();
    };
    CHECK(run(client));
    CHECK(peer.connections == 2);
}

TEST_CASE("a broker that answers before CONNACK is connected to again, too") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    subscribe_early(client, handler);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet) && peer.connections == 2) peer.accept_client();
        if (const auto* subscribe = std::get_if<Subscribe>(&packet)) grant(peer, *subscribe);
    };
    CHECK(run(client));
    CHECK(peer.connections == 2);
}

TEST_CASE("with a version to fall back to, nothing is sent before CONNACK") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    ClientOptions options = early_options(peer);
    options.session.version = ProtocolVersion::v5;
    options.fallback_version = ProtocolVersion::v311;
    Client client(std::move(options), handler);
    peer.join(client);
    handler.opened = [] { FAIL("it must wait"); };
    handler.connack = [&] { client.disconnect(); };
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
    };
    CHECK(run(client));
}

TEST_CASE("a message that was published before CONNACK is kept: there is no other version for it") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    ClientOptions options = options_for(peer);
    options.session.version = ProtocolVersion::v5;
    options.fallback_version = ProtocolVersion::v311;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    REQUIRE(client.publish(Publish{.topic = "a", .qos = Qos::at_least_once}));
    CHECK_FALSE(run(client));
    CHECK(peer.connections == 1);
    CHECK(client.session().counters().pending == 1);
}

TEST_CASE("a second connection that is closed is the business of the reconnect policy") {
    Peer peer;
    Recorder handler;
    Client client(early_options(peer), handler);
    peer.join(client);
    subscribe_early(client, handler);
    peer.script = [&](const Packet&) { peer.hang_up(); };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::closed_by_peer);
    CHECK(peer.connections == 2);
    CHECK(handler.log == early_error(peer) + "final: " + result.error().context + "\n");
}

TEST_CASE("a refusal in CONNACK, and a close without early packets, are not repeated") {
    Peer refusing;
    Recorder refused;
    Client first(early_options(refusing), refused);
    refusing.join(first);
    subscribe_early(first, refused);
    refusing.script = [&](const Packet& packet) {
        if (std::holds_alternative<Subscribe>(packet)) refusing.send(Connack{.code = 5});
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
    subscribe_early(client, handler);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* subscribe = std::get_if<Subscribe>(&packet);
            subscribe != nullptr && peer.connections == 2)
            grant(peer, *subscribe);
    };
    CHECK(run(client));
    CHECK(peer.connections == 2);
    CHECK(handler.log == "connack 0\nearly refused: lost the connection to " + peer.name() +
                             ": no acknowledgement from the broker for 0.15 s\nconnack 0\n");
}
