// Dialogues: session expiry, takeover, wills, keep-alive.
#include <doctest/doctest.h>

#include "raw_client.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using mqttc::test::RawClient;
using mqttc::test::v5;

namespace {

struct Fixture {
    BrokerThread broker;

    bool wait_for_sessions(std::size_t count) {
        return broker.wait_until([count](Broker& it) { return it.sessions().size() == count; });
    }
};

/// A CONNECT that owns its strings.
struct OwnedConnect {
    Properties properties;
    Properties will_properties;
    Connect packet;

    explicit OwnedConnect(std::string_view client_id, bool clean_start = true) {
        packet.client_id = client_id;
        packet.clean_start = clean_start;
    }
    OwnedConnect(const OwnedConnect&) = delete;
    OwnedConnect& operator=(const OwnedConnect&) = delete;
    OwnedConnect& expiry(std::uint32_t seconds) {
        REQUIRE(properties.add(PropertyId::session_expiry_interval, seconds));
        packet.properties = properties.view();
        return *this;
    }
    OwnedConnect& will(std::string_view topic, std::string_view payload, bool retain = false) {
        packet.will.emplace();
        packet.will->topic = topic;
        packet.will->payload = as_bytes(payload);
        packet.will->retain = retain;
        return *this;
    }
    OwnedConnect& will_property(PropertyId id, std::uint32_t seconds) {
        REQUIRE(will_properties.add(id, seconds));
        packet.will->properties = will_properties.view();
        return *this;
    }
};

Ack ack(PacketType type, PacketId id) {
    Ack packet;
    packet.type = type;
    packet.packet_id = id;
    return packet;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a clean session ends with its connection") {
    {
        RawClient client(broker.port());
        client.connect("a");
        client.subscribe("x");
        client.send(Disconnect{});
        CHECK(client.next() == "end");
    }
    CHECK(wait_for_sessions(0));
    CHECK(broker.ask([](Broker& it) { return it.sessions().tree().size(); }) == 0);
    CHECK(RawClient(broker.port()).connect("a", false) == "CONNACK 0 code 0");
}

TEST_CASE_FIXTURE(Fixture, "a persistent session stores QoS 1 and 2 messages for a disconnected client") {
    {
        RawClient client(broker.port());
        client.connect("a", false);
        client.subscribe("x", Qos::exactly_once);
    }
    REQUIRE(broker.wait_for_clients(0));
    broker.publish("x", "lost", Qos::at_most_once);
    broker.publish("x", "1", Qos::at_least_once);
    broker.publish("x", "2", Qos::exactly_once);
    RawClient client(broker.port());
    CHECK(client.connect("a", false) == "CONNACK 1 code 0");
    CHECK(client.rest() == "PUBLISH q1 id 1 x=1; PUBLISH q2 id 2 x=2");
}

TEST_CASE_FIXTURE(Fixture, "unacknowledged messages are sent again, in order, with DUP") {
    {
        RawClient client(broker.port());
        client.connect("a", false);
        client.subscribe("x", Qos::exactly_once);
        broker.publish("x", "1", Qos::at_least_once);
        broker.publish("x", "2", Qos::exactly_once);
        broker.publish("x", "3", Qos::exactly_once);
        CHECK(client.rest() == "PUBLISH q1 id 1 x=1; PUBLISH q2 id 2 x=2; PUBLISH q2 id 3 x=3");
        client.send(ack(PacketType::pubrec, 2));
        CHECK(client.next() == "PUBREL 2");
    }
    REQUIRE(broker.wait_for_clients(0));
    RawClient client(broker.port());
    CHECK(client.connect("a", false) == "CONNACK 1 code 0");
    CHECK(client.rest() == "PUBREL 2; PUBLISH q1 id 1 dup x=1; PUBLISH q2 id 3 dup x=3");
    client.send(ack(PacketType::pubcomp, 2));
    client.send(ack(PacketType::puback, 1));
    client.send(ack(PacketType::pubrec, 3));
    CHECK(client.rest() == "PUBREL 3");
    client.send(ack(PacketType::pubcomp, 3));
    CHECK(client.rest() == "");
    CHECK(broker.violations().empty());
}

TEST_CASE_FIXTURE(Fixture, "a clean start discards the old session") {
    {
        RawClient client(broker.port());
        client.connect("a", false);
        client.subscribe("x", Qos::at_least_once);
    }
    REQUIRE(broker.wait_for_clients(0));
    broker.publish("x", "1", Qos::at_least_once);
    RawClient client(broker.port());
    CHECK(client.connect("a", true) == "CONNACK 0 code 0");
    CHECK(client.rest() == "");
    CHECK(broker.ask([](Broker& it) { return it.sessions().tree().size(); }) == 0);
}

TEST_CASE_FIXTURE(Fixture, "an MQTT 5 session ends after its expiry interval") {
    {
        RawClient client(broker.port(), v5);
        client.connect(OwnedConnect("short").expiry(1).packet);
        RawClient other(broker.port(), v5);
        other.connect(OwnedConnect("long").expiry(0xffff'ffff).packet);
    }
    CHECK(broker.wait_for_clients(0));
    CHECK(broker.ask([](Broker& it) { return it.sessions().size(); }) == 2);
    CHECK(wait_for_sessions(1));
    RawClient client(broker.port(), v5);
    CHECK(client.connect(OwnedConnect("long", false).packet).starts_with("CONNACK 1"));
}

TEST_CASE_FIXTURE(Fixture, "DISCONNECT can shorten the session expiry but not introduce one") {
    Properties ten;
    REQUIRE(ten.add(PropertyId::session_expiry_interval, 10));
    Properties zero;
    REQUIRE(zero.add(PropertyId::session_expiry_interval, 0));
    RawClient client(broker.port(), v5);
    client.connect(OwnedConnect("a").expiry(100).packet);
    client.send(Disconnect{.code = 0, .properties = zero.view()});
    CHECK(client.next() == "end");
    CHECK(wait_for_sessions(0));
    RawClient other(broker.port(), v5);
    other.connect("b");
    other.send(Disconnect{.code = 0, .properties = ten.view()});
    CHECK(other.next() == "DISCONNECT code 130");
}

TEST_CASE_FIXTURE(Fixture, "a second connection with the same identifier takes the session over") {
    RawClient first(broker.port(), v5);
    first.connect(OwnedConnect("a").expiry(100).packet);
    first.subscribe("x");
    RawClient second(broker.port(), v5);
    CHECK(second.connect(OwnedConnect("a", false).packet).starts_with("CONNACK 1"));
    CHECK(first.next() == "DISCONNECT code 142");
    CHECK(first.next() == "end");
    broker.publish("x", "1");
    CHECK(second.next() == "PUBLISH q0 x=1");
    CHECK(broker.clients() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a will is published when the connection is lost, not after DISCONNECT") {
    RawClient watcher(broker.port());
    watcher.connect("watcher");
    watcher.subscribe("gone/#");
    {
        RawClient client(broker.port());
        client.connect(OwnedConnect("a").will("gone/a", "bye", true).packet);
    }
    CHECK(watcher.next() == "PUBLISH q0 gone/a=bye");
    {
        RawClient client(broker.port());
        client.connect(OwnedConnect("b").will("gone/b", "bye").packet);
        client.send(Disconnect{});
        CHECK(client.next() == "end");
        RawClient other(broker.port(), v5);
        other.connect(OwnedConnect("c").will("gone/c", "bye").packet);
        other.send(Disconnect{.code = reason::disconnect_with_will, .properties = {}});
        CHECK(other.next() == "end");
    }
    CHECK(watcher.next() == "PUBLISH q0 gone/c=bye");
    CHECK(watcher.subscribe("gone/a") == "SUBACK 1: 0");
    CHECK(watcher.rest() == "PUBLISH q0 retain gone/a=bye");
}

TEST_CASE_FIXTURE(Fixture, "a delayed will is not published if the client reconnects in time") {
    RawClient watcher(broker.port(), v5);
    watcher.connect("watcher");
    watcher.subscribe("gone");
    const auto vanish = [&](std::uint32_t delay, std::uint32_t expiry, bool clean_start) {
        RawClient client(broker.port(), v5);
        OwnedConnect connect("a", clean_start);
        connect.expiry(expiry).will("gone", "bye").will_property(PropertyId::will_delay_interval, delay);
        client.connect(connect.packet);
    };
    vanish(100, 100, true);
    REQUIRE(broker.wait_for_clients(1));
    vanish(100, 100, false);
    REQUIRE(broker.wait_for_clients(1));
    CHECK(watcher.rest() == "");
    // A clean start ends the session, and then the will is published.
    vanish(1, 100, true);
    CHECK(watcher.next() == "PUBLISH q0 gone=bye");
    CHECK(watcher.next() == "PUBLISH q0 gone=bye");
    // The same when the session expires.
    vanish(100, 1, true);
    CHECK(watcher.next() == "PUBLISH q0 gone=bye");
    vanish(100, 0, true);
    CHECK(watcher.next() == "PUBLISH q0 gone=bye");
}

TEST_CASE_FIXTURE(Fixture, "a will's expiry interval starts when it is published") {
    RawClient watcher(broker.port(), v5);
    watcher.connect("watcher");
    watcher.subscribe("gone");
    {
        RawClient client(broker.port(), v5);
        OwnedConnect connect("a");
        connect.expiry(100).will("gone", "bye").will_property(PropertyId::will_delay_interval, 1);
        connect.will_property(PropertyId::message_expiry_interval, 1);
        client.connect(connect.packet);
    }
    CHECK(watcher.next() == "PUBLISH q0 gone=bye message-expiry-interval=1");
}

TEST_CASE_FIXTURE(Fixture, "the connection ends after one and a half times the keep-alive without packets") {
    RawClient client(broker.port(), v5);
    OwnedConnect connect("a");
    connect.packet.keep_alive = 1;
    client.connect(connect.packet);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(client.next() == "DISCONNECT code 141");
    const auto silence = std::chrono::steady_clock::now() - begin;
    CHECK(silence > std::chrono::milliseconds(1300));
    CHECK(broker.violations().size() == 1);
}

TEST_CASE("a full queue drops new messages and counts them") {
    Options options;
    options.bounds.queued_messages = 2;
    BrokerThread broker(options);
    {
        RawClient client(broker.port());
        client.connect("a", false);
        client.subscribe("x", Qos::at_least_once);
    }
    REQUIRE(broker.wait_for_clients(0));
    for (const auto* payload : {"1", "2", "3"}) broker.publish("x", payload, Qos::at_least_once);
    CHECK(broker.ask([](Broker& it) { return it.counters().dropped; }) == 1);
    RawClient client(broker.port());
    client.connect("a", false);
    CHECK(client.rest() == "PUBLISH q1 id 1 x=1; PUBLISH q1 id 2 x=2");
}

TEST_CASE("MQTT 5 clients get DISCONNECT when the broker shuts down") {
    BrokerThread broker;
    RawClient client(broker.port(), v5);
    client.connect("a");
    broker.ask([](Broker& it) { it.shut_down(); });
    CHECK(client.next() == "DISCONNECT code 139");
    CHECK(client.next() == "end");
}
