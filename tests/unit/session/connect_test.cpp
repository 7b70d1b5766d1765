// CONNECT and CONNACK: what is requested, what is learned, what is refused.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

TEST_CASE("opened makes CONNECT pending in each version") {
    Dialogue v31(options_of(ProtocolVersion::v31));
    v31.session.opened(v31.now);
    CHECK(v31.written() == wire("10 10 00 06 'MQIsdp' 03 02 00 3c 00 02 'me'"));

    Dialogue v311(options_of(ProtocolVersion::v311));
    v311.session.opened(v311.now);
    CHECK(v311.written() == wire("10 0e 00 04 'MQTT' 04 02 00 3c 00 02 'me'"));

    Dialogue v5(options_of(ProtocolVersion::v5));
    v5.session.opened(v5.now);
    CHECK(v5.written() == wire("10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'me'"));
}

TEST_CASE("CONNECT carries user, password and will") {
    SessionOptions options = options_of(ProtocolVersion::v311);
    options.username = "u";
    options.password = Secret("pw");
    options.will = WillMessage{"w", "gone", Qos::at_least_once, true, {}};
    options.keep_alive = 5;
    Dialogue dialogue(options);
    dialogue.session.opened(dialogue.now);
    CHECK(dialogue.written() ==
          wire("10 1e 00 04 'MQTT' 04 ee 00 05 00 02 'me' 00 01 'w' 00 04 'gone' 00 01 'u' 00 02 'pw'"));
}

TEST_CASE("a limit on packets from the broker is announced in MQTT 5") {
    SessionOptions options = options_of(ProtocolVersion::v5);
    options.max_packet_size = 1000;
    Dialogue dialogue(options);
    dialogue.session.opened(dialogue.now);
    CHECK(dialogue.written() == wire("10 14 00 04 'MQTT' 05 02 00 3c 05 27 00 00 03 e8 00 02 'me'"));
}

TEST_CASE("CONNACK before all of CONNECT was sent is a protocol error") {
    SessionOptions options = options_of(ProtocolVersion::v311);
    options.password = Secret("secret");
    options.username = "me";
    Dialogue d(options);
    d.session.opened(d.now);
    const std::size_t size = d.session.pending().size();
    for (const std::size_t sent : {std::size_t{0}, size - 1}) {
        d.session.closed();
        d.session.opened(d.now);
        d.session.sent(sent, d.now);
        const Error error = d.error_of("20 02 00 00");
        CHECK(error.code == ErrorCode::protocol_error);
        CHECK(error.context == "the broker sent CONNACK before all of CONNECT was sent");
        CHECK_FALSE(d.session.connected());
    }
}

TEST_CASE("CONNACK makes the session connected, a refusal is an error with the broker's code") {
    Dialogue dialogue(options_of(ProtocolVersion::v311));
    dialogue.open();
    CHECK_FALSE(dialogue.session.connected());
    REQUIRE(dialogue.broker_sends("20 02 00 00").has_value());
    CHECK(dialogue.session.connected());
    CHECK(dialogue.events() == "connack 0");

    Dialogue refused(options_of(ProtocolVersion::v311));
    refused.open();
    const auto error = refused.broker_sends("20 02 00 05");
    REQUIRE_FALSE(error.has_value());
    CHECK(error.error().code == ErrorCode::connection_refused);
    CHECK(error.error().reason == 5);
    CHECK(refused.events() == "connack 5");
    CHECK_FALSE(refused.session.connected());
    CHECK(refused.written().empty());
}

TEST_CASE("a refusal in MQTT 5 shows the broker's reason string on one line") {
    Dialogue dialogue(options_of(ProtocolVersion::v5));
    dialogue.open();
    const auto error = dialogue.broker_sends("20 0b 00 87 08 1f 00 05 'n' 0a 'ope'");
    REQUIRE_FALSE(error.has_value());
    CHECK(error.error().reason == 0x87);
    CHECK(error.error().context ==
          "the broker refused the connection: not authorized (n\\nope)"
          " (no user name was given)");
    CHECK(error.error().hint == Hint::credentials);
}

TEST_CASE("a refusal contains a remedy") {
    SessionOptions options = options_of(ProtocolVersion::v311);
    const auto refusal = [&](std::string_view connack) {
        Dialogue dialogue(options);
        dialogue.open();
        return dialogue.error_of(connack);
    };
    CHECK(refusal("20 02 00 01").hint == Hint::protocol_version);
    CHECK(refusal("20 02 00 02").hint == Hint::client_id);
    CHECK(refusal("20 02 00 03").context == "the broker refused the connection: server unavailable");
    CHECK(refusal("20 02 00 03").hint == Hint::none);
    options.username = "me";
    CHECK(refusal("20 02 00 04").context.ends_with("(no password was given)"));
    CHECK(refusal("20 02 00 05").hint == Hint::password);
    options.password = Secret("pw");
    CHECK(refusal("20 02 00 04").context.ends_with("(check user name and password)"));
    options.version = ProtocolVersion::v5;
    options.client_id.clear();
    CHECK(refusal("20 03 00 84 00").hint == Hint::protocol_version);
    CHECK(refusal("20 03 00 85 00").context.ends_with("(no client identifier was given)"));
    CHECK(refusal("20 03 00 85 00").hint == Hint::client_id);
    CHECK(refusal("20 03 00 80 00").context.ends_with("unspecified error (no client identifier was given)"));
    CHECK(refusal("20 03 00 80 00").hint == Hint::client_id);
    options.client_id = "me";
    CHECK(refusal("20 03 00 80 00").context.ends_with("unspecified error"));
    CHECK(refusal("20 03 00 80 00").hint == Hint::none);
}

TEST_CASE("a return code that MQTT 3.1.1 does not have is a protocol error") {
    for (const char* connack : {"20 02 00 06", "20 02 00 1b", "20 02 00 87"}) {
        CAPTURE(connack);
        Dialogue dialogue(options_of(ProtocolVersion::v311));
        dialogue.open();
        CHECK(dialogue.error_of(connack).code == ErrorCode::protocol_error);
        CHECK(dialogue.events().empty());
    }
}

TEST_CASE(
    "a session present after a clean start is a protocol error, and the reserved bit of MQTT 3.1 is "
    "ignored") {
    Dialogue five(options_of(ProtocolVersion::v5));
    five.open();
    CHECK(five.error_of("20 03 01 00 00").code == ErrorCode::protocol_error);
    CHECK(five.written() == wire("e0 01 82"));
    Dialogue three(options_of(ProtocolVersion::v311));
    three.open();
    CHECK(three.error_of("20 02 01 00").code == ErrorCode::protocol_error);
    Dialogue old(options_of(ProtocolVersion::v31));
    old.open();
    old.answer_to("20 02 01 00");
    CHECK(old.session.connected());
    CHECK_FALSE(old.session.session_present());
}

TEST_CASE("a server whose first byte does not start a CONNACK is not a broker") {
    for (const char* first : {"'S'", "'220 mail.example'", "30", "00"}) {
        CAPTURE(first);
        Dialogue dialogue(options_of(ProtocolVersion::v311));
        dialogue.open();
        const Error error = dialogue.error_of(first);
        CHECK(error.code == ErrorCode::protocol_error);
        CHECK(error.context == "the server did not begin with CONNACK (is it an MQTT broker?)");
    }
}

}  // namespace
}  // namespace mqttc::test
