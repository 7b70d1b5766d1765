// Tests of disconnect_when_delivered(), of single acknowledgements, and of messages sent during an outage.
#include <doctest/doctest.h>

#include <utility>

#include "base/encoding.hpp"
#include "mqttc/client.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

Publish numbered(std::string_view payload, Qos qos = Qos::at_least_once) {
    return {.topic = "a", .payload = as_bytes(payload), .qos = qos};
}

/// The bytes that a broker sends for a message of QoS 1 or 2.
Packet from_broker(std::string_view payload, PacketId id, Qos qos, bool dup = false) {
    return Publish{.topic = "a", .payload = as_bytes(payload), .qos = qos, .dup = dup, .packet_id = id};
}

/// What the client wrote last, as hexadecimal digits: the peer's loop has ended with the client's.
std::string last_bytes(const Peer& peer) {
    std::array<std::uint8_t, 64> rest{};
    const auto count = ::recv(peer.fd.get(), rest.data(), rest.size(), 0);
    REQUIRE(count >= 0);
    return to_hex(Bytes(rest).first(static_cast<std::size_t>(count)));
}

}  // namespace

TEST_CASE("disconnect_when_delivered() waits for every acknowledgement, over a reconnect") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    int published = 0;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        const auto* publish = std::get_if<Publish>(&packet);
        if (publish == nullptr) return;
        if (++published == 3) return peer.reset();
        peer.send(Ack{PacketType::puback, publish->packet_id});
    };
    int done = 0;
    for (int i = 0; i < 5; ++i) REQUIRE(client.publish(numbered("x"), [&](ReasonCode) { ++done; }));
    client.disconnect_when_delivered(10s);
    REQUIRE(run(client));
    CHECK(done == 5);
    CHECK(peer.connections == 2);
    CHECK(last_bytes(peer) == "e000");
}

TEST_CASE("disconnect_when_delivered() gives up after its time and says how many are missing") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
    };
    REQUIRE(client.publish(numbered("x")));
    REQUIRE(client.publish(numbered("x")));
    client.disconnect_when_delivered(50ms);
    SUBCASE("connected") {}
    SUBCASE("not connected") {
        peer.script = nullptr;
    }
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::ack_timeout);
    CHECK(result.error().context == "2 messages were not delivered within 0.05 s");
}

TEST_CASE("QoS 0 messages that the kernel holds when the broker resets the connection count as dropped") {
    for (const bool disconnects : {false, true}) {
        CAPTURE(disconnects);
        Peer peer;
        Recorder handler;
        auto options = options_for(peer);
        options.reconnect.later = 0;
        options.session.max_output_bytes = 16 * 1024 * 1024;
        Client client(std::move(options), handler);
        peer.join(client);
        peer.script = [&](const Packet&) {
            peer.accept_client();
            client.unwatch(peer.fd.get());
            client.at(client.now() + 100ms, [&] { peer.reset(); });
        };
        const std::string payload(10'000, 'x');
        handler.connack = [&] {
            for (int i = 0; i < 1'600; ++i) REQUIRE(client.publish(numbered(payload, Qos::at_most_once)));
            if (disconnects) client.disconnect();
        };
        CHECK_FALSE(run(client));
        // One at most was sent in part.
        CHECK(client.session().counters().dropped > 1);
    }
}

TEST_CASE("messages are acknowledged one by one, in their order") {
    Peer peer;
    Recorder handler;
    handler.answer = Accept::hold_acknowledgement;
    Client client(options_for(peer), handler);
    peer.join(client);
    std::string acknowledged;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.accept_client();
            for (PacketId id = 1; id <= 4; ++id)
                peer.send(from_broker("x", id, id == 3 ? Qos::exactly_once : Qos::at_least_once));
        }
        const auto* ack = std::get_if<Ack>(&packet);
        if (ack == nullptr) return;
        acknowledged += std::to_string(ack->packet_id) + (ack->type == PacketType::pubrec ? "r " : " ");
        if (ack->packet_id == 4) client.disconnect();
    };
    std::vector<AckToken> tokens;
    handler.publish = [&](const Publish& message) {
        tokens.push_back(client.ack_token(message));
        if (tokens.size() != 4) return;
        client.acknowledge(tokens[1]);
        client.acknowledge(tokens[0]);
        client.at(client.now() + 10ms, [&] {
            acknowledged += "later: ";
            client.acknowledge(tokens[0]);  // once is enough
            client.acknowledge(tokens[3]);
            client.acknowledge(tokens[2]);
        });
    };
    REQUIRE(run(client));
    CHECK((acknowledged == "1 2 later: 3r 4 " || acknowledged == "later: 1 2 3r 4 "));
}

