// Incoming messages and everything that a broker may not do.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

TEST_CASE("QoS 0, 1 and 2 are delivered and acknowledged") {
    for (const auto version : {v31, v311}) {
        Dialogue d = connected(version);
        CHECK(d.answer_to("30 04 0001't' 'a'").empty());
        CHECK(d.answer_to("32 06 0001't' 0007 'b'") == wire("40 02 0007"));
        CHECK(d.answer_to("34 06 0001't' 0008 'c'") == wire("50 02 0008"));
        CHECK(d.events() == "message t=a; message t=b; message t=c");
        CHECK(d.answer_to("62 02 0008") == wire("70 02 0008"));
        CHECK(d.events().empty());
        CHECK(d.session.counters().received == 3);
    }
    Dialogue d = connected(v5);
    CHECK(d.answer_to("30 05 0001't' 00 'a' 32 07 0001't' 0007 00 'b' 34 07 0001't' 0008 00 'c'") ==
          wire("40 02 0007 50 02 0008"));
    CHECK(d.events() == "message t=a; message t=b; message t=c");
}

TEST_CASE("a QoS 2 message that is received again before PUBREL is acknowledged and not delivered") {
    Dialogue d = connected(v311);
    CHECK(d.answer_to("34 06 0001't' 0008 'c'") == wire("50 02 0008"));
    CHECK(d.answer_to("3c 06 0001't' 0008 'c'") == wire("50 02 0008"));
    CHECK(d.events() == "message t=c");
    CHECK(d.session.counters().duplicates == 1);
    d.answer_to("62 02 0008");
    CHECK(d.answer_to("34 06 0001't' 0008 'd'") == wire("50 02 0008"));
    CHECK(d.events() == "message t=d");
}

TEST_CASE("PUBREL for an unknown message is answered so that the broker can finish it") {
    CHECK(connected(v311).answer_to("62 02 0008") == wire("70 02 0008"));
    CHECK(connected(v5).answer_to("62 02 0008") == wire("70 03 0008 92"));
}

TEST_CASE("a message that the handler postpones is not consumed and not acknowledged") {
    for (const std::string_view publish :
         {"30 04 0001't' 'a'", "32 06 0001't' 0007 'a'", "34 06 0001't' 0007 'a'"}) {
        Dialogue d = connected(v311);
        d.recorder.answer = Accept::later;
        const std::string bytes = "d0 00 " + std::string(publish) + " d0 00";
        const auto used = d.broker_sends(bytes);
        REQUIRE(used.has_value());
        CHECK(*used == 2);
        CHECK(d.written().empty());
        CHECK(d.events().empty());
        d.recorder.answer = Accept::now;
        d.answer_to(std::string(publish) + " d0 00");
        CHECK(d.events() == "message t=a");
    }
}

TEST_CASE("a message postponed among many is offered again, and none before it") {
    Dialogue d(options_of(ProtocolVersion::v311));
    d.connect();
    int left = 2;
    d.recorder.inside_publish = [&] { d.recorder.answer = --left > 0 ? Accept::now : Accept::later; };
    constexpr std::string_view three = "30 04 0001't' 'a' 30 04 0001't' 'b' 30 04 0001't' 'c'";
    CHECK(d.broker_sends(three) == 12);
    CHECK(d.events() == "message t=a; message t=b");
    CHECK(d.recorder.postponed == 1);
    CHECK(d.session.counters().received == 2);
    d.recorder.answer = Accept::now;
    CHECK(d.broker_sends("30 04 0001't' 'c'") == 6);
    CHECK(d.events() == "message t=c");
}

TEST_CASE("after disconnecting inside the first of many messages the others are ignored") {
    Dialogue d(options_of(ProtocolVersion::v311));
    d.connect();
    d.recorder.inside_publish = [&] {
        REQUIRE(d.session.disconnect(reason::success, {}, d.now).has_value());
    };
    CHECK(d.broker_sends("30 04 0001't' 'a' 30 04 0001't' 'b' 30 04 0001't' 'c'") == 18);
    CHECK(d.events() == "message t=a");
    CHECK(d.written() == wire("e0 00"));
}

TEST_CASE("packets may arrive in pieces of any size") {
    const auto bytes = hex("34 06 0001't' 0008 'c' d0 00 62 02 0008 32 06 0001't' 0009 'd'");
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        Dialogue d = connected(v311);
        std::vector<std::uint8_t> buffer;
        for (std::size_t from = 0; from < bytes.size(); from += step) {
            const auto end = std::min(from + step, bytes.size());
            buffer.insert(buffer.end(), bytes.begin() + static_cast<std::ptrdiff_t>(from),
                          bytes.begin() + static_cast<std::ptrdiff_t>(end));
            const auto used = d.session.receive(buffer, d.now, d.recorder);
            REQUIRE(used.has_value());
            buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*used));
        }
        CHECK(buffer.empty());
        CHECK(d.events() == "message t=c; message t=d");
        CHECK(d.written() == wire("50 02 0008 70 02 0008 40 02 0009"));
    }
}

