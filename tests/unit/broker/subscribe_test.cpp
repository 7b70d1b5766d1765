// Dialogues: SUBSCRIBE, retained messages, subscription options, groups, overlaps, $SYS.
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

Subscribe subscribe_to(Subscription subscription, PropertiesView properties = {}) {
    Subscribe packet;
    packet.packet_id = 1;
    packet.subscriptions.push_back(subscription);
    packet.properties = properties;
    return packet;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "retained messages are sent after SUBACK with the retain flag") {
    RawClient client(broker.port());
    client.connect("a");
    client.publish("m/salon", "21", Qos::at_least_once, 1, true);
    client.publish("m/garage", "9", Qos::at_most_once, 0, true);
    CHECK(client.rest() == "PUBACK 1");
    CHECK(client.subscribe("m/+", Qos::at_least_once) == "SUBACK 1: 1");
    CHECK(client.rest() == "PUBLISH q0 retain m/garage=9; PUBLISH q1 id 1 retain m/salon=21");
    client.publish("m/garage", "10", Qos::at_most_once, 0, true);
    CHECK(client.rest() == "PUBLISH q0 m/garage=10");
    client.publish("m/garage", "", Qos::at_most_once, 0, true);
    CHECK(client.rest() == "PUBLISH q0 m/garage=");
    CHECK(client.subscribe("m/garage") == "SUBACK 1: 0");
    CHECK(client.rest() == "");
}

TEST_CASE_FIXTURE(Fixture, "retain handling determines whether retained messages are sent") {
    broker.publish("x", "kept", Qos::at_most_once, true);
    RawClient client(broker.port(), v5);
    client.connect("a");
    const auto answer = [&](RetainHandling handling) {
        client.send(subscribe_to({.filter = "x", .retain_handling = handling}));
        return client.rest();
    };
    CHECK(answer(RetainHandling::send_never) == "SUBACK 1: 0");
    CHECK(answer(RetainHandling::send_if_new) == "SUBACK 1: 0");
    CHECK(answer(RetainHandling::send_always) == "SUBACK 1: 0; PUBLISH q0 retain x=kept");
    Unsubscribe unsubscribe;
    unsubscribe.packet_id = 2;
    unsubscribe.filters = {"x", "y"};
    client.send(unsubscribe);
    CHECK(client.next() == "UNSUBACK 2: 0 17");
    CHECK(answer(RetainHandling::send_if_new) == "SUBACK 1: 0; PUBLISH q0 retain x=kept");
}

TEST_CASE_FIXTURE(Fixture, "retain-as-published keeps the flag of live messages") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.send(subscribe_to({.filter = "x", .retain_as_published = true}));
    client.publish("x", "1", Qos::at_most_once, 0, true);
    client.publish("x", "2");
    CHECK(client.rest() == "SUBACK 1: 0; PUBLISH q0 retain x=1; PUBLISH q0 x=2");
}

TEST_CASE_FIXTURE(Fixture, "with no-local a client does not get its own messages") {
    RawClient client(broker.port(), v5);
    RawClient other(broker.port());
    client.connect("a");
    other.connect("b");
    client.send(subscribe_to({.filter = "x", .no_local = true}));
    CHECK(client.next() == "SUBACK 1: 0");
    client.publish("x", "mine");
    other.publish("x", "yours");
    other.rest();
    CHECK(client.rest() == "PUBLISH q0 x=yours");
}

TEST_CASE_FIXTURE(Fixture, "no-local on a shared subscription is a protocol error") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.send_hex("82 10 0001 00 000a 2473686172652f672f78 04");
    CHECK(client.next() == "DISCONNECT code 130");
    CHECK(broker.violations().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "messages carry the identifier of their subscription") {
    broker.publish("x", "kept", Qos::at_most_once, true);
    RawClient client(broker.port(), v5);
    client.connect("a");
    Properties properties;
    REQUIRE(properties.add(PropertyId::subscription_identifier, 300));
    client.send(subscribe_to({.filter = "x"}, properties.view()));
    CHECK(client.rest() == "SUBACK 1: 0; PUBLISH q0 retain x=kept subscription-identifier=300");
    broker.publish("x", "live");
    CHECK(client.next() == "PUBLISH q0 x=live subscription-identifier=300");
}

TEST_CASE_FIXTURE(Fixture,
                  "overlapping subscriptions give one copy at the highest QoS, with all identifiers") {
    RawClient old_client(broker.port());
    old_client.connect("a");
    old_client.subscribe("x/#");
    old_client.subscribe("x/y", Qos::at_least_once);
    RawClient client(broker.port(), v5);
    client.connect("b");
    const auto subscribe = [&](std::string_view filter, Qos qos, std::uint32_t identifier) {
        Properties properties;
        REQUIRE(properties.add(PropertyId::subscription_identifier, identifier));
        client.send(subscribe_to({.filter = filter, .qos = qos}, properties.view()));
        CHECK(client.next() == "SUBACK 1: " + std::to_string(static_cast<int>(qos)));
    };
    subscribe("x/#", Qos::at_most_once, 7);
    subscribe("x/y", Qos::at_least_once, 8);
    broker.publish("x/y", "1", Qos::at_least_once);
    CHECK(old_client.rest() == "PUBLISH q1 id 1 x/y=1");
    CHECK(client.rest() == "PUBLISH q1 id 1 x/y=1 subscription-identifier=8 subscription-identifier=7");
}

