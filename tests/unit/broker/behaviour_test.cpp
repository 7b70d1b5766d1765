// Behaviour: refusals, missing answers, dropped connections, stopped listeners.
#include <doctest/doctest.h>

#include "raw_client.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using mqttc::test::RawClient;
using mqttc::test::v5;

namespace {

struct Fixture {
    BrokerThread broker;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "CONNECT is refused with the given code and properties") {
    broker.set([](Behaviour& it) {
        it.connack_code = reason::server_moved;
        CHECK(it.connack_properties.add(PropertyId::server_reference, "other.example"));
    });
    RawClient client(broker.port(), v5);
    CHECK(client.connect("a") == "CONNACK 0 code 157 server-reference=other.example");
    CHECK(client.next() == "end");
    CHECK(broker.clients() == 0);
    CHECK(broker.connects().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "raw bytes are sent instead of CONNACK") {
    broker.set([](Behaviour& it) { it.raw_reply = {0x20, 0x02, 0x00, 0x03}; });
    RawClient client(broker.port());
    CHECK(client.connect("a") == "CONNACK 0 code 3");
    CHECK(client.next() == "end");
}

TEST_CASE_FIXTURE(Fixture, "acknowledgements are held back until they are released") {
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    RawClient client(broker.port());
    client.connect("a");
    client.publish("x", "1", Qos::at_least_once, 1);
    client.publish("x", "2", Qos::exactly_once, 2);
    CHECK(client.rest() == "");
    CHECK(broker.received().size() == 2);
    broker.set([](Behaviour& it) { it.answer_publish = true; });
    broker.release_acknowledgements();
    CHECK(client.rest() == "PUBACK 1; PUBREC 2");
}

TEST_CASE("acknowledgements that are held back count for the receive maximum") {
    Options options;
    options.limits.receive_maximum = 1;
    options.behaviour.answer_publish = false;
    BrokerThread broker(options);
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.publish("x", "1", Qos::at_least_once, 1);
    CHECK(client.rest() == "");
    client.publish("x", "2", Qos::at_least_once, 2);
    CHECK(client.next() == "DISCONNECT code 147");
}

TEST_CASE_FIXTURE(Fixture, "PUBLISH is refused with the given reason") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.subscribe("x");
    broker.set([](Behaviour& it) { it.publish_reason = reason::quota_exceeded; });
    client.publish("x", "1", Qos::at_least_once, 1);
    client.publish("x", "2", Qos::exactly_once, 2);
    CHECK(client.rest() == "PUBACK 1 code 151; PUBREC 2 code 151");
}

TEST_CASE_FIXTURE(Fixture, "the connection is dropped at the n-th PUBLISH") {
    broker.set([](Behaviour& it) { it.drop_at_publish = 2; });
    RawClient client(broker.port());
    client.connect("a");
    client.publish("x", "1", Qos::at_least_once, 1);
    CHECK(client.next() == "PUBACK 1");
    client.publish("x", "2", Qos::at_least_once, 2);
    CHECK(client.next() == "end");
    RawClient again(broker.port());
    again.connect("a");
    again.publish("x", "2", Qos::at_least_once, 2);
    CHECK(again.next() == "PUBACK 2");
    CHECK(broker.received().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "SUBACK and UNSUBACK are sent with the given codes, or not at all") {
    broker.set([](Behaviour& it) {
        it.suback_code = 0x80;
        it.unsuback_code = reason::not_authorized;
    });
    RawClient client(broker.port(), v5);
    client.connect("a");
    CHECK(client.subscribe("x") == "SUBACK 1: 128");
    Unsubscribe unsubscribe;
    unsubscribe.packet_id = 2;
    unsubscribe.filters = {"x"};
    client.send(unsubscribe);
    CHECK(client.next() == "UNSUBACK 2: 135");
    broker.publish("x", "1");
    CHECK(client.rest() == "");
    broker.set([](Behaviour& it) {
        it = {};
        it.answer_subscribe = false;
    });
    Subscribe subscribe;
    subscribe.packet_id = 3;
    subscribe.subscriptions.push_back({.filter = "x"});
    client.send(subscribe);
    CHECK(client.rest() == "");
}

TEST_CASE_FIXTURE(Fixture, "retained messages are sent before SUBACK") {
    broker.publish("x", "kept", Qos::at_most_once, true);
    broker.set([](Behaviour& it) { it.retained_before_suback = true; });
    RawClient client(broker.port());
    client.connect("a");
    CHECK(client.subscribe("x") == "PUBLISH q0 retain x=kept");
    CHECK(client.next() == "SUBACK 1: 0");
}

TEST_CASE_FIXTURE(Fixture, "PINGRESP and PUBCOMP are not sent") {
    broker.set([](Behaviour& it) {
        it.answer_ping = false;
        it.answer_pubrel = false;
    });
    RawClient client(broker.port());
    client.connect("a");
    client.publish("x", "1", Qos::exactly_once, 1);
    CHECK(client.next() == "PUBREC 1");
    Ack release;
    release.type = PacketType::pubrel;
    release.packet_id = 1;
    client.send(release);
    client.send(Pingreq{});
    broker.set([](Behaviour& it) { it.answer_ping = true; });
    const auto packets = [](Broker& it) { return it.counters().packets_received == 4; };
    CHECK(broker.wait_until(packets));
}

TEST_CASE_FIXTURE(Fixture, "the connection stays open after DISCONNECT") {
    broker.set([](Behaviour& it) { it.close_after_disconnect = false; });
    RawClient client(broker.port());
    client.connect("a");
    client.send(Disconnect{});
    CHECK(broker.wait_for_clients(0));
    client.send(Pingreq{});
    CHECK(broker.wait_until([](Broker& it) { return !it.violations().empty(); }));
}

TEST_CASE_FIXTURE(Fixture, "connections are dropped and refused, then accepted again on the same port") {
    RawClient client(broker.port());
    client.connect("a");
    CHECK(broker.wait_for_clients(1));
    broker.stop_accepting();
    broker.drop_connections();
    CHECK(client.next() == "end");
    CHECK(broker.clients() == 0);
    CHECK(broker.resume_accepting());
    CHECK(RawClient(broker.port()).connect("a") == "CONNACK 0 code 0");
}

TEST_CASE_FIXTURE(Fixture, "a client is disconnected, or gets raw bytes") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    const std::uint8_t pingresp[] = {0xd0, 0x00};
    CHECK(broker.send_raw("a", pingresp));
    CHECK(client.next() == "PINGRESP");
    CHECK(broker.disconnect_client("a", reason::administrative_action, "enough"));
    CHECK(client.next() == "DISCONNECT code 152");
    CHECK(client.next() == "end");
    CHECK_FALSE(broker.disconnect_client("a", reason::administrative_action, "enough"));
}

TEST_CASE_FIXTURE(Fixture, "wait_until() times out") {
    CHECK_FALSE(broker.wait_until([](Broker&) { return false; }, std::chrono::milliseconds(20)));
    CHECK(broker.wait_until([](Broker&) { return true; }, std::chrono::milliseconds(20)));
}
