// Dialogues: PUBLISH and its acknowledgements in both directions.
#include <doctest/doctest.h>

#include "raw_client.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using mqttc::test::RawClient;
using mqttc::test::v5;
using mqttc::test::violated;

namespace {

struct Fixture {
    BrokerThread broker;
};

Ack ack(PacketType type, PacketId id, ReasonCode code = 0) {
    Ack packet;
    packet.type = type;
    packet.packet_id = id;
    packet.code = code;
    return packet;
}

std::string connect_with(RawClient& client, PropertyId id, std::uint32_t value) {
    Properties properties;
    REQUIRE(properties.add(id, value));
    Connect connect;
    connect.client_id = "sub";
    connect.properties = properties.view();
    return client.connect(connect);
}

void publish_alias(RawClient& client, std::string_view topic, std::uint32_t alias, std::string_view payload) {
    Properties properties;
    REQUIRE(properties.add(PropertyId::topic_alias, alias));
    Publish publish;
    publish.topic = topic;
    publish.payload = as_bytes(payload);
    publish.properties = properties.view();
    client.send(publish);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a message is delivered to its subscribers at each QoS") {
    RawClient sub(broker.port());
    RawClient pub(broker.port());
    sub.connect("sub");
    pub.connect("pub");
    CHECK(sub.subscribe("a/b", Qos::exactly_once) == "SUBACK 1: 2");

    pub.publish("a/b", "zero");
    CHECK(sub.next() == "PUBLISH q0 a/b=zero");

    pub.publish("a/b", "one", Qos::at_least_once, 10);
    CHECK(pub.next() == "PUBACK 10");
    CHECK(sub.next() == "PUBLISH q1 id 1 a/b=one");
    sub.send(ack(PacketType::puback, 1));

    pub.publish("a/b", "two", Qos::exactly_once, 11);
    CHECK(pub.next() == "PUBREC 11");
    pub.send(ack(PacketType::pubrel, 11));
    CHECK(pub.next() == "PUBCOMP 11");
    CHECK(sub.next() == "PUBLISH q2 id 2 a/b=two");
    sub.send(ack(PacketType::pubrec, 2));
    CHECK(sub.next() == "PUBREL 2");
    sub.send(ack(PacketType::pubcomp, 2));
    CHECK(sub.rest() == "");
    CHECK(broker.violations().empty());
    REQUIRE(broker.received().size() == 3);
    CHECK(broker.received()[2].client_id == "pub");
    CHECK(as_text(broker.received()[2].message->payload) == "two");
}

TEST_CASE_FIXTURE(Fixture, "the QoS of the subscription limits that of messages") {
    RawClient client(broker.port());
    client.connect("a");
    client.subscribe("x", Qos::at_most_once);
    client.publish("x", "1", Qos::at_least_once, 5);
    CHECK(client.rest() == "PUBLISH q0 x=1; PUBACK 5");
}

TEST_CASE_FIXTURE(Fixture, "MQTT 5 publishers get reason code 16 without subscribers") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.publish("x", "1", Qos::at_least_once, 5);
    CHECK(client.next() == "PUBACK 5 code 16");
}

TEST_CASE_FIXTURE(Fixture, "a QoS 2 message is delivered once, when PUBREL is received") {
    RawClient sub(broker.port());
    sub.connect("sub");
    sub.subscribe("x");
    {
        RawClient pub(broker.port());
        pub.connect("pub", false);
        pub.publish("x", "once", Qos::exactly_once, 7);
        CHECK(pub.next() == "PUBREC 7");
    }
    RawClient pub(broker.port());
    CHECK(pub.connect("pub", false) == "CONNACK 1 code 0");
    Publish again;
    again.topic = "x";
    again.payload = as_bytes("once");
    again.qos = Qos::exactly_once;
    again.packet_id = 7;
    again.dup = true;
    pub.send(again);
    CHECK(pub.next() == "PUBREC 7");
    pub.send(ack(PacketType::pubrel, 7));
    CHECK(pub.next() == "PUBCOMP 7");
    pub.publish("x", "twice", Qos::exactly_once, 7);
    CHECK(pub.next() == "PUBREC 7");
    CHECK(sub.rest() == "PUBLISH q0 x=once");
    pub.send(ack(PacketType::pubrel, 7));
    CHECK(pub.next() == "PUBCOMP 7");
    CHECK(sub.rest() == "PUBLISH q0 x=twice");
    CHECK(broker.violations().empty());
}

TEST_CASE_FIXTURE(Fixture, "a packet identifier in use is a violation") {
    RawClient client(broker.port());
    client.connect("a");
    client.publish("x", "1", Qos::exactly_once, 7);
    client.publish("x", "2", Qos::exactly_once, 7);
    CHECK(client.rest() == "PUBREC 7; PUBREC 7");
    CHECK(violated(broker, "PUBLISH with packet identifier 7, which is in use"));
    broker.ask([](Broker& it) { it.clear_violations(); });
    Subscribe subscribe;
    subscribe.packet_id = 7;
    subscribe.subscriptions.push_back({.filter = "x"});
    client.send(subscribe);
    CHECK(client.next() == "SUBACK 7: 0");
    CHECK(violated(broker, "SUBSCRIBE with packet identifier 7, which is in use"));
}

