// The limits in the broker's CONNACK: what violates one is not sent.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

std::string refusal(const std::expected<PacketId, Error>& result) {
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::limit_exceeded);
    return result.error().context;
}

std::string refused_subscription(Dialogue& d, std::string_view filter) {
    const Subscription one{.filter = filter};
    return refusal(d.session.subscribe(std::span(&one, 1), {}, d.now));
}

TEST_CASE("the broker's limits are learned") {
    Dialogue d = connected(
        v5, "21 000a 24 01 25 00 27 00001000 22 0005 28 00 29 00 2a 00 13 001e 11 00000e10 12 0004'auto'");
    const Limits& limits = d.session.limits();
    CHECK(limits.receive_maximum == 10);
    CHECK(limits.maximum_qos == qos1);
    CHECK_FALSE(limits.retain_available);
    CHECK(limits.maximum_packet_size == 4096);
    CHECK(limits.topic_alias_maximum == 5);
    CHECK_FALSE(limits.wildcard_subscription_available);
    CHECK_FALSE(limits.subscription_identifier_available);
    CHECK_FALSE(limits.shared_subscription_available);
    CHECK(limits.keep_alive == 30);
    CHECK(limits.session_expiry_interval == 3600);
    CHECK(limits.client_id == "auto");
}

TEST_CASE("without properties from the broker the standard's defaults and our own requests apply") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::session_expiry_interval, 77).has_value());
    Dialogue d(options);
    d.connect();
    const Limits& limits = d.session.limits();
    CHECK(limits.receive_maximum == 65'535);
    CHECK(limits.maximum_qos == qos2);
    CHECK(limits.retain_available);
    CHECK(limits.shared_subscription_available);
    CHECK(limits.keep_alive == 60);
    CHECK(limits.session_expiry_interval == 77);
    CHECK(limits.client_id == "me");
}

TEST_CASE("limits of one connection do not outlive it") {
    Dialogue d = connected(v5, "24 00 27 00000010");
    d.reconnect(false);
    CHECK(d.session.limits().maximum_qos == qos2);
    d.publish("t", "a payload longer than before", qos2);
}

TEST_CASE("the maximum QoS is respected") {
    Dialogue none = connected(v5, "24 00");
    CHECK(refusal(none.session.publish(message("t", "", qos1), none.now)) ==
          "the broker accepts at most QoS 0: publish with QoS 0");
    CHECK(none.session.inflight() == 0);
    none.publish("t", "", qos0);
    Dialogue one = connected(v5, "24 01");
    CHECK(refusal(one.session.publish(message("t", "", qos2), one.now)) ==
          "the broker accepts at most QoS 1: publish with QoS 1");
    one.publish("t", "", qos1);
}

TEST_CASE("retained messages are refused if the broker does not support them") {
    Dialogue d = connected(v5, "25 00");
    for (const Qos qos : {qos0, qos1}) {
        CHECK(refusal(d.session.publish(message("t", "", qos, true), d.now)) ==
              "the broker does not support retained messages: publish without retain");
    }
    CHECK(d.written().empty());
    CHECK(d.session.inflight() == 0);
}

