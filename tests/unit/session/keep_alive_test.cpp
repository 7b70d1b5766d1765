// Timers: keep-alive in both directions and missing acknowledgements.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

SessionOptions options_with(std::uint16_t keep_alive, ProtocolVersion version = v311) {
    SessionOptions options = options_of(version);
    options.keep_alive = keep_alive;
    return options;
}

/// The deadline in seconds from the common start; -1 = none.
double deadline_of(const Dialogue& d) {
    if (!d.session.deadline()) return -1;
    return std::chrono::duration<double>(*d.session.deadline() - at(0)).count();
}

ErrorCode tick(Dialogue& d) {
    const auto result = d.session.tick(d.now);
    return result ? ErrorCode::ok : result.error().code;
}

TEST_CASE("PINGREQ is sent when nothing was sent for the keep-alive") {
    Dialogue d(options_with(10));
    d.connect();
    CHECK(deadline_of(d) == 10);
    d.wait(9.5);
    CHECK(tick(d) == ErrorCode::ok);
    CHECK(d.written().empty());
    d.wait(0.5);
    CHECK(tick(d) == ErrorCode::ok);
    CHECK(d.written() == wire("c0 00"));
    CHECK(deadline_of(d) == 15);
    d.answer_to("d0 00");
    CHECK(deadline_of(d) == 20);
}

TEST_CASE("before CONNACK and without keep-alive there is no deadline") {
    Dialogue d(options_with(10));
    CHECK(deadline_of(d) == -1);
    d.open();
    CHECK(deadline_of(d) == -1);
    Dialogue off(options_with(0));
    off.connect();
    CHECK(deadline_of(off) == -1);
}

TEST_CASE("PINGREQ is sent by a client that only sends, and by one that only receives") {
    Dialogue sender(options_with(10));
    sender.connect();
    for (int second = 0; second < 10; ++second) {
        sender.wait(1);
        sender.publish("t", "");
        sender.written();
    }
    CHECK(deadline_of(sender) == 10);
    CHECK(tick(sender) == ErrorCode::ok);
    CHECK(sender.written() == wire("c0 00"));

    Dialogue receiver(options_with(10));
    receiver.connect();
    for (int second = 0; second < 10; ++second) {
        receiver.wait(1);
        receiver.answer_to("30 03 0001't'");
    }
    CHECK(deadline_of(receiver) == 10);
}

TEST_CASE("no answer to PINGREQ for half the keep-alive is an error") {
    Dialogue d(options_with(60));
    d.connect();
    d.wait(60);
    CHECK(tick(d) == ErrorCode::ok);
    d.written();
    CHECK(deadline_of(d) == 90);
    d.wait(29);
    CHECK(tick(d) == ErrorCode::ok);
    d.wait(1);
    const auto late = d.session.tick(d.now);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::keep_alive_timeout);
    CHECK(late.error().context == "no answer to PINGREQ from the broker for 30 s");
}

TEST_CASE("with a short keep-alive the broker has five seconds to answer") {
    Dialogue d(options_with(2));
    d.connect();
    d.wait(2);
    CHECK(tick(d) == ErrorCode::ok);
    d.written();
    d.wait(2);
    CHECK(tick(d) == ErrorCode::ok);
    CHECK(d.written() == wire("c0 00"));
    d.wait(2);
    CHECK(tick(d) == ErrorCode::ok);
    d.wait(1);
    CHECK(tick(d) == ErrorCode::keep_alive_timeout);
}

TEST_CASE("any received packet postpones the keep-alive time-out") {
    Dialogue d(options_with(60));
    d.connect();
    d.wait(60);
    CHECK(tick(d) == ErrorCode::ok);
    d.written();
    d.wait(29);
    d.answer_to("30 03 0001't'");
    CHECK(deadline_of(d) == 119);
}

TEST_CASE("the server's keep-alive is the one in force") {
    Dialogue d(options_with(60, v5));
    d.connect(false, "13 0005");
    CHECK(d.session.limits().keep_alive == 5);
    CHECK(deadline_of(d) == 5);
    Dialogue off(options_with(60, v5));
    off.connect(false, "13 0000");
    CHECK(deadline_of(off) == -1);
}

