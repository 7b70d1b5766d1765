// What outlives a connection: unfinished messages, QoS 2 identifiers, subscriptions, QoS 0 messages not
// sent.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

TEST_CASE("if the session is present, everything unfinished is sent again in order, with DUP") {
    for (const auto version : {v311, v5}) {
        CAPTURE(static_cast<int>(version));
        const std::string none = version == v5 ? " 00" : "";
        const std::string length = version == v5 ? " 06 " : " 05 ";
        Dialogue d(persistent(version));
        d.connect();
        for (const Qos qos : {qos1, qos2, qos2, qos1}) d.publish("t", "", qos);
        d.written();
        d.answer_to("50 02 0002");
        d.reconnect(true);
        CHECK(d.written() == wire("3a" + length + "0001't' 0001" + none + "3c" + length + "0001't' 0003" +
                                  none + "3a" + length + "0001't' 0004" + none + "62 02 0002"));
        d.answer_to("40 02 0001 70 02 0002 40 02 0004 50 02 0003");
        d.answer_to("70 02 0003");
        CHECK(d.events() == "delivered 1; delivered 2; delivered 4; delivered 3");
    }
}

TEST_CASE("without the session everything is published as new, except what the broker had taken over") {
    Dialogue d(persistent(v311));
    d.connect();
    d.publish("a", "", qos1);
    d.publish("b", "", qos2);
    d.publish("c", "", qos2);
    d.written();
    d.answer_to("50 02 0002");
    d.reconnect(false);
    CHECK(d.written() == wire("32 05 0001'a' 0001 34 05 0001'c' 0003"));
    CHECK(d.events() == "delivered 2 code 146");
    CHECK(d.session.inflight() == 2);
    CHECK(d.session.counters().uncertain == 1);
}

TEST_CASE("DUP is not set if no byte of the message was sent") {
    Dialogue d(persistent(v311));
    d.connect();
    d.publish("a", "", qos1);
    d.publish("b", "", qos1);
    d.publish("c", "", qos1);
    d.session.sent(8, d.now);  // all of the first, one byte of the second
    d.reconnect(true);
    CHECK(d.written() == wire("3a 05 0001'a' 0001 3a 05 0001'b' 0002 32 05 0001'c' 0003"));
}

TEST_CASE("a message published before the first connection is sent after CONNACK") {
    Dialogue d(options_of(v311));
    d.publish("a", "", qos1);
    d.publish("z", "");
    CHECK(d.session.pending_bytes() == 5);
    CHECK(d.session.unsent() == 1);
    d.open();
    d.publish("b", "", qos2);
    CHECK(d.written().empty());
    CHECK(d.answer_to("20 02 00 00") == wire("32 05 0001'a' 0001 34 05 0001'b' 0002 30 03 0001'z'"));
    CHECK(d.session.unsent() == 0);
}

TEST_CASE("kept messages are sent before those that on_connack publishes") {
    Dialogue d(options_of(v311));
    d.publish("a", "", qos1);
    d.recorder.inside_connack = [&] { d.publish("b", "", qos1); };
    d.open();
    CHECK(d.answer_to("20 02 00 00") == wire("32 05 0001'a' 0001 32 05 0001'b' 0002"));
}

TEST_CASE("more messages than the broker's receive maximum are sent one after the other") {
    Dialogue d(persistent(v5));
    d.connect();
    d.publish("a", "", qos2);
    d.publish("b", "", qos1);
    d.publish("c", "", qos1);
    d.publish("d", "", qos1);
    d.written();
    d.answer_to("50 02 0001");
    d.reconnect(true, "21 0001");
    CHECK(d.written() == wire("3a 06 0001'b' 0002 00 62 02 0001"));
    CHECK_FALSE(d.session.can_publish(qos1));
    CHECK(d.answer_to("40 02 0002") == wire("3a 06 0001'c' 0003 00"));
    CHECK(d.answer_to("40 02 0003") == wire("3a 06 0001'd' 0004 00"));
    CHECK(d.answer_to("70 02 0001").empty());
    CHECK(d.answer_to("40 02 0004").empty());
    CHECK(d.session.inflight() == 0);
    CHECK(d.session.can_publish(qos1));
}