TEST_CASE("needs() returns the size of an incomplete packet") {
    Session session(options_of(v311));
    CHECK(session.needs(hex("30")) == 0);
    CHECK(session.needs(hex("30 80")) == 0);
    CHECK(session.needs(hex("30 80 01")) == 131);
    CHECK(session.needs(hex("d0 00")) == 0);
    CHECK(session.needs(hex("00 00")) == 0);
}

TEST_CASE("disconnecting inside a handler acknowledges this message, sends DISCONNECT and ignores the rest") {
    Dialogue d = connected(v311);
    d.recorder.inside_publish = [&] { CHECK(d.session.disconnect(0, {}, d.now).has_value()); };
    CHECK(d.answer_to("32 06 0001't' 0007 'a' 32 06 0001't' 0008 'b' 00 00") == wire("40 02 0007 e0 00"));
    CHECK(d.events() == "message t=a");
    CHECK(d.answer_to("32 06 0001't' 0008 'b'").empty());
    CHECK(d.events().empty());
}

TEST_CASE("a handler may publish from inside each event") {
    Dialogue d(options_of(v311));
    d.recorder.inside_connack = [&] { d.publish("c", "", Qos::at_least_once); };
    d.recorder.inside_publish = [&] { d.publish("p", ""); };
    int more = 2;
    d.recorder.inside_delivered = [&] {
        if (more-- > 0) d.publish("d", "", Qos::at_least_once);
    };
    d.open();
    CHECK(d.answer_to("20 02 00 00") == wire("32 05 0001'c' 0001"));
    CHECK(d.answer_to("40 02 0001") == wire("32 05 0001'd' 0002"));
    CHECK(d.answer_to("40 02 0002") == wire("32 05 0001'd' 0003"));
    CHECK(d.answer_to("32 05 0001't' 0009") == wire("30 03 0001'p' 40 02 0009"));
}

struct Violation {
    const char* what;
    const char* packet;
    int code;
};

TEST_CASE("what a broker may not send is a protocol error, and in MQTT 5 DISCONNECT has the reason") {
    const Violation violations[] = {
        {"CONNECT", "10 0f 0004'MQTT' 05 02 003c 00 0002'me'", 0x82},
        {"SUBSCRIBE", "82 07 0001 00 0001't' 00", 0x82},
        {"UNSUBSCRIBE", "a2 06 0001 00 0001't'", 0x82},
        {"PINGREQ", "c0 00", 0x82},
        {"CONNACK twice", "20 03 00 00 00", 0x82},
        {"AUTH without a method", "f0 00", 0x82},
        {"type 0", "00 00", 0x81},
        {"a length of five bytes", "30 80 80 80 80 01", 0x81},
        {"QoS 3", "36 07 0001't' 0001 00 'x'", 0x81},
        {"an identifier of 0", "32 07 0001't' 0000 00 'x'", 0x82},
        {"a topic with a wildcard", "30 04 0001'#' 00", 0x90},
        {"an empty topic without alias", "30 03 0000 00", 0x82},
        {"a topic that is not UTF-8", "30 04 0001 ff 00", 0x81},
        {"an alias when none was allowed", "30 07 0001't' 03 23 0001", 0x94},
        {"a short PUBACK", "40 01 00", 0x81},
        {"PUBREL with wrong flags", "60 02 0001", 0x81},
        {"DISCONNECT with a session expiry", "e0 07 00 05 11 00000001", 0x82},
    };
    for (const Violation& violation : violations) {
        CAPTURE(violation.what);
        Dialogue d = connected(v5);
        const Error error = d.error_of(violation.packet);
        CHECK(error.code == ErrorCode::protocol_error);
        CHECK(error.reason == violation.code);
        CHECK_FALSE(error.context.empty());
        const std::uint8_t code = static_cast<std::uint8_t>(violation.code);
        CHECK(d.written() == "e0 01 " + to_hex(Bytes(&code, 1)));
        CHECK(d.events().empty());
        CHECK_FALSE(d.session.connected());
    }
}