TEST_CASE_FIXTURE(Fixture, "members of a shared subscription divide the messages, without retained ones") {
    broker.publish("x", "kept", Qos::at_most_once, true);
    RawClient a(broker.port(), v5);
    RawClient b(broker.port());
    a.connect("a");
    b.connect("b");
    CHECK(a.subscribe("$share/g/x") == "SUBACK 1: 0");
    CHECK(b.subscribe("$share/g/x") == "SUBACK 1: 0");
    for (const auto* payload : {"1", "2", "3", "4"}) broker.publish("x", payload);
    CHECK(a.rest() == "PUBLISH q0 x=1; PUBLISH q0 x=3");
    CHECK(b.rest() == "PUBLISH q0 x=2; PUBLISH q0 x=4");
}

TEST_CASE_FIXTURE(Fixture, "members take turns with messages of QoS 1 in MQTT 5, too") {
    RawClient a(broker.port(), v5);
    RawClient b(broker.port(), v5);
    RawClient publisher(broker.port(), v5);
    a.connect("a");
    b.connect("b");
    publisher.connect("publisher");
    CHECK(a.subscribe("$share/g/x") == "SUBACK 1: 0");
    CHECK(b.subscribe("$share/g/x") == "SUBACK 1: 0");
    for (const PacketId id : {PacketId{1}, PacketId{2}}) {
        publisher.send(Publish{.topic = "x", .qos = Qos::at_least_once, .packet_id = id});
        CHECK(publisher.next() == "PUBACK " + std::to_string(id));
    }
    CHECK(a.rest() == "PUBLISH q0 x=");
    CHECK(b.rest() == "PUBLISH q0 x=");
}

TEST_CASE("denied and unavailable subscriptions are refused with their code") {
    Options options;
    options.deny_subscribe = {"secret"};
    options.limits.wildcard_subscriptions = false;
    options.limits.shared_subscriptions = false;
    BrokerThread broker(options);
    RawClient client(broker.port(), v5);
    client.connect("a");
    CHECK(client.subscribe("secret") == "SUBACK 1: 135");
    CHECK(client.subscribe("a/#") == "SUBACK 1: 162");
    CHECK(client.subscribe("$share/g/a") == "SUBACK 1: 158");
    CHECK(client.subscribe("a") == "SUBACK 1: 0");
    RawClient old_client(broker.port());
    old_client.connect("b");
    CHECK(old_client.subscribe("secret") == "SUBACK 1: 128");
}

TEST_CASE_FIXTURE(Fixture, "an invalid filter ends the connection") {
    RawClient client(broker.port(), v5);
    client.connect("a");
    client.send_hex("82 09 0001 00 0003 612b62 00");
    CHECK(client.next() == "DISCONNECT code 143");
    RawClient old_client(broker.port());
    old_client.connect("b");
    old_client.send_hex("82 08 0001 0003 612b62 00");
    CHECK(old_client.next() == "end");
    CHECK(broker.violations().size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "the status of the broker is published under $SYS only") {
    RawClient client(broker.port());
    client.connect("a");
    CHECK(client.subscribe("#") == "SUBACK 1: 0");
    CHECK(client.rest() == "");
    CHECK(client.subscribe("$SYS/broker/version") == "SUBACK 1: 0");
    CHECK(client.next() == "PUBLISH q0 retain $SYS/broker/version=mqttc_testbroker version " MQTTC_VERSION);
    CHECK(client.subscribe("$SYS/broker/clients/+") == "SUBACK 1: 0");
    CHECK(
        client.rest() ==
        "PUBLISH q0 retain $SYS/broker/clients/connected=1; PUBLISH q0 retain $SYS/broker/clients/maximum=1");
    CHECK(client.subscribe("$SYS/broker/subscriptions/count") == "SUBACK 1: 0");
    CHECK(client.next() == "PUBLISH q0 retain $SYS/broker/subscriptions/count=3");
    RawClient other(broker.port());
    other.connect("b");
    CHECK(other.subscribe("$SYS/broker/messages/received") == "SUBACK 1: 0");
    CHECK(other.next() == "PUBLISH q0 retain $SYS/broker/messages/received=9");
}

TEST_CASE("$SYS topics are updated for their subscribers") {
    Options options;
    options.bounds.sys_interval = std::chrono::milliseconds(20);
    BrokerThread broker(options);
    RawClient client(broker.port());
    client.connect("a");
    client.subscribe("$SYS/broker/clients/connected");
    CHECK(client.next() == "PUBLISH q0 retain $SYS/broker/clients/connected=1");
    RawClient other(broker.port());
    other.connect("b");
    CHECK(client.next() == "PUBLISH q0 $SYS/broker/clients/connected=2");
}
