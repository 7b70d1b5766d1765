// What is sent after CONNECT without waiting for CONNACK (SessionOptions::subscribe_before_connack).
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

SessionOptions early(ProtocolVersion version) {
    SessionOptions options = options_of(version);
    options.subscribe_before_connack = true;
    return options;
}

/// opened(), and CONNECT is still pending.
Dialogue opened(SessionOptions options) {
    Dialogue d(std::move(options));
    d.session.opened(d.now);
    return d;
}

constexpr std::string_view connect311 = "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 'me'";
constexpr std::string_view connect5 = "10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'me'";

std::string after(std::string_view connect, std::string_view rest) {
    return wire(std::string(connect) + " " + std::string(rest));
}

}  // namespace

TEST_CASE("SUBSCRIBE follows CONNECT, and is not sent again after CONNACK; messages are sent after it") {
    Dialogue d = opened(early(v311));
    CHECK(d.session.can_subscribe_early());
    CHECK(d.subscribe("a") == 1);
    CHECK(d.publish("b", "x", qos1) == 2);
    d.publish("b", "0");
    CHECK_FALSE(d.session.early_unanswered());
    CHECK(d.written() == after(connect311, "82 06 00 01 00 01 'a' 00"));
    CHECK(d.session.early_unanswered());
    CHECK(d.answer_to("20 02 00 00 90 03 00 01 00") == wire("32 06 00 01 'b' 00 02 'x' 30 04 00 01 'b' '0'"));
    CHECK_FALSE(d.session.can_subscribe_early());
    CHECK_FALSE(d.session.early_unanswered());
    CHECK(d.events() == "connack 0; suback 1 codes 00");
}

TEST_CASE("a subscription that was sent before CONNACK is repeated like any other when the session is lost") {
    Dialogue d = opened(early(v311));
    d.subscribe("a");
    d.written();
    d.answer_to("20 02 00 00 90 03 00 01 00");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 00 01 00 01 'a' 00"));
}

TEST_CASE("without the option everything waits for CONNACK") {
    Dialogue d = opened(options_of(v311));
    CHECK_FALSE(d.session.can_subscribe_early());
    const Subscription subscription{.filter = "a"};
    CHECK(d.session.subscribe({&subscription, 1}, {}, d.now).error().code == ErrorCode::not_connected);
    d.publish("b", "x", qos1);
    CHECK(d.written() == wire(connect311));
    CHECK(d.answer_to("20 02 00 00") == wire("32 06 00 01 'b' 00 01 'x'"));
}

TEST_CASE("requests over 4 KiB wait for CONNACK with all that follow, and each is sent once") {
    Dialogue d = opened(early(v311));
    const std::string filter(3000, 'f');
    d.subscribe(filter);
    d.subscribe(filter + "2");
    d.subscribe("small");
    const std::string first = d.written();
    CHECK(first.size() < 3 * 3100);
    CHECK(first.find(wire("'small'")) == std::string::npos);
    const std::string rest = d.answer_to("20 02 00 00");
    CHECK(rest.size() > 3000);
    CHECK(rest.size() < 3 * 3100);
    CHECK(rest.ends_with(wire("82 0a 00 03 00 05 'small' 00")));
}

TEST_CASE("the end of a subscription does not overtake its beginning") {
    Dialogue d = opened(early(v5));
    d.subscribe("$share/g/a");
    const std::string_view filter = "$share/g/a";
    REQUIRE(d.session.unsubscribe({&filter, 1}, {}, d.now));
    CHECK(d.written() == wire(connect5));
    CHECK(d.answer_to("20 03 00 00 00") ==
          wire("82 10 00 01 00 00 0a '$share/g/a' 00 a2 0f 00 02 00 00 0a '$share/g/a'"));
}

TEST_CASE("what a flag in CONNACK of MQTT 5 may forbid waits for it") {
    const auto request = [](Dialogue& d) {
        d.subscribe("$share/g/a");
        Properties identifier;
        REQUIRE(identifier.add(PropertyId::subscription_identifier, 1));
        const Subscription subscription{.filter = "a"};
        REQUIRE(d.session.subscribe({&subscription, 1}, identifier.view(), d.now));
    };
    Dialogue d = opened(early(v5));
    request(d);
    CHECK(d.written() == wire(connect5));
    CHECK_FALSE(d.session.early_unanswered());
    CHECK(d.answer_to("20 03 00 00 00") ==
          wire("82 10 00 01 00 00 0a '$share/g/a' 00 82 09 00 02 02 0b 01 00 01 'a' 00"));

    Dialogue forbidden = opened(early(v5));
    request(forbidden);
    forbidden.written();
    // Subscription identifiers and shared subscriptions are not available.
    CHECK(forbidden.answer_to("20 07 00 00 04 29 00 2a 00").empty());
    CHECK(forbidden.events() == "connack 0; suback 1 codes 9e; suback 2 codes a1");
    CHECK_FALSE(forbidden.session.early_forbidden());

    // In 3.1.1 nothing forbids them.
    Dialogue old = opened(early(v311));
    old.subscribe("$share/g/a");
    CHECK(old.written() == after(connect311, "82 0f 00 01 00 0a '$share/g/a' 00"));
}