TEST_CASE("before MQTT 5 a protocol error ends the connection without a packet") {
    for (const std::string_view packet :
         {"c0 00", "e0 00", "20 02 00 00", "36 06 0001't' 0001 'x'", "f0 00"}) {
        CAPTURE(packet);
        Dialogue d = connected(v311);
        CHECK(d.error_of(packet).code == ErrorCode::protocol_error);
        CHECK(d.written().empty());
        CHECK_FALSE(d.session.connected());
    }
}

TEST_CASE("only CONNACK and AUTH may arrive first") {
    for (const std::string_view packet :
         {"30 04 0001't' 00", "40 02 0001", "d0 00", "e0 00", "90 04 0001 00 00"}) {
        CAPTURE(packet);
        Dialogue d(options_of(v5));
        d.open();
        CHECK(d.error_of(packet).code == ErrorCode::protocol_error);
        CHECK(d.written() == wire("e0 01 82"));
        CHECK(d.events().empty());
    }
}

TEST_CASE("a packet over max_packet_size is refused as soon as its length is known") {
    SessionOptions options = options_of(v5);
    options.max_packet_size = 20;
    Dialogue d(options);
    d.connect();
    REQUIRE(d.broker_sends("30 12").has_value());
    d.session.closed();
    d.connect();
    const Error error = d.error_of("30 13");
    CHECK(error.reason == reason::packet_too_large);
    CHECK(error.context == "the broker sent a packet over the limit of 20 bytes");
    CHECK(error.hint == Hint::none);
    CHECK(d.written() == wire("e0 01 95"));
    d.reconnect(false);
    CHECK(d.error_of("30 13 0001't' 00 '0123456789abcde'").reason == reason::packet_too_large);
    CHECK(d.events().empty());
}

TEST_CASE("in MQTT 3.1.1, where the broker does not know max_packet_size, a packet over it has a hint") {
    SessionOptions options = options_of(v311);
    options.max_packet_size = 20;
    Dialogue d(options);
    d.connect();
    CHECK(d.error_of("30 13").hint == Hint::max_packet_size);
}

TEST_CASE("a maximum packet size among the CONNECT properties is enforced, too") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::maximum_packet_size, 20).has_value());
    Dialogue d(options);
    d.connect();
    CHECK(d.error_of("30 13").reason == reason::packet_too_large);
}

TEST_CASE("a broker that exceeds our receive maximum is disconnected") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::receive_maximum, 2).has_value());
    Dialogue d(options);
    d.connect();
    d.answer_to("34 06 0001't' 0001 00 34 06 0001't' 0002 00");
    d.answer_to("62 02 0001");
    d.answer_to("32 06 0001't' 0003 00");
    d.answer_to("34 06 0001't' 0004 00");
    const Error error = d.error_of("34 06 0001't' 0005 00");
    CHECK(error.reason == reason::receive_maximum_exceeded);
    CHECK(d.written() == wire("e0 01 93"));
    CHECK(d.session.counters().received == 4);
}

TEST_CASE("the receive maximum is counted from zero on each connection") {
    SessionOptions options = options_of(v5);
    options.clean_start = false;
    REQUIRE(options.connect_properties.add(PropertyId::receive_maximum, 1).has_value());
    Dialogue d(options);
    d.connect();
    d.answer_to("34 06 0001't' 0001 00");
    d.reconnect(true);
    CHECK(d.answer_to("34 06 0001't' 0002 00") == wire("50 02 0002"));
    CHECK(d.answer_to("62 02 0001") == wire("70 02 0001"));
}

TEST_CASE("DISCONNECT of the broker is reported with its reason, and nothing more is written") {
    Dialogue d = connected(v5);
    d.publish("t", "");
    const Error error = d.error_of("e0 0a 8b 08 1f 0005'later'");
    CHECK(error.code == ErrorCode::server_disconnect);
    CHECK(error.reason == 0x8b);
    CHECK(error.context == "the broker disconnected: server shutting down (later)");
    CHECK(d.events() == "disconnect 139");
    CHECK(d.written().empty());
    CHECK_FALSE(d.session.connected());
}

TEST_CASE("answers that the broker does not read are limited") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 1000;
    Dialogue d(options);
    d.connect();
    const auto one = hex("32 05 0001't' 0007");
    std::vector<std::uint8_t> many;
    for (int i = 0; i < 10'000; ++i) many.insert(many.end(), one.begin(), one.end());
    std::expected<std::size_t, Error> result = 0;
    int rounds = 0;
    while (result.has_value() && rounds++ < 100) result = d.session.receive(many, d.now, d.recorder);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::protocol_error);
    CHECK(rounds > 25);
    CHECK(d.session.pending_bytes() < 1'100'000);
}