TEST_CASE("the answer to PINGREQ after a long upload is not late while the upload makes progress") {
    Dialogue d(options_with(10));
    d.connect();
    const std::string payload(100'000, 'x');
    REQUIRE(d.session.publish(message("t", payload), d.now, PayloadMode::borrowed).has_value());
    d.wait(10);
    CHECK(tick(d) == ErrorCode::ok);
    for (int i = 0; i < 20; ++i) {
        d.wait(4);
        d.session.sent(1000, d.now);
        CHECK(tick(d) == ErrorCode::ok);
    }
    d.wait(5);
    CHECK(tick(d) == ErrorCode::keep_alive_timeout);
}

TEST_CASE("a PINGREQ sent by ping() is unanswered until its own PINGRESP is received") {
    Dialogue d(options_with(10));
    CHECK(d.session.ping(d.now).error().code == ErrorCode::not_connected);
    d.connect();
    CHECK(!d.session.ping_unanswered());
    d.publish("t", "");
    REQUIRE(d.session.ping(d.now).has_value());
    CHECK(d.session.ping_unanswered());
    CHECK(d.written() == wire("30 03 0001't' c0 00"));
    d.answer_to("d0 00");
    CHECK(!d.session.ping_unanswered());

    // One for the keep-alive is in flight.
    d.wait(10);
    CHECK(tick(d) == ErrorCode::ok);
    CHECK(!d.session.ping_unanswered());
    REQUIRE(d.session.ping(d.now).has_value());
    CHECK(d.written() == wire("c0 00 c0 00"));
    d.answer_to("d0 00");
    CHECK(d.session.ping_unanswered());
    d.answer_to("d0 00");
    CHECK(!d.session.ping_unanswered());
    d.answer_to("d0 00");
    CHECK(!d.session.ping_unanswered());

    // It is forgotten with its connection.
    REQUIRE(d.session.ping(d.now).has_value());
    d.reconnect(false);
    CHECK(!d.session.ping_unanswered());
    CHECK(d.written() == "");
    REQUIRE(d.session.disconnect(reason::success, {}, d.now).has_value());
    CHECK(d.session.ping(d.now).error().code == ErrorCode::not_connected);
}

TEST_CASE("an unanswered QoS 1 or 2 message times out") {
    for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
        Dialogue d(options_with(0));
        d.connect();
        d.publish("t", "", qos);
        d.written();
        CHECK(deadline_of(d) == 20);
        d.wait(19);
        CHECK(tick(d) == ErrorCode::ok);
        d.wait(1);
        const auto late = d.session.tick(d.now);
        REQUIRE_FALSE(late.has_value());
        CHECK(late.error().code == ErrorCode::ack_timeout);
        CHECK(late.error().context == "no acknowledgement from the broker for 20 s");
    }
}

TEST_CASE("a time-out shorter than a second is shown as it is") {
    SessionOptions options = options_with(0);
    options.ack_timeout = std::chrono::milliseconds(500);
    Dialogue d(options);
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    d.wait(0.5);
    CHECK(d.session.tick(d.now).error().context == "no acknowledgement from the broker for 0.5 s");
}

TEST_CASE("each answer starts the acknowledgement time-out again") {
    Dialogue d(options_with(0));
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    d.wait(5);
    d.publish("t", "", Qos::exactly_once);
    d.written();
    d.wait(5);
    d.answer_to("50 02 0002");
    CHECK(deadline_of(d) == 30);
    d.answer_to("d0 00");
    d.wait(1);
    d.answer_to("d0 00");
    CHECK(deadline_of(d) == 30);
    d.answer_to("40 02 0001");
    CHECK(deadline_of(d) == 31);
    d.answer_to("70 02 0002");
    CHECK(deadline_of(d) == -1);
    d.subscribe("t");
    d.written();
    CHECK(deadline_of(d) == 31);
    d.answer_to("90 03 0003 00");
    CHECK(deadline_of(d) == -1);
}