TEST_CASE(
    "a QoS 2 message that is held over a reconnect is acknowledged by its first token, and offered once") {
    Peer peer;
    Recorder handler;
    handler.answer = Accept::hold_acknowledgement;
    auto options = options_for(peer);
    options.session.clean_start = false;
    Client client(std::move(options), handler);
    peer.join(client);
    int received = 0;
    AckToken token;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.send(Connack{.session_present = peer.connections > 1});
            peer.send(from_broker("x", 7, Qos::exactly_once, peer.connections > 1));
            if (peer.connections == 2) peer.send(from_broker("y", 8, Qos::at_least_once));
        }
        const auto* ack = std::get_if<Ack>(&packet);
        if (ack == nullptr) return;
        CHECK(peer.connections == 2);
        if (ack->packet_id == 8) client.disconnect();
    };
    handler.publish = [&](const Publish& message) {
        if (++received == 1) {
            token = client.ack_token(message);
            return peer.reset();
        }
        const auto second = client.ack_token(message);
        client.at(client.now(), [&, second] {
            client.acknowledge(second);
            client.acknowledge(token);
        });
    };
    REQUIRE(run(client));
    CHECK(received == 2);
    CHECK(peer.log.find("PUBREC PUBACK") != std::string::npos);
}

TEST_CASE("a token of QoS 1 ends with its connection") {
    Peer peer;
    Recorder handler;
    handler.answer = Accept::hold_acknowledgement;
    Client client(options_for(peer), handler);
    peer.join(client);
    std::vector<AckToken> tokens;
    bool allowed = false;
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) {
            peer.accept_client();
            peer.send(from_broker("x", 7, Qos::at_least_once, peer.connections > 1));
        }
        if (!std::holds_alternative<Ack>(packet)) return;
        CHECK(allowed);
        client.disconnect();
    };
    handler.publish = [&](const Publish& message) {
        tokens.push_back(client.ack_token(message));
        if (tokens.size() == 1) return peer.reset();
        client.at(client.now(), [&] {
            client.acknowledge(tokens[0]);
            client.at(client.now() + 20ms, [&] {
                allowed = true;
                client.acknowledge(tokens[1]);
            });
        });
    };
    REQUIRE(run(client));
    CHECK(tokens.size() == 2);
}

TEST_CASE(
    "the session lasts through an outage in every version, and how long is said in CONNECT and DISCONNECT") {
    struct Row {
        ProtocolVersion version;
        bool clean;
        std::optional<std::uint32_t> given;
        std::optional<std::uint32_t> connect;
        const char* disconnect;
    };
    for (const auto& row :
         {Row{ProtocolVersion::v5, true, {}, 300, "e00700051100000000"},
          Row{ProtocolVersion::v5, false, {}, UINT32_MAX, "e000"},
          Row{ProtocolVersion::v5, true, 0, {}, "e000"}, Row{ProtocolVersion::v5, false, 60, 60, "e000"},
          Row{ProtocolVersion::v311, false, {}, {}, "e000"},
          Row{ProtocolVersion::v311, false, 60, {}, "e000"}}) {
        CAPTURE(static_cast<int>(row.version));
        CAPTURE(row.clean);
        Peer peer(row.version);
        Recorder handler;
        auto options = options_for(peer);
        options.session.clean_start = row.clean;
        options.session.session_expiry = row.given;
        Client client(std::move(options), handler);
        peer.join(client);
        const auto expiry = [](PropertiesView properties) -> std::optional<std::uint32_t> {
            const auto found = properties.find(PropertyId::session_expiry_interval);
            return found ? std::optional(static_cast<std::uint32_t>(found->number)) : std::nullopt;
        };
        peer.script = [&](const Packet& packet) {
            if (const auto* connect = std::get_if<Connect>(&packet)) {
                CHECK(connect->clean_start == row.clean);
                CHECK(expiry(connect->properties) == row.connect);
                peer.accept_client();
            }
        };
        handler.connack = [&] { client.disconnect(); };
        CHECK(run(client));
        CHECK(last_bytes(peer) == row.disconnect);
    }
}