TEST_CASE("PUBCOMP 'not found' after a reconnect means that the broker had finished") {
    Dialogue d(persistent(v5));
    d.connect();
    d.publish("a", "", qos2);
    d.publish("b", "", qos2);
    d.written();
    d.answer_to("50 02 0001");
    d.reconnect(true);
    d.written();
    d.answer_to("70 03 0001 92");
    CHECK(d.events() == "delivered 1");
    d.answer_to("50 02 0002");
    d.answer_to("70 03 0002 92");
    CHECK(d.events() == "delivered 2 code 146");
}

TEST_CASE("the receive maximum is the same after a message whose PUBREL was sent again") {
    Dialogue d(persistent(v5));
    d.connect(false, "21 0001");
    d.publish("t", "", qos2);
    d.written();
    d.answer_to("50 02 0001");
    d.reconnect(true, "21 0001");
    d.written();
    d.answer_to("70 02 0001");
    for (const std::string_view puback : {"40 02 0002", "40 02 0003"}) {
        d.publish("t", "", qos1);
        CHECK_FALSE(d.written().empty());
        d.answer_to(puback);
    }
    CHECK(d.session.inflight() == 0);
}

TEST_CASE("received QoS 2 identifiers are remembered as long as the broker has the session") {
    for (const bool present : {true, false}) {
        CAPTURE(present);
        Dialogue d(persistent(v311));
        d.connect();
        d.answer_to("34 06 0001't' 0008 'c'");
        d.events();
        d.reconnect(present);
        CHECK(d.answer_to("3c 06 0001't' 0008 'c'") == wire("50 02 0008"));
        CHECK(d.events() == (present ? "" : "message t=c"));
    }
}

constexpr std::string_view first_time = "34 06 0001't' 0008 'c'";
constexpr std::string_view again = "3c 06 0001't' 0008 'c'";

/// Has received message 8, without PUBREL; then `tries` connections end before CONNACK.
Dialogue uncertain(ProtocolVersion version, int tries) {
    Dialogue d(persistent(version));
    d.connect();
    d.answer_to(version == v5 ? "34 07 0001't' 0008 00 'c'" : first_time);
    d.events();
    d.session.closed();
    for (int i = 0; i < tries; ++i) {
        d.open();
        d.session.closed();
    }
    return d;
}

TEST_CASE("a connection that ends before CONNACK leaves the received identifiers as they are") {
    for (const auto version : {v31, v311, v5}) {
        for (const int tries : {0, 1, 3}) {
            CAPTURE(tries);
            Dialogue d = uncertain(version, tries);
            d.connect(version != v31);
            const auto same = version == v5 ? "3c 07 0001't' 0008 00 'c'" : again;
            CHECK(d.answer_to(same).substr(0, 2) == "50");
            CHECK(d.events() == "");
            // The broker has the old session, so it does not use the identifier for another message before PUBREL.
            const auto unmarked = version == v5 ? "34 07 0001't' 0008 00 'c'" : first_time;
            CHECK(d.answer_to(unmarked).substr(0, 2) == "50");
            CHECK(d.events() == "");
            CHECK(d.answer_to("62 02 0008") == wire("70 02 0008"));
            CHECK(d.answer_to(unmarked).substr(0, 2) == "50");
            CHECK(d.events() == "message t=c");
            CHECK(d.session.counters().duplicates == 2);
        }
    }
}

TEST_CASE("a session that the broker created at an unanswered CONNECT may use received identifiers again") {
    // "Session present" refers to that session; a message without DUP whose identifier waits for PUBREL
    // cannot be of the old one.
    for (const auto version : {v311, v5}) {
        Dialogue d = uncertain(version, 1);
        d.connect(true);
        const auto other = version == v5 ? "34 07 0001't' 0008 00 'n'" : "34 06 0001't' 0008 'n'";
        CHECK(d.answer_to(other).substr(0, 2) == "50");
        CHECK(d.events() == "message t=n");
        // From now on it is known like any other.
        CHECK(d.answer_to(other).substr(0, 2) == "50");
        CHECK(d.events() == "");
        CHECK(d.answer_to("62 02 0008") == wire("70 02 0008"));
    }
    // MQTT 3.1 never reports whether it is the old session.
    Dialogue d = uncertain(v31, 0);
    d.connect();
    CHECK(d.answer_to("34 06 0001't' 0008 'n'") == wire("50 02 0008"));
    CHECK(d.events() == "message t=n");
}