TEST_CASE("what CONNACK does not allow is refused once, and its late answer is ignored") {
    Dialogue d = opened(early(v5));
    d.subscribe("a");
    d.subscribe("a/#");
    d.written();
    // No wildcards.
    CHECK(d.answer_to("20 05 00 00 02 28 00 90 04 00 01 00 00").empty());
    CHECK(d.events() == "connack 0; suback 2 codes a2; suback 1 codes 00");
    CHECK(d.session.early_forbidden());
    CHECK(d.answer_to("90 04 00 02 00 a2").empty());
    CHECK(d.events().empty());

    Dialogue mixed = opened(early(v5));
    mixed.subscribe("a/#");
    mixed.subscribe("$share/g/#");
    mixed.written();
    mixed.answer_to("20 05 00 00 02 28 00");
    CHECK(mixed.events() == "connack 0; suback 1 codes a2; suback 2 codes a2");
    CHECK(mixed.session.early_forbidden());
}

TEST_CASE("the password is not copied when SUBSCRIBE follows it") {
    SessionOptions options = early(v311);
    options.username = "me";
    options.password = Secret("secret");
    Dialogue d(std::move(options));
    d.session.opened(d.now);
    const std::uint8_t* const before = d.session.pending().data();
    d.subscribe(std::string(4000, 'a'));
    CHECK(d.session.pending().data() == before);
}

TEST_CASE("a broker that does not answer what was sent before CONNACK is noticed after half of the time") {
    SessionOptions options = early(v311);
    options.ack_timeout = std::chrono::seconds(10);
    Dialogue d = opened(std::move(options));
    d.subscribe("a");
    d.written();
    d.wait(30);
    d.answer_to("20 02 00 00");
    CHECK(d.session.deadline() == d.now + std::chrono::seconds(5));
    CHECK(d.session.early_unanswered());
    d.wait(5);
    const auto late = d.session.tick(d.now);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == ErrorCode::ack_timeout);
    CHECK(late.error().context == "no acknowledgement from the broker for 5 s");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 00 01 00 01 'a' 00"));
    CHECK_FALSE(d.session.early_unanswered());
    CHECK(d.session.deadline() == d.now + std::chrono::seconds(10));
}

TEST_CASE("after a refused CONNECT the next one is sent alone, and then everything as new") {
    for (const bool answered : {true, false}) {
        CAPTURE(answered);
        Dialogue d = opened(early(v311));
        d.subscribe("a");
        d.written();
        d.publish("b", "x", qos1);
        if (answered) CHECK(d.error_of("20 02 00 05").code == ErrorCode::connection_refused);
        d.session.closed();
        CHECK(d.session.counters().pending == 1);
        d.session.opened(d.now);
        CHECK_FALSE(d.session.can_subscribe_early());
        CHECK(d.written() == wire(connect311));
        CHECK(d.answer_to("20 02 00 00") == wire("82 06 00 01 00 01 'a' 00 32 06 00 01 'b' 00 02 'x'"));
        CHECK(d.answer_to("90 03 00 01 00 40 02 00 02").empty());
        CHECK(d.session.counters().delivered == 1);
    }
}

TEST_CASE(
    "nothing is sent early on a later connection, without a clean session, with a will, in MQTT 3.1, or "
    "while AUTH may follow") {
    Dialogue d = opened(early(v311));
    d.written();
    d.answer_to("20 02 00 00");
    d.session.closed();
    d.session.opened(d.now);
    CHECK_FALSE(d.session.can_subscribe_early());

    SessionOptions kept = early(v5);
    kept.clean_start = false;
    CHECK_FALSE(opened(std::move(kept)).session.can_subscribe_early());
    SessionOptions will = early(v311);
    will.will = WillMessage{.topic = "gone", .payload = {}, .properties = {}};
    CHECK_FALSE(opened(std::move(will)).session.can_subscribe_early());
    CHECK_FALSE(opened(early(v31)).session.can_subscribe_early());
    SessionOptions method = early(v5);
    REQUIRE(method.connect_properties.add(PropertyId::authentication_method, "m").has_value());
    CHECK_FALSE(opened(std::move(method)).session.can_subscribe_early());
}

}  // namespace mqttc::test