TEST_CASE("PUBRELs that the broker does not read are limited") {
    for (const auto version : {v311, v5}) {
        Dialogue d = connected(version);
        std::vector<std::uint8_t> many;
        for (int i = 0; i < 10'000; ++i) many.insert(many.end(), {0x50, 2, 0, 7});
        std::expected<std::size_t, Error> result = 0;
        for (int round = 0; result.has_value() && round < 100; ++round)
            result = d.session.receive(many, d.now, d.recorder);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().context == "the broker keeps sending and does not read the answers");
        CHECK(d.session.pending_bytes() < 1'200'000);
    }
}

TEST_CASE(
    "a broker may send any number of messages while others wait to be written, if it reads the answers") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 4'000'000;
    Dialogue d(options);
    d.connect();
    std::vector<std::uint8_t> many;
    for (int i = 0; i < 10'000; ++i) many.insert(many.end(), {0x32, 5, 0, 1, 't', 0, 7});
    for (int i = 0; i < 60; ++i) {
        while (d.session.pending_bytes() < 3'000'000) d.publish("t", std::string(10'000, 'p'));
        d.recorder.events.clear();
        REQUIRE(d.session.receive(many, d.now, d.recorder).has_value());
        while (d.session.pending_bytes() > 1'500'000) d.session.sent(d.session.pending().size(), d.now);
    }
}

TEST_CASE("AUTH is exchanged when CONNECT named a method") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::authentication_method, "m").has_value());
    Dialogue d(options);
    d.open();
    Properties properties;
    REQUIRE(properties.add(PropertyId::authentication_method, "m").has_value());
    d.answer_to("f0 06 18 04 15 0001'm'");
    CHECK(d.events() == "auth 24");
    REQUIRE(d.session.auth(reason::continue_authentication, properties.view(), d.now).has_value());
    CHECK(d.written() == wire("f0 06 18 04 15 0001'm'"));
    d.answer_to("20 07 00 00 04 15 0001'm'");
    CHECK(d.session.connected());

    Dialogue without = connected(v5);
    CHECK(without.session.auth(reason::reauthenticate, {}, d.now).error().code == ErrorCode::usage);
}

TEST_CASE("a handler without authentication ends the connection when the broker requests a further step") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::authentication_method, "m").has_value());
    Session session(options);
    SessionHandler knows_nothing;
    session.opened(at(0));
    session.sent(session.pending().size(), at(0));
    const auto got = session.receive(hex("f0 06 18 04 15 0001'm'"), at(0), knows_nothing);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == ErrorCode::usage);
    CHECK(got.error().context ==
          "the broker requires further steps of the authentication method 'm', which this client does not "
          "support: "
          "continue authentication");
    CHECK(to_hex(session.pending()) == "e0 01 83");
}

TEST_CASE("an unexpected AUTH is a protocol error, whatever the handler supports") {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::authentication_method, "m").has_value());
    for (const char* bytes : {"f0 00", "f0 01 19"}) {
        Dialogue d(options);
        d.open();
        CHECK(d.error_of(bytes).code == ErrorCode::protocol_error);
        CHECK(d.events() == "");
    }
    Dialogue d(options);
    d.connect();
    d.events();
    CHECK(d.error_of("f0 01 19").code == ErrorCode::protocol_error);
    CHECK(d.written() == wire("e0 01 82"));
    CHECK(d.events() == "");
}

TEST_CASE("control characters in the broker's texts are escaped, those of eight bits too") {
    Dialogue d(options_of(v5));
    d.connect();
    // CSI (U+009B) and ESC.
    const Error error = d.error_of("e0 09 8b 07 1f 0004 c29b 1b 'J'");
    CHECK(error.context == "the broker disconnected: server shutting down (\\xc2\\x9b\\x1bJ)");
}

TEST_CASE("a malformed topic is named in the error") {
    Dialogue d = connected(v311);
    CHECK(d.error_of("30 05 0003 61c328").context ==
          "the broker sent a bad PUBLISH packet: a string is not valid UTF-8 or contains a NUL character, "
          "topic "
          "'a\\xc3('");
}

TEST_CASE("a QoS 2 message that the broker acknowledges with PUBACK is delivered, and counted as lowered") {
    Dialogue d = connected(v311);
    d.publish("t", "", qos2);
    d.written();
    CHECK(d.answer_to("40 02 0001").empty());
    CHECK(d.events() == "delivered 1");
    CHECK(d.session.counters().delivered == 1);
    CHECK(d.session.counters().lowered == 1);
}

TEST_CASE("SUBACK and UNSUBACK that answer nothing are ignored") {
    Dialogue d = connected(v311);
    CHECK(d.answer_to("90 03 0009 00 b0 02 0009").empty());
    CHECK(d.session.connected());
}

}  // namespace
}  // namespace mqttc::test