TEST_CASE_FIXTURE(Fixture, "unknown identifiers are answered as in the standard") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.send(ack(PacketType::pubrel, 3));
    CHECK(client.next() == "PUBCOMP 3 code 146");
    client.send(ack(PacketType::pubrec, 4));
    CHECK(client.next() == "PUBREL 4 code 146");
    CHECK(broker.violations().empty());
    client.send(ack(PacketType::puback, 5));
    CHECK(client.rest() == "");
    CHECK(violated(broker, "PUBACK for packet identifier 5, which is not in flight"));
}

TEST_CASE_FIXTURE(Fixture, "the wrong acknowledgement ends the connection") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.subscribe("x", Qos::exactly_once);
    broker.publish("x", "1", Qos::exactly_once);
    CHECK(client.next() == "PUBLISH q2 id 1 x=1");
    client.send(ack(PacketType::puback, 1));
    CHECK(client.next() == "DISCONNECT code 130");
    CHECK(violated(broker, "PUBACK instead of another acknowledgement"));
}

TEST_CASE_FIXTURE(Fixture, "acknowledgements out of order are violations") {
    RawClient client(broker.port());
    client.connect("a");
    client.subscribe("x", Qos::at_least_once);
    broker.publish("x", "1", Qos::at_least_once);
    broker.publish("x", "2", Qos::at_least_once);
    CHECK(client.rest() == "PUBLISH q1 id 1 x=1; PUBLISH q1 id 2 x=2");
    client.send(ack(PacketType::puback, 2));
    client.send(ack(PacketType::puback, 1));
    client.publish("x", "a", Qos::exactly_once, 20);
    client.publish("x", "b", Qos::exactly_once, 21);
    client.rest();
    CHECK(violated(broker, "PUBACK not in the order of the PUBLISH packets"));
    client.send(ack(PacketType::pubrel, 21));
    client.send(ack(PacketType::pubrel, 20));
    client.rest();
    CHECK(violated(broker, "PUBREL not in the order of the PUBREC packets"));
}

TEST_CASE_FIXTURE(Fixture, "the client's receive maximum limits the messages in flight") {
    RawClient client(broker.port(), v5);
    connect_with(client, PropertyId::receive_maximum, 2);
    client.subscribe("x", Qos::exactly_once);
    for (const auto* payload : {"1", "2", "3"}) broker.publish("x", payload, Qos::exactly_once);
    CHECK(client.rest() == "PUBLISH q2 id 1 x=1; PUBLISH q2 id 2 x=2");
    client.send(ack(PacketType::pubrec, 1));
    CHECK(client.rest() == "PUBREL 1");
    client.send(ack(PacketType::pubrec, 2, reason::quota_exceeded));
    CHECK(client.rest() == "PUBLISH q2 id 3 x=3");
    client.send(ack(PacketType::pubcomp, 1));
    CHECK(client.rest() == "");
}

TEST_CASE("a client that exceeds the broker's receive maximum is disconnected") {
    Options options;
    options.limits.receive_maximum = 2;
    BrokerThread broker(options);
    RawClient client(broker.port(), v5);
    client.connect("a");
    for (PacketId id = 1; id <= 2; ++id) {
        client.publish("x", "1", Qos::exactly_once, id);
        CHECK(client.next() == "PUBREC " + std::to_string(id) + " code 16");
    }
    client.send(ack(PacketType::pubrel, 1));
    CHECK(client.next() == "PUBCOMP 1");
    client.publish("x", "1", Qos::exactly_once, 3);
    CHECK(client.next() == "PUBREC 3 code 16");
    client.publish("x", "1", Qos::at_least_once, 4);
    CHECK(client.next() == "DISCONNECT code 147");
    CHECK(broker.violations().size() == 1);
}

TEST_CASE("violating a limit of CONNACK ends the connection") {
    Options options;
    options.limits.maximum_qos = Qos::at_least_once;
    options.limits.retain_available = false;
    BrokerThread broker(options);
    RawClient qos_client(broker.port(), v5);
    qos_client.connect("a");
    CHECK(qos_client.subscribe("x", Qos::exactly_once) == "SUBACK 1: 1");
    qos_client.publish("x", "1", Qos::exactly_once, 1);
    CHECK(qos_client.next() == "DISCONNECT code 155");
    RawClient retain_client(broker.port(), v5);
    retain_client.connect("b");
    retain_client.publish("x", "1", Qos::at_most_once, 0, true);
    CHECK(retain_client.next() == "DISCONNECT code 154");
}