/// Has received the messages 8 and 9, without PUBREL; then a connection ends before CONNACK.
Dialogue uncertain_about_two() {
    Dialogue d(persistent(v311));
    d.connect();
    d.answer_to("34 06 0001't' 0008 'c' 34 06 0001't' 0009 'd'");
    d.events();
    d.session.closed();
    d.open();
    d.session.closed();
    d.connect(true);
    return d;
}

TEST_CASE("one message decides for all uncertain identifiers whether the session is the old one") {
    Dialogue old = uncertain_about_two();
    old.answer_to("3c 06 0001't' 0008 'c'");
    old.answer_to("34 06 0001't' 0009 'd'");
    CHECK(old.events() == "");

    Dialogue other = uncertain_about_two();
    other.answer_to("34 06 0001't' 0008 'm'");
    // The first copy of this one was lost with a connection.
    other.answer_to("3c 06 0001't' 0009 'n'");
    CHECK(other.events() == "message t=m; message t=n");
}

TEST_CASE("PUBREL for a received identifier proves that the session is the old one") {
    Dialogue d = uncertain_about_two();
    CHECK(d.answer_to("62 02 0008") == wire("70 02 0008"));
    // A second message without PUBREL.
    CHECK(d.answer_to("34 06 0001't' 0009 'd'") == wire("50 02 0009"));
    CHECK(d.events() == "");
    // The released identifier is free: this one is new, and its first copy was lost with a connection.
    CHECK(d.answer_to(again) == wire("50 02 0008"));
    CHECK(d.events() == "message t=c");
}

TEST_CASE(
    "uncertain identifiers are forgotten when the broker has no session, and kept while that is unknown") {
    Dialogue lost = uncertain(v311, 1);
    lost.connect(true);
    lost.reconnect(false);
    lost.answer_to(again);
    CHECK(lost.events() == "message t=c");

    Dialogue kept = uncertain(v311, 1);
    kept.connect(true);
    kept.reconnect(true);
    kept.session.closed();
    kept.open();
    kept.reconnect(true);
    kept.answer_to(again);
    CHECK(kept.events() == "");
}

TEST_CASE("uncertain identifiers are a reason to resume the session") {
    SessionOptions options = options_of(v5);
    Dialogue d(options);
    d.connect();
    d.answer_to("34 07 0001't' 0008 00 'c'");
    d.session.closed();
    d.open();
    d.reconnect(true);
    // No clean start, though nothing else is unfinished: "session present" was no protocol error.
    d.reconnect(true);
    d.events();
    d.answer_to("3c 07 0001't' 0008 00 'c'");
    CHECK(d.events() == "");
}

TEST_CASE("MQTT 3.1 does not report the session, so it is assumed to be present after clean = 0") {
    Dialogue kept(persistent(v31));
    kept.connect();
    kept.publish("a", "", qos1);
    kept.subscribe("s");
    kept.written();
    kept.answer_to("90 03 0002 00");
    kept.answer_to("34 05 0001't' 0008");
    kept.events();
    kept.reconnect(false);
    CHECK(kept.written() == wire("82 06 0002 0001's' 00 3a 05 0001'a' 0001"));
    kept.answer_to("3c 05 0001't' 0008");
    CHECK(kept.events().empty());

    Dialogue clean(options_of(v31));
    clean.connect();
    clean.publish("a", "", qos1);
    clean.written();
    clean.reconnect(false);
    CHECK(clean.written() == wire("32 05 0001'a' 0001"));
}

TEST_CASE("a clean start is not requested again in MQTT 5 while there is something to resume") {
    Dialogue d(options_of(v5));
    d.connect();
    d.session.closed();
    d.session.opened(d.now);
    CHECK(d.written() == wire("10 0f 0004'MQTT' 05 02 003c 00 0002'me'"));
    d.answer_to("20 03 00 00 00");
    d.publish("t", "", qos1);
    d.session.closed();
    d.session.opened(d.now);
    CHECK(d.written() == wire("10 0f 0004'MQTT' 05 00 003c 00 0002'me'"));

    Dialogue subscribed = connected(v5);
    subscribed.subscribe("t");
    subscribed.session.closed();
    subscribed.session.opened(subscribed.now);
    CHECK(subscribed.written() == wire("10 0f 0004'MQTT' 05 00 003c 00 0002'me'"));

    Dialogue three(options_of(v311));
    three.connect();
    three.publish("t", "", qos1);
    three.session.closed();
    three.session.opened(three.now);
    CHECK(three.written() == wire("10 0e 0004'MQTT' 04 02 003c 0002'me'"));
}

