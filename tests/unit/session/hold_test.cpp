// Held acknowledgements: messages that the handler has taken and acknowledges later.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

/// Connected, with a handler that holds the acknowledgements.
Dialogue holding(SessionOptions options = persistent(v311)) {
    Dialogue d(std::move(options));
    d.connect();
    d.recorder.answer = Accept::hold_acknowledgement;
    return d;
}

std::string release(Dialogue& d) {
    d.session.release_acknowledgements(d.now);
    return d.written();
}

TEST_CASE("held acknowledgements are sent in order when they are released") {
    Dialogue d = holding();
    CHECK(d.answer_to("32 06 0001't' 0007 'a' 34 06 0001't' 0008 'b' 30 04 0001't' 'c'").empty());
    CHECK(d.events() == "message t=a; message t=b; message t=c");
    CHECK(d.session.counters().received == 3);
    CHECK(release(d) == wire("40 02 0007 50 02 0008"));
    CHECK(release(d).empty());
    CHECK(d.answer_to("62 02 0008") == wire("70 02 0008"));
}

TEST_CASE("acknowledgements of later messages wait for one that is held") {
    Dialogue d = holding();
    CHECK(d.answer_to("32 06 0001't' 0007 'a'").empty());
    d.recorder.answer = Accept::now;
    CHECK(d.answer_to("32 06 0001't' 0008 'b'").empty());
    CHECK(release(d) == wire("40 02 0007 40 02 0008"));
    CHECK(d.answer_to("32 06 0001't' 0009 'c'") == wire("40 02 0009"));
}

TEST_CASE("while acknowledgements are held the connection stays alive and other packets are processed") {
    SessionOptions options = persistent(v311);
    options.keep_alive = 10;
    Dialogue d = holding(options);
    d.answer_to("32 06 0001't' 0007 'a'");
    for (int i = 0; i < 10; ++i) {
        d.wait(10);
        REQUIRE(d.session.tick(d.now).has_value());
        CHECK(d.written() == wire("c0 00"));
        d.answer_to("d0 00");
    }
    d.publish("t", "x", qos1);
    d.written();
    d.events();
    d.answer_to("40 02 0001");
    CHECK(d.events() == "delivered 1");
    CHECK(release(d) == wire("40 02 0007"));
}

TEST_CASE("a handler may release acknowledgements while it takes a message") {
    Dialogue d = holding();
    d.answer_to("32 06 0001't' 0007 'a'");
    d.recorder.answer = Accept::now;
    d.recorder.inside_publish = [&] { d.session.release_acknowledgements(d.now); };
    CHECK(d.answer_to("32 06 0001't' 0008 'b'") == wire("40 02 0007 40 02 0008"));
}

TEST_CASE("at QoS 1 a message whose acknowledgement is held is offered again after a reconnect") {
    Dialogue d = holding();
    d.answer_to("32 06 0001't' 0007 'a'");
    d.events();
    d.reconnect(true);
    CHECK(release(d).empty());
    d.recorder.answer = Accept::now;
    CHECK(d.answer_to("3a 06 0001't' 0007 'a'") == wire("40 02 0007"));
    CHECK(d.events() == "message t=a");
}

TEST_CASE("at QoS 2 it is not offered again, and its acknowledgement is held until it is released") {
    Dialogue d = holding();
    d.answer_to("34 06 0001't' 0007 'a' 34 06 0001't' 0008 'b'");
    d.events();
    d.reconnect(true);
    d.recorder.answer = Accept::now;
    CHECK(d.answer_to("3c 06 0001't' 0007 'a'").empty());
    CHECK(d.events().empty());
    CHECK(d.session.counters().duplicates == 1);
    CHECK(release(d) == wire("50 02 0007"));
    // The other one was released before the broker sent it again.
    CHECK(d.answer_to("3c 06 0001't' 0008 'b'") == wire("50 02 0008"));
    CHECK(d.answer_to("62 02 0007 62 02 0008") == wire("70 02 0007 70 02 0008"));
    CHECK(d.events().empty());
}