TEST_CASE_FIXTURE(Fixture, "topic aliases of clients are resolved, and invalid ones refused") {
    RawClient sub(broker.port());
    sub.connect("sub");
    sub.subscribe("#");
    RawClient pub(broker.port(), v5);
    pub.connect("pub");
    publish_alias(pub, "a", 10, "1");
    publish_alias(pub, "", 10, "2");
    publish_alias(pub, "b", 10, "3");
    publish_alias(pub, "", 10, "4");
    pub.rest();
    CHECK(sub.rest() == "PUBLISH q0 a=1; PUBLISH q0 a=2; PUBLISH q0 b=3; PUBLISH q0 b=4");
    CHECK(broker.violations().empty());
    publish_alias(pub, "", 9, "unknown");
    CHECK(pub.next() == "DISCONNECT code 130");
    RawClient other(broker.port(), v5);
    other.connect("other");
    publish_alias(other, "a", 11, "too many");
    CHECK(other.next() == "DISCONNECT code 148");
}

TEST_CASE_FIXTURE(Fixture, "the broker uses topic aliases if the client allows them") {
    RawClient client(broker.port(), v5);
    connect_with(client, PropertyId::topic_alias_maximum, 1);
    client.subscribe("#");
    for (const auto* topic : {"a", "a", "b", "a"}) broker.publish(topic, "x");
    CHECK(client.rest() ==
          "PUBLISH q0 a=x topic-alias=1; PUBLISH q0 =x topic-alias=1; PUBLISH q0 b=x; PUBLISH q0 =x "
          "topic-alias=1");
}

TEST_CASE_FIXTURE(Fixture, "properties are forwarded unchanged, except for the remaining expiry interval") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.subscribe("x");
    Properties properties;
    REQUIRE(properties.add(PropertyId::payload_format_indicator, 1));
    REQUIRE(properties.add(PropertyId::message_expiry_interval, 3600));
    REQUIRE(properties.add(PropertyId::content_type, "text/plain"));
    REQUIRE(properties.add(PropertyId::response_topic, "back"));
    REQUIRE(properties.add(PropertyId::correlation_data, "42"));
    REQUIRE(properties.add_user_property("k", "1"));
    REQUIRE(properties.add_user_property("k", "2"));
    Publish publish;
    publish.topic = "x";
    publish.payload = as_bytes("p");
    publish.properties = properties.view();
    client.send(publish);
    CHECK(client.next() ==
          "PUBLISH q0 x=p payload-format-indicator=1 content-type=text/plain response-topic=back "
          "correlation-data=42 user-property=k:1 user-property=k:2 message-expiry-interval=3600");
}

TEST_CASE_FIXTURE(Fixture, "messages above the maximum packet size of a client are not sent") {
    RawClient client(broker.port(), v5);
    connect_with(client, PropertyId::maximum_packet_size, 50);
    client.subscribe("x", Qos::at_least_once);
    broker.publish("x", std::string(100, 'L'), Qos::at_least_once);
    broker.publish("x", std::string(100, 'L'));
    broker.publish("x", "fits", Qos::at_least_once);
    const auto line = client.next();
    CHECK(line.substr(line.find(' ', 11)) == " 2 x=fits");
    CHECK(broker.ask([](Broker& it) { return it.counters().dropped; }) == 2);
}

TEST_CASE_FIXTURE(Fixture, "messages to topics with wildcards and to $SYS are refused") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.publish("$SYS/broker/version", "mine", Qos::at_least_once, 1, true);
    CHECK(client.next() == "PUBACK 1 code 135");
    client.send_hex("30 06 0003 612f23 00");
    CHECK(client.next() == "DISCONNECT code 144");
    CHECK(broker.violations().size() == 1);
}

TEST_CASE("deny_publish refuses messages, in 3.x silently") {
    Options options;
    options.deny_publish = {"secret/#"};
    BrokerThread broker(options);
    RawClient sub(broker.port());
    sub.connect("sub");
    sub.subscribe("#");
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.publish("secret/x", "1", Qos::at_least_once, 1);
    CHECK(client.next() == "PUBACK 1 code 135");
    client.publish("secret/x", "1", Qos::exactly_once, 2);
    CHECK(client.next() == "PUBREC 2 code 135");
    client.publish("public", "1", Qos::at_least_once, 3);
    CHECK(client.next() == "PUBACK 3");
    RawClient old_client(broker.port());
    old_client.connect("b");
    old_client.publish("secret", "1", Qos::at_least_once, 1);
    CHECK(old_client.next() == "PUBACK 1");
    CHECK(sub.rest() == "PUBLISH q0 public=1");
}

TEST_CASE_FIXTURE(Fixture, "large payloads and many messages are delivered unchanged") {
    RawClient client(broker.port());
    client.connect("a");
    client.subscribe("x");
    for (const std::size_t size : {0UL, 65'525UL, 65'530UL, 65'540UL, 1'000'000UL}) {
        client.publish("x", std::string(size, 'L'));
        CHECK(client.next() ==
              "PUBLISH q0 x=" + (size == 0 ? std::string() : std::to_string(size) + " bytes"));
    }
    for (int i = 0; i < 5000; ++i) client.publish("x", std::to_string(i));
    for (int i = 0; i < 5000; ++i) CHECK(client.next() == "PUBLISH q0 x=" + std::to_string(i));
}