TEST_CASE("unsent QoS 0 messages are kept for the next connection, one sent in part is dropped and counted") {
    for (std::size_t written = 0; written <= 15; ++written) {
        CAPTURE(written);
        Dialogue d(options_of(v311));
        d.connect();
        d.publish("a", "");
        d.publish("b", "");
        d.publish("c", "");
        d.session.sent(written, d.now);
        const std::size_t partly = written % 5 != 0 ? 1 : 0;
        const std::size_t whole = written / 5;
        CHECK(d.session.unsent() == 3 - whole);
        d.session.closed();
        CHECK(d.session.unsent() == 3 - whole - partly);
        CHECK(d.session.counters().dropped == partly);
        d.connect();
        std::string expected;
        for (std::size_t i = whole + partly; i < 3; ++i) {
            expected += "30 03 0001'" + std::string(1, static_cast<char>('a' + i)) + "'";
        }
        CHECK(d.written() == wire(expected));
        CHECK(d.session.counters().dropped == partly);
    }
}

TEST_CASE("other packets between QoS 0 messages are not kept") {
    Dialogue d(options_of(v311));
    d.connect();
    d.publish("a", "");
    d.answer_to("32 05 0001't' 0007");
    d.publish("b", "");
    REQUIRE(d.broker_sends("32 05 0001't' 0008").has_value());
    d.publish("c", "");
    REQUIRE(d.session.disconnect(0, {}, d.now).has_value());
    d.session.closed();
    d.connect();
    CHECK(d.written() == wire("30 03 0001'b' 30 03 0001'c'"));
}

TEST_CASE("QoS 0 messages in bytes that did not arrive count as dropped") {
    Dialogue d(options_of(v311));
    d.publish("k", "kept");  // 9 bytes, sent with the connection
    d.connect();
    for (int i = 0; i < 4; ++i) d.publish("t", "message");  // 12 bytes each
    d.publish("t", "other", qos1);                          // 12 bytes
    d.written();
    d.session.closed(12 + 13);
    CHECK(d.session.counters().dropped == 2);
    d.connect();
    d.publish("t", "message");
    d.written();
    d.session.closed(1'000'000);
    CHECK(d.session.counters().dropped == 3);
    d.connect();
    d.session.closed();
    CHECK(d.session.counters().dropped == 3);
}