TEST_CASE("a message released without a connection is acknowledged when the broker sends it again") {
    Dialogue d = holding();
    d.answer_to("34 06 0001't' 0007 'a'");
    d.session.closed();
    CHECK(release(d).empty());
    d.connect(true);
    CHECK(d.answer_to("3c 06 0001't' 0007 'a'") == wire("50 02 0007"));
}

TEST_CASE("a message that is sent again while its acknowledgement is held is acknowledged once") {
    Dialogue d = holding(persistent(v31));
    d.recorder.answer = Accept::now;
    d.answer_to("34 06 0001't' 0005 'x'");
    d.recorder.answer = Accept::hold_acknowledgement;
    const std::string twice = "34 06 0001't' 0007 'a' 3c 06 0001't' 0007 'a'";
    CHECK(d.answer_to(twice).empty());
    // So does one that waits behind it.
    CHECK(d.answer_to("3c 06 0001't' 0005 'x' 3c 06 0001't' 0005 'x'").empty());
    CHECK(d.session.counters().duplicates == 3);
    d.session.acknowledge({.message = 1, .packet_id = 7, .qos = qos2}, d.now);
    CHECK(d.written() == wire("50 02 0007 50 02 0005"));
    d.recorder.answer = Accept::now;
    CHECK(d.answer_to("32 06 0001't' 0009 'c'") == wire("40 02 0009"));
}

TEST_CASE("an identifier of a held message can be used again by a broker that has lost the session") {
    Dialogue d = holding();
    d.answer_to("34 06 0001't' 0007 'a'");
    d.reconnect(false);
    d.events();
    d.recorder.answer = Accept::now;
    CHECK(d.answer_to("34 06 0001't' 0007 'n'") == wire("50 02 0007"));
    CHECK(d.answer_to("3c 06 0001't' 0007 'n'") == wire("50 02 0007"));
    CHECK(d.events() == "message t=n");
}

TEST_CASE(
    "an identifier may be held once for a lost session and once for the present one: the newest counts") {
    Dialogue d = holding();
    d.answer_to("34 06 0001't' 0007 'a'");
    d.reconnect(false);
    d.answer_to("34 06 0001't' 0007 'n'");
    d.reconnect(true);
    CHECK(d.answer_to("3c 06 0001't' 0007 'n'").empty());
    d.session.acknowledge({.message = 1, .packet_id = 7, .qos = qos2}, d.now);
    CHECK(d.written() == wire("50 02 0007"));
}

TEST_CASE("the token of a message that was postponed does not acknowledge the one taken in its place") {
    for (const Qos qos : {qos1, qos2}) {
        Dialogue d = holding();
        d.answer_to(qos == qos1 ? "32 06 0001't' 0008 'b'" : "34 06 0001't' 0008 'b'");
        d.session.acknowledge({.message = 0, .packet_id = 7, .qos = qos}, d.now);
        CHECK(d.written().empty());
        d.session.acknowledge({.message = 0, .packet_id = 8, .qos = qos}, d.now);
        CHECK(d.written() == wire(qos == qos1 ? "40 02 0008" : "50 02 0008"));
    }
}

TEST_CASE("held messages count against our receive maximum") {
    SessionOptions options = persistent(v5);
    REQUIRE(options.connect_properties.add(PropertyId::receive_maximum, 2).has_value());
    Dialogue d = holding(options);
    d.answer_to("32 06 0001't' 0001 00 34 06 0001't' 0002 00");
    CHECK(release(d) == wire("40 02 0001 50 02 0002"));
    d.answer_to("32 06 0001't' 0003 00");
    CHECK(d.error_of("32 06 0001't' 0004 00").reason == reason::receive_maximum_exceeded);
}

TEST_CASE("nothing is acknowledged after DISCONNECT") {
    Dialogue d = holding();
    d.answer_to("32 06 0001't' 0007 'a'");
    REQUIRE(d.session.disconnect(reason::success, {}, d.now).has_value());
    CHECK(release(d) == wire("e0 00"));
}

}  // namespace
}  // namespace mqttc::test