TEST_CASE("the maximum packet size is respected to the byte") {
    Dialogue d = connected(v5, "27 00000014");
    CHECK(refusal(d.session.publish(message("t", "0123456789abcde", qos0), d.now)) ==
          "the packet has 21 bytes; the broker accepts at most 20: send smaller messages");
    d.publish("t", "0123456789abcd", qos0);
    refusal(d.session.publish(message("t", "0123456789abc", qos1), d.now));
    d.publish("t", "0123456789ab", qos1);
    const std::string large(100'000, 'x');
    refusal(d.session.publish(message("t", large, qos0), d.now, PayloadMode::borrowed));
    refusal(d.session.publish(message("t", large, qos2), d.now));
    CHECK(d.session.pending_bytes() == 40);
    refused_subscription(d, "a/very/long/filter");
}

TEST_CASE("subscriptions that the broker does not support are refused with a remedy") {
    Dialogue d = connected(v5, "28 00 2a 00 29 00");
    CHECK(refused_subscription(d, "a/#") ==
          "the broker does not support wildcards: subscribe to each topic by its name");
    CHECK(refused_subscription(d, "$share/g/a") ==
          "the broker does not support shared subscriptions: subscribe without $share");
    Properties properties;
    REQUIRE(properties.add(PropertyId::subscription_identifier, 1).has_value());
    const Subscription one{.filter = "a"};
    CHECK(refusal(d.session.subscribe(std::span(&one, 1), properties.view(), d.now)) ==
          "the broker does not support subscription identifiers: subscribe without one");
    d.subscribe("a");
}

TEST_CASE("wildcards are found after a share name, not in it") {
    Dialogue d = connected(v5, "28 00");
    refused_subscription(d, "$share/g/+");
    d.subscribe("$share/g/a");
}

TEST_CASE("a request that is refused takes no identifier") {
    Dialogue d = connected(v5, "27 00000014");
    const Subscription one{.filter = "a/very/long/filter"};
    for (int i = 0; i < 66'000; ++i) {
        if (d.session.subscribe(std::span(&one, 1), {}, d.now)) FAIL("too large");
        if (d.session.subscribe({}, {}, d.now)) FAIL("without a filter");
    }
    d.publish("t", "", qos1);
    d.subscribe("a");
}

TEST_CASE("an assigned client identifier is used from then on") {
    SessionOptions options = options_of(v5);
    options.client_id = "";
    Dialogue d(options);
    d.connect(false, "12 0004'auto'");
    CHECK(d.session.limits().client_id == "auto");
    d.session.closed();
    d.session.opened(d.now);
    CHECK(d.written() == wire("10 11 0004'MQTT' 05 02 003c 00 0004'auto'"));
}

TEST_CASE("messages that wait for a connection are checked against the limits of the next broker") {
    Dialogue d(options_of(v5));
    d.publish("t", "two", qos2);
    d.publish("t", "one", qos1);
    d.publish("t", "a long payload that does not fit", qos1);
    d.publish("t", "zero");
    d.publish("t", "a long payload that does not fit");
    d.recorder.inside_connack = [&] { CHECK_FALSE(d.session.withdraw(1)); };
    d.session.opened(d.now);
    d.written();
    CHECK(d.answer_to("20 0a 00 00 07 24 01 27 00000014") ==
          wire("32 09 0001't' 0002 00 'one' 30 08 0001't' 00 'zero'"));
    CHECK(d.events() == "connack 0; delivered 1 code 155; delivered 3 code 149");
    CHECK(d.recorder.refused ==
          std::vector<std::string>{"t=two code 155", "t=a long payload that does not fit code 149"});
    CHECK(d.session.counters().dropped == 1);
    CHECK(d.session.counters().refused == 2);
    CHECK(d.session.inflight() == 1);
}

TEST_CASE("retained messages that wait for a connection are refused by a broker that does not support them") {
    Dialogue d(options_of(v5));
    for (const Qos qos : {qos0, qos1})
        REQUIRE(d.session.publish(message("t", "", qos, true), d.now).has_value());
    d.connect(false, "25 00");
    CHECK(d.written().empty());
    CHECK(d.events() == "delivered 1 code 154");
    CHECK(d.session.counters().dropped == 1);
}

TEST_CASE("a message published inside on_connack is sent although one that waited is refused") {
    Dialogue d(options_of(v5));
    d.publish("t", "a long payload that does not fit", qos1);
    d.recorder.inside_connack = [&] { d.publish("t", "new", qos1); };
    d.session.opened(d.now);
    d.written();
    CHECK(d.answer_to("20 08 00 00 05 27 00000014") == wire("32 09 0001't' 0002 00 'new'"));
}

}  // namespace
}  // namespace mqttc::test
