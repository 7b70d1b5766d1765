// Sessions as bytes, messages that are taken back, and credentials that change.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

/// A new program's session that continues the one of `d`.
Dialogue continued(const Dialogue& d) {
    Dialogue next(d.session.options());
    REQUIRE(next.session.restore(d.session.save()));
    return next;
}

TEST_CASE("a restored session sends everything unfinished again, in order, with DUP") {
    for (const auto version : {v311, v5}) {
        CAPTURE(static_cast<int>(version));
        const std::string none = version == v5 ? " 00" : "";
        const std::string length = version == v5 ? " 06 " : " 05 ";
        Dialogue d(persistent(version));
        d.connect();
        for (const Qos qos : {qos1, qos2, qos2, qos1}) d.publish("t", "", qos);
        d.written();
        d.answer_to("50 02 0002");
        Dialogue next = continued(d);
        CHECK(next.session.inflight() == 4);
        CHECK(next.session.counters().published == 4);
        CHECK(next.session.counters().pending == 4);
        next.connect(true);
        CHECK(next.written() == wire("3a" + length + "0001't' 0001" + none + "3c" + length + "0001't' 0003" +
                                     none + "3a" + length + "0001't' 0004" + none + "62 02 0002"));
        next.answer_to("40 02 0001 70 02 0002 40 02 0004 50 02 0003");
        next.answer_to("70 02 0003");
        CHECK(next.session.counters().delivered == 4);
        CHECK(next.publish("t", "", qos1) != 0);
    }
}

TEST_CASE("a restored session publishes as new what was never sent, and large payloads too") {
    Dialogue d(persistent(v311));
    const std::string large(100'000, 'x');
    d.publish("a", large, qos1);
    d.publish("b", "", qos1);
    Dialogue next = continued(d);
    next.connect();
    const std::string sent = next.written();
    CHECK(sent.size() > 2 * large.size());
    CHECK(sent.ends_with(wire("32 05 0001'b' 0002")));
    CHECK(continued(next).session.save() == next.session.save());
}

TEST_CASE("a QoS 2 message that was taken is not offered to the next program again, one that is held is") {
    Dialogue d(persistent(v311));
    d.connect();
    d.answer_to("34 06 0001't' 0007 'a'");
    d.recorder.answer = Accept::hold_acknowledgement;
    d.answer_to("34 06 0001't' 0008 'b'");
    d.events();
    Dialogue next = continued(d);
    next.connect(true);
    CHECK(next.answer_to("3c 06 0001't' 0007 'a' 3c 06 0001't' 0008 'b'") == wire("50 02 0007 50 02 0008"));
    CHECK(next.events() == "message t=b");
}

TEST_CASE("a held QoS 2 message is offered again by the next program also after a reconnect") {
    Dialogue d(persistent(v31));
    d.connect();
    d.recorder.answer = Accept::hold_acknowledgement;
    d.answer_to("34 06 0001't' 0005 'a'");
    d.reconnect(false);
    Dialogue next = continued(d);
    next.connect();
    next.answer_to("3c 06 0001't' 0005 'a'");
    CHECK(next.events() == "message t=a");
}

TEST_CASE("a session cannot be restored from other bytes, or into a session that is in use") {
    Dialogue d(persistent(v5));
    d.connect();
    d.publish("some/topic", "payload", qos2);
    d.written();
    const auto saved = d.session.save();
    const auto error_of = [](SessionOptions options, Bytes bytes) {
        Session session(std::move(options));
        const auto done = session.restore(bytes);
        if (done) return std::string();
        CHECK(done.error().code == ErrorCode::usage);
        CHECK(session.inflight() == 0);
        return done.error().context;
    };
    CHECK(error_of(persistent(v5), saved).empty());
    CHECK(error_of(persistent(v5), {}) == "the bytes are not a saved session");
    CHECK(error_of(persistent(v311), saved) ==
          "the session was saved by a client of another version of MQTT");
    SessionOptions other = persistent(v5);
    other.client_id = "other";
    CHECK(error_of(other, saved) == "the session was saved by a client with another client identifier");
    // Without one of its last bytes it may end between two messages.
    for (std::size_t size = 0; size < saved.size(); ++size)
        static_cast<void>(error_of(persistent(v5), Bytes(saved).first(size)));
    CHECK(error_of(persistent(v5), Bytes(saved).first(saved.size() - 1)) == "the saved session is damaged");
    auto twice = saved;
    twice.insert(twice.end(), saved.end() - 26, saved.end());
    CHECK(error_of(persistent(v5), twice) == "the saved session is damaged");
    CHECK(d.session.restore(saved).error().context == "a session can be restored only before it is used");
}

TEST_CASE("a saved session whose messages were changed is not trusted") {
    Dialogue d(persistent(v311));
    d.publish("t", "x", qos1);
    const auto saved = d.session.save();
    const std::size_t flags = saved.size() - 13;  // before four bytes of size and eight of PUBLISH
    auto released = saved;
    released[flags] = 2;  // PUBREC at QoS 1
    Dialogue next(persistent(v311));
    REQUIRE(next.session.restore(released));
    next.connect();
    CHECK(next.written() == wire("32 06 0001't' 0001 'x'"));

    auto longer = saved;
    ++longer[flags + 4];
    longer.push_back('y');
    CHECK(Session(persistent(v311)).restore(longer).error().context == "the saved session is damaged");
}

TEST_CASE("a message that was never sent can be taken back, another one cannot") {
    Dialogue d(persistent(v311));
    const PacketId first = d.publish("a", "", qos1);
    const PacketId second = d.publish("b", "", qos2);
    CHECK(d.session.withdraw(first));
    CHECK_FALSE(d.session.withdraw(first));
    CHECK_FALSE(d.session.withdraw(0));
    d.connect();
    CHECK(d.written() == wire("34 05 0001'b' 0002"));
    CHECK_FALSE(d.session.withdraw(second));
    d.answer_to("50 02 0002");
    CHECK_FALSE(d.session.withdraw(second));
    d.answer_to("70 02 0002");
    CHECK(d.session.counters().published == 2);
    CHECK(d.session.counters().dropped == 1);
    CHECK(d.session.counters().delivered == 1);
    CHECK(d.session.counters().pending == 0);
    // It might have arrived.
    const PacketId third = d.publish("c", "", qos1);
    d.written();
    d.session.closed();
    CHECK_FALSE(d.session.withdraw(third));
}

TEST_CASE("the next CONNECT has the credentials that were set last") {
    Dialogue d(options_of(v311));
    d.session.set_credentials("me", Secret("old"));
    d.open();
    d.session.closed();
    d.session.set_credentials("me", Secret("new"));
    d.session.opened(d.now);
    CHECK(d.written().ends_with(wire("0002'me' 0003'new'")));
    d.session.closed();
    d.session.set_credentials(std::nullopt, std::nullopt);
    d.session.opened(d.now);
    CHECK_FALSE(d.written().ends_with(wire("0003'new'")));
    // A password alone cannot be sent in MQTT 3.1.1, and the next credentials can.
    d.session.closed();
    d.session.set_credentials(std::nullopt, Secret("token"));
    d.session.opened(d.now);
    CHECK_FALSE(d.session.tick(d.now).has_value());
    d.session.closed();
    d.session.set_credentials("me", Secret("token"));
    d.session.opened(d.now);
    CHECK(d.session.tick(d.now).has_value());
    CHECK(d.written().ends_with(wire("0002'me' 0005'token'")));
}

}  // namespace
}  // namespace mqttc::test