TEST_CASE("large unsent QoS 0 payloads are kept by reference, and dropped if sent in part") {
    const std::string payload(100'000, 'x');
    for (const std::size_t sent : {0U, 3U, 7U, 50'000U, 100'006U, 100'007U, 100'010U}) {
        CAPTURE(sent);
        SessionOptions options = options_of(v311);
        options.max_output_bytes = 500'000;
        Dialogue d(options);
        d.connect();
        REQUIRE(d.session.publish(message("t", payload), d.now, PayloadMode::borrowed).has_value());
        d.publish("u", "");
        REQUIRE(d.session.publish(message("t", payload), d.now).has_value());
        for (std::size_t left = sent; left > 0;) {
            const std::size_t n = std::min(left, d.session.pending().size());
            d.session.sent(n, d.now);
            left -= n;
        }
        const bool first_partly = sent > 0 && sent < 100'007;
        const bool second_partly = sent > 100'007;
        d.session.closed();
        CHECK(d.session.counters().dropped == (first_partly || second_partly ? 1 : 0));
        const std::size_t kept = (sent == 0 ? 100'007U : 0U) + (second_partly ? 0U : 5U) + 100'007U;
        CHECK(d.session.pending_bytes() == kept);
        d.connect();
        CHECK(d.session.pending_bytes() == kept);
        if (sent == 0) {
            d.session.sent(7, d.now);
            CHECK(d.session.pending().data() == as_bytes(payload).data());
        }
    }
}

TEST_CASE("large unsent QoS 0 payloads are kept in MQTT 5, with and without an alias") {
    const std::string payload(100'000, 'x');
    SessionOptions options = options_of(v5);
    options.max_output_bytes = 500'000;
    Dialogue d(options);
    d.connect(false, "22 0001");
    for (int i = 0; i < 3; ++i) d.publish("topic1", payload);
    const std::size_t first_and_new_alias = 2 * 13 + 3;
    CHECK(d.session.pending_bytes() == 3 * payload.size() + first_and_new_alias + 10);
    d.reconnect(false);
    CHECK(d.session.pending_bytes() == 3 * (payload.size() + 13));
    CHECK(d.session.counters().dropped == 0);
}

TEST_CASE("QoS 0 messages that wait for a connection are limited") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 90;
    Dialogue d(options);
    int taken = 0;
    while (d.session.can_publish(Qos::at_most_once)) {
        d.publish("t", "0123456789");
        ++taken;
    }
    CHECK(taken == 7);
    const auto full = d.session.publish(message("t", ""), d.now);
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code == ErrorCode::buffer_full);
    CHECK(d.session.can_publish(qos1));
}

TEST_CASE("messages kept for the next connection are limited with their whole topics in place of aliases") {
    SessionOptions options = options_of(v5);
    options.max_output_bytes = 1000;
    Dialogue d(options);
    d.connect(false, "22 0001");
    const std::string topic(200, 't');
    while (d.session.can_publish(qos0)) d.publish(topic, "");
    d.session.closed();
    CHECK(d.session.unsent() == 5);  // of 206 bytes each
    CHECK(d.session.counters().dropped == d.session.counters().published - 5);
}

TEST_CASE("messages and their order survive many lost connections") {
    Dialogue d(persistent(v5));
    for (int i = 0; i < 5; ++i) {
        d.connect(i > 0);
        d.publish("t", "", qos1);
        d.session.closed();
        d.session.opened(d.now);
        d.session.closed();
    }
    d.connect(true);
    // None of them was ever written.
    CHECK(d.written() ==
          wire("32 06 0001't' 0001 00 32 06 0001't' 0002 00 32 06 0001't' 0003 00 32 06 0001't' 0004 00 "
               "32 06 0001't' 0005 00"));
}

TEST_CASE("a partial packet of the old connection does not disturb the new one") {
    Dialogue d(persistent(v311));
    d.connect();
    REQUIRE(d.broker_sends("34 06 0001").value() == 0);
    d.reconnect(true);
    CHECK(d.answer_to("34 06 0001't' 0008 'c'") == wire("50 02 0008"));
}

TEST_CASE("a large unacknowledged payload is sent again without being copied") {
    const std::string payload(100'000, 'x');
    Dialogue d(persistent(v311));
    d.connect();
    REQUIRE(d.session.publish(message("t", payload, qos1), d.now, PayloadMode::borrowed).has_value());
    d.written();
    d.reconnect(true);
    CHECK(to_hex(d.session.pending()) == wire("3a a58d06 0001't' 0001"));
    d.session.sent(d.session.pending().size(), d.now);
    CHECK(d.session.pending().data() == as_bytes(payload).data());
    d.written();
    d.answer_to("40 02 0001");
    CHECK(d.events() == "delivered 1");
}

TEST_CASE("a full window of large messages is sent again, whatever its size") {
    SessionOptions options = persistent(v5);
    options.max_inflight = 100;
    Dialogue d(options);
    d.connect();
    const std::string payload(30'000, 'x');
    for (int i = 0; i < 100; ++i) {
        d.publish("t", payload, qos1);
        d.written();
    }
    d.reconnect(true);
    CHECK(d.session.inflight() == 100);
    d.written();
    for (std::uint8_t i = 1; i <= 100; ++i) d.answer_to("40 02 00" + to_hex(std::vector{i}));
    CHECK(d.session.counters().delivered == 100);
}

TEST_CASE("after a refusal in CONNACK the next session is still the previous one") {
    Dialogue d(persistent(v5));
    d.connect();
    d.subscribe("a");
    d.written();
    d.answer_to("90 04 0001 00 00");
    d.session.closed();
    d.open();
    d.error_of("20 03 00 88 00");
    d.session.closed();
    d.connect(true);
    CHECK(d.written().empty());
}

}  // namespace
}  // namespace mqttc::test