TEST_CASE("zero switches the acknowledgement time-out off") {
    SessionOptions options = options_with(0);
    options.ack_timeout = Duration::zero();
    Dialogue d(options);
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    CHECK(deadline_of(d) == -1);
}

TEST_CASE("an acknowledgement is not late while its message is still being written") {
    Dialogue d(options_with(0));
    d.connect();
    const std::string payload(100'000, 'x');
    REQUIRE(d.session.publish(message("t", payload, Qos::at_least_once), d.now, PayloadMode::borrowed)
                .has_value());
    for (int i = 0; i < 10; ++i) {
        d.wait(15);
        d.session.sent(1000, d.now);
        CHECK(tick(d) == ErrorCode::ok);
    }
    d.written();
    d.wait(19);
    CHECK(tick(d) == ErrorCode::ok);
    d.wait(1);
    CHECK(tick(d) == ErrorCode::ack_timeout);
}

TEST_CASE("an acknowledgement is not late while a large packet before it arrives") {
    Dialogue d(options_with(0));
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    std::vector<std::uint8_t> part = hex("30 80 80 08 0001't'");
    for (int i = 0; i < 10; ++i) {
        d.wait(15);
        part.resize(part.size() + 5'000, 'x');
        const auto used = d.session.receive(part, d.now, d.recorder);
        REQUIRE(used.has_value());
        CHECK(*used == 0);
        CHECK(tick(d) == ErrorCode::ok);
    }
    // A packet that only trickles in does not keep the connection.
    for (int i = 0; i < 20; ++i) {
        d.wait(1);
        part.push_back('x');
        REQUIRE(d.session.receive(part, d.now, d.recorder).has_value());
    }
    CHECK(tick(d) == ErrorCode::ack_timeout);
}

TEST_CASE("a packet that begins to arrive is progress, whatever packet arrived in parts before") {
    for (const std::string_view before : {"30 04 0001't' 'a'", "32 06 0001't' 0007 'a'", "40 02 0009"}) {
        Dialogue d(options_with(0));
        d.connect();
        d.publish("t", "", qos1);
        d.written();
        auto part = hex(before);
        part.pop_back();
        REQUIRE(d.session.receive(part, d.now, d.recorder) == 0);
        d.answer_to(before);
        d.wait(19);
        REQUIRE(d.broker_sends("32 7f 0001't' 0008 'and so on'") == 0);
        d.wait(1);
        CHECK(tick(d) == ErrorCode::ok);
    }
}

TEST_CASE("no answer is late while the broker's machine takes what was sent") {
    for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
        Dialogue d(options_with(10));
        d.connect();
        const std::string payload(100'000, 'x');
        d.publish("t", payload, qos);
        d.written();
        for (std::size_t unarrived = 100'000; unarrived > 20'000; unarrived -= 10'000) {
            d.wait(4);
            d.session.arrived(unarrived, d.now);
            CHECK(tick(d) == ErrorCode::ok);
            d.written();
        }
        d.session.arrived(0, d.now);
        d.wait(19);
        // What is sent later is no progress of the message that waits, when it is taken at once.
        d.publish("t", "");
        d.written();
        d.session.arrived(0, d.now);
        d.answer_to("d0 00 d0 00 d0 00 d0 00 d0 00");
        CHECK(tick(d) == ErrorCode::ok);
        d.wait(1);
        CHECK(tick(d) == ErrorCode::ack_timeout);
    }
}

TEST_CASE("a broker that is slow at each step of QoS 2 is waited for from step to step") {
    Dialogue d(options_with(10));
    d.connect();
    d.publish("t", "", Qos::exactly_once);
    d.written();
    d.wait(19);
    CHECK(tick(d) == ErrorCode::ok);
    d.answer_to("d0 00 d0 00 50 02 0001");
    d.written();
    d.wait(19);
    d.answer_to("d0 00 d0 00");
    CHECK(tick(d) == ErrorCode::ok);
    d.wait(1);
    CHECK(tick(d) == ErrorCode::ack_timeout);
}

TEST_CASE("the oldest of messages and requests decides when an answer is late") {
    Dialogue d(options_with(0));
    d.connect();
    d.publish("t", "", qos1);
    d.written();
    d.wait(15);
    d.subscribe("t");
    d.written();
    CHECK(deadline_of(d) == 20);
}

TEST_CASE("bytes that are counted as unarrived again are no progress when they arrive") {
    Dialogue d(options_with(0));
    d.connect();
    d.publish("t", std::string(100'000, 'x'), qos1);
    d.written();
    for (const unsigned unarrived : {50'000U, 60'000U, 50'000U}) {
        d.wait(5);
        d.session.arrived(unarrived, d.now);
    }
    CHECK(deadline_of(d) == 25);
}

TEST_CASE("the time for the acknowledgements of publish_each begins when it is called") {
    Dialogue d(options_with(0));
    d.connect();
    d.wait(60);
    const std::vector<Bytes> payloads(2);
    REQUIRE(d.session.publish_each(message("t", "", qos1), payloads, d.now) == 2);
    d.wait(19);
    CHECK(tick(d) == ErrorCode::ok);
    d.wait(1);
    CHECK(tick(d) == ErrorCode::ack_timeout);
}

TEST_CASE("ping() times out like a message that waits for its acknowledgement") {
    Dialogue d(options_with(0));
    d.connect();
    REQUIRE(d.session.ping(d.now).has_value());
    d.written();
    CHECK(d.session.awaits_answer());
    d.wait(20);
    const auto late = d.session.tick(d.now);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ErrorCode::ack_timeout);
    CHECK(late.error().context == "no answer to PINGREQ from the broker for 20 s");
}

TEST_CASE("nothing is late while the handler postpones messages, and the keep-alive continues") {
    Dialogue d(options_with(10));
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    d.recorder.answer = Accept::later;
    REQUIRE(d.broker_sends("30 03 0001't' d0 00 40 02 0001").has_value());
    for (int i = 0; i < 10; ++i) {
        d.wait(10);
        REQUIRE(tick(d) == ErrorCode::ok);
        CHECK(d.written() == wire("c0 00"));
    }
    d.recorder.answer = Accept::now;
    d.wait(5);
    d.answer_to("30 03 0001't'");
    CHECK(tick(d) == ErrorCode::ok);
    d.answer_to("d0 00 40 02 0001");
    CHECK(d.events() == "message t=; delivered 1");
}

TEST_CASE("invalid options are reported by tick") {
    SessionOptions options = options_of(v311);
    options.client_id = "\xff";
    Dialogue d(options);
    d.session.opened(d.now);
    CHECK(d.written().empty());
    REQUIRE(d.session.deadline().has_value());
    CHECK(*d.session.deadline() <= d.now);
    CHECK(tick(d) == ErrorCode::usage);
}

TEST_CASE("while the caller pauses neither PINGRESP nor acknowledgements are late") {
    Dialogue d(options_with(10));
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    d.session.pause();
    for (int minute = 0; minute < 10; ++minute) {
        d.wait(60);
        CHECK(tick(d) == ErrorCode::ok);
        d.written();
    }
    d.answer_to("d0 00");
    d.wait(19);
    CHECK(tick(d) == ErrorCode::ok);
    d.written();
    d.answer_to("d0 00");
    d.wait(20);
    CHECK(tick(d) == ErrorCode::ack_timeout);
}

TEST_CASE("the maximum time-out means none, and invalid options are reported at once") {
    SessionOptions options = options_with(0);
    options.ack_timeout = Duration::max();
    Dialogue d(options);
    d.connect();
    d.publish("t", "", Qos::at_least_once);
    d.written();
    d.wait(1e6);
    CHECK(tick(d) == ErrorCode::ok);
    CHECK(*d.session.deadline() == Time::max());

    options.will = WillMessage{.topic = "a/#", .payload = {}, .properties = {}};
    Dialogue unusable(options);
    unusable.session.opened(unusable.now);
    CHECK(deadline_of(unusable) == 0);
    CHECK(tick(unusable) == ErrorCode::usage);
}

}  // namespace
}  // namespace mqttc::test
