// Outgoing messages: what a PUBLISH becomes, its acknowledgements, the window and the output buffer.
#include <doctest/doctest.h>

#include <memory>
#include <numeric>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

ErrorCode code_of(const std::expected<PacketId, Error>& result) {
    return result ? ErrorCode::ok : result.error().code;
}

TEST_CASE("a QoS 0 message is finished when it is written") {
    for (const auto version : {v31, v311}) {
        Dialogue d = connected(version);
        CHECK(d.publish("t", "yes") == 0);
        CHECK(d.written() == wire("30 06 0001't' 'yes'"));
        CHECK(d.session.inflight() == 0);
    }
    Dialogue d = connected(v5);
    d.publish("t", "yes");
    CHECK(d.written() == wire("30 07 0001't' 00 'yes'"));
}

TEST_CASE("QoS 1 is finished by PUBACK") {
    Dialogue d = connected(v311);
    CHECK(d.publish("t", "yes", qos1) == 1);
    CHECK(d.written() == wire("32 08 0001't' 0001 'yes'"));
    CHECK(d.session.inflight() == 1);
    CHECK(d.answer_to("40 02 0001").empty());
    CHECK(d.events() == "delivered 1");
    CHECK(d.session.inflight() == 0);
    CHECK(d.session.counters().delivered == 1);
}

TEST_CASE("QoS 2 is finished by PUBCOMP, after PUBREC was answered with PUBREL") {
    for (const auto version : {v31, v311, v5}) {
        Dialogue d = connected(version);
        d.publish("t", "", qos2);
        CHECK(d.written() == wire(version == v5 ? "34 06 0001't' 0001 00" : "34 05 0001't' 0001"));
        CHECK(d.answer_to("50 02 0001") == wire("62 02 0001"));
        CHECK(d.events().empty());
        CHECK(d.session.inflight() == 1);
        CHECK(d.answer_to("70 02 0001").empty());
        CHECK(d.events() == "delivered 1");
        CHECK(d.session.inflight() == 0);
    }
}

TEST_CASE("a second PUBREC is answered with PUBREL again") {
    Dialogue d = connected(v311);
    d.publish("t", "", qos2);
    d.written();
    CHECK(d.answer_to("50 02 0001") == wire("62 02 0001"));
    CHECK(d.answer_to("50 02 0001") == wire("62 02 0001"));
}

TEST_CASE("after PUBREL a failure code in another PUBREC does not refuse the message") {
    Dialogue d = connected(v5);
    d.publish("t", "", qos2);
    d.written();
    d.answer_to("50 02 0001");
    CHECK(d.answer_to("50 03 0001 97").empty());
    CHECK(d.events().empty());
    d.answer_to("70 02 0001");
    CHECK(d.events() == "delivered 1");
}

TEST_CASE("the oldest unfinished message is the largest if none as large was acknowledged") {
    Dialogue d = connected(v311);
    CHECK_FALSE(d.session.oldest_is_largest());
    d.publish("t", "12", qos1);
    d.publish("t", "12", qos1);
    d.publish("t", "123", qos2);
    d.written();
    CHECK(d.session.oldest_is_largest());
    d.answer_to("40 02 0001");
    CHECK_FALSE(d.session.oldest_is_largest());
    d.answer_to("40 02 0002");
    CHECK(d.session.oldest_is_largest());
}

TEST_CASE("failure codes of PUBACK and PUBREC finish a message and are reported") {
    Dialogue d = connected(v5);
    d.publish("t", "", qos1);
    d.publish("u", "x", qos2);
    d.written();
    CHECK(d.answer_to("40 03 0001 87").empty());
    CHECK(d.answer_to("50 03 0002 97").empty());
    CHECK(d.events() == "delivered 1 code 135; delivered 2 code 151");
    CHECK(d.recorder.refused == std::vector<std::string>{"t= code 135", "u=x code 151"});
    CHECK(d.session.inflight() == 0);
    CHECK(d.session.counters().refused == 2);
}

TEST_CASE("PUBACK with 'no matching subscribers' is a success with a code") {
    Dialogue d = connected(v5);
    d.publish("t", "", qos1);
    d.written();
    d.answer_to("40 03 0001 10");
    CHECK(d.events() == "delivered 1 code 16");
    CHECK(d.session.counters().delivered == 1);
}

TEST_CASE("acknowledgements of unknown messages do no harm") {
    Dialogue d = connected(v311);
    CHECK(d.answer_to("40 02 0007").empty());
    CHECK(d.answer_to("70 02 0007").empty());
    CHECK(d.answer_to("50 02 0007") == wire("62 02 0007"));
    CHECK(d.events().empty());

    Dialogue five = connected(v5);
    CHECK(five.answer_to("50 02 0007") == wire("62 03 0007 92"));
    CHECK(five.answer_to("50 03 0007 97").empty());
}

TEST_CASE("an acknowledgement of the wrong kind is a protocol error") {
    struct Row {
        Qos qos;
        const char* packet;
    };
    for (const Row& row : {Row{qos1, "50 02 0001"}, Row{qos1, "70 02 0001"}, Row{qos2, "70 02 0001"}}) {
        CAPTURE(row.packet);
        Dialogue d = connected(v5);
        d.publish("t", "", row.qos);
        d.written();
        const Error error = d.error_of(row.packet);
        CHECK(error.code == ErrorCode::protocol_error);
        CHECK(error.reason == reason::protocol_error);
        CHECK(d.written() == wire("e0 01 82"));
        CHECK(d.events().empty());
    }
}

TEST_CASE("an acknowledgement before the whole message was written is a protocol error") {
    for (const Qos qos : {qos1, qos2}) {
        Dialogue d = connected(v5);
        d.publish("t", "yes", qos);
        d.session.sent(d.session.pending().size() - 1, d.now);
        CHECK(d.error_of(qos == qos1 ? "40 02 0001" : "50 02 0001").code == ErrorCode::protocol_error);
        CHECK(d.session.inflight() == 1);
    }
}

TEST_CASE("packet identifiers wrap around and skip those in use") {
    Dialogue d = connected(v311);
    CHECK(d.publish("t", "", qos1) == 1);
    d.written();
    for (unsigned i = 2; i <= 65'535; ++i) {
        REQUIRE(d.publish("t", "", qos1) == i);
        d.written();
        const std::uint8_t puback[] = {0x40, 2, static_cast<std::uint8_t>(i >> 8U),
                                       static_cast<std::uint8_t>(i)};
        REQUIRE(d.session.receive(puback, d.now, d.recorder).has_value());
        d.recorder.events.clear();
    }
    CHECK(d.publish("t", "", qos1) == 2);
}

TEST_CASE("the window is the smaller of max_inflight and the broker's receive maximum") {
    SessionOptions options = options_of(v5);
    options.max_inflight = 3;
    Dialogue d(options);
    d.connect(false, "21 0002");
    CHECK(d.session.limits().receive_maximum == 2);
    d.publish("t", "", qos1);
    CHECK(d.session.can_publish(qos1));
    d.publish("t", "", qos2);
    CHECK_FALSE(d.session.can_publish(qos1));
    CHECK(d.session.can_publish(qos0));
    CHECK(code_of(d.session.publish(message("t", "", qos1), d.now)) == ErrorCode::window_full);
    d.publish("t", "");
    d.written();
    d.answer_to("50 02 0002");
    CHECK_FALSE(d.session.can_publish(qos1));
    d.answer_to("70 02 0002");
    CHECK(d.session.can_publish(qos1));

    Dialogue wide(options);
    wide.connect(false, "21 0100");
    for (int i = 0; i < 3; ++i) wide.publish("t", "", qos1);
    CHECK_FALSE(wide.session.can_publish(qos2));
}

TEST_CASE("publish fails with buffer_full while more than max_output_bytes is pending") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 90;
    Dialogue d(options);
    d.connect();
    int taken = 0;
    while (d.session.can_publish(qos0)) {
        d.publish("t", "0123456789");
        ++taken;
    }
    CHECK(taken == 7);  // of 15 bytes each
    CHECK(code_of(d.session.publish(message("t", "", qos0), d.now)) == ErrorCode::buffer_full);
    CHECK(code_of(d.session.publish(message("t", "", qos2), d.now)) == ErrorCode::buffer_full);
    d.session.sent(15, d.now);
    CHECK(d.session.can_publish(qos0));
    CHECK(d.session.counters().published == 7);
}

TEST_CASE("invalid topics are refused with an explanation, and nothing has changed") {
    for (const auto version : {v311, v5}) {
        Dialogue d = connected(version);
        for (const std::string_view topic : {"", "a/+", "#", "\xff"}) {
            for (const Qos qos : {qos0, qos1}) {
                const auto result = d.session.publish(message(topic, "x", qos), d.now);
                CHECK(code_of(result) == ErrorCode::usage);
                CHECK_FALSE(result.error().context.empty());
            }
        }
        CHECK(d.written().empty());
        CHECK(d.session.inflight() == 0);
        CHECK(d.session.counters().published == 0);
    }
}

TEST_CASE("a payload that is too large for a packet is refused before a byte is copied") {
    Dialogue d = connected(v311);
    std::uint8_t byte = 0;
    Publish huge = message("t", "");
    huge.payload = Bytes(&byte, std::size_t{268'435'455});  // never read
    for (const Qos qos : {qos0, qos1}) {
        huge.qos = qos;
        CHECK(code_of(d.session.publish(huge, d.now, PayloadMode::borrowed)) == ErrorCode::usage);
        CHECK(code_of(d.session.publish(huge, d.now)) == ErrorCode::usage);
    }
    CHECK(d.written().empty());
}

TEST_CASE("a large borrowed payload is written from its own memory, in order with the other packets") {
    std::string payload(100'000, 'x');
    for (const Qos qos : {qos0, qos1}) {
        Dialogue d = connected(v311);
        d.publish("before", "1");
        REQUIRE(d.session.publish(message("t", payload, qos), d.now, PayloadMode::borrowed).has_value());
        d.publish("after", "2");
        CHECK(d.session.pending_bytes() == 11 + (qos == qos0 ? 7U : 9U) + payload.size() + 10);

        const std::string first = to_hex(d.session.pending());
        d.session.sent(d.session.pending().size(), d.now);
        CHECK(first == wire(qos == qos0 ? "30 09 0006'before' '1' 30 a38d06 0001't'"
                                        : "30 09 0006'before' '1' 32 a58d06 0001't' 0001"));
        CHECK(d.session.pending().data() == as_bytes(payload).data());
        CHECK(d.session.pending().size() == payload.size());
        d.session.sent(60'000, d.now);
        CHECK(d.session.pending().data() == as_bytes(payload).data() + 60'000);
        d.session.sent(40'000, d.now);
        CHECK(d.written() == wire("30 08 0005'after' '2'"));
        CHECK(d.session.pending_bytes() == 0);
    }
}

TEST_CASE("a large payload is copied unless it is borrowed") {
    std::string payload(100'000, 'x');
    Dialogue d = connected(v5);
    REQUIRE(d.session.publish(message("t", payload, qos2), d.now).has_value());
    REQUIRE(d.session.publish(message("t", payload), d.now).has_value());
    payload.assign(payload.size(), 'y');
    CHECK(d.written().find("79") == std::string::npos);
}

TEST_CASE(
    "a large payload with an owner is written from its own memory, and the owner is released afterwards") {
    for (const Qos qos : {qos0, qos1}) {
        Dialogue d = connected(v311);
        const auto owner = std::make_shared<const std::string>(100'000, 'x');
        const Publish large = message("t", *owner, qos);
        REQUIRE(d.session.publish(large, d.now, owner).has_value());
        d.session.sent(d.session.pending().size(), d.now);
        CHECK(d.session.pending().data() == large.payload.data());
        CHECK(owner.use_count() > 1);
        d.session.sent(d.session.pending().size(), d.now);
        if (qos == qos1) d.answer_to("40 02 0001");
        CHECK(owner.use_count() == 1);
    }
}

TEST_CASE("output can be sent in pieces of any size") {
    const std::string payload(70'000, 'p');
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{65'536}}) {
        Dialogue d = connected(v311);
        std::string expected;
        for (int i = 0; i < 3; ++i) {
            d.publish("t", "small");
            expected += std::string("\x30\x08\x00\x01tsmall", 10);
            d.publish("t", payload);
            expected += std::string("\x30\xf3\xa2\x04\x00\x01t", 7) + payload;
        }
        std::string seen;
        while (!d.session.pending().empty()) {
            const Bytes piece = d.session.pending().first(std::min(step, d.session.pending().size()));
            seen += as_text(piece);
            d.session.sent(piece.size(), d.now);
        }
        CHECK(seen == expected);
    }
}

TEST_CASE("properties are sent in MQTT 5 and omitted in older versions") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::content_type, "x").has_value());
    Publish publish = message("t", "");
    publish.properties = properties.view();
    Dialogue five = connected(v5);
    REQUIRE(five.session.publish(publish, five.now).has_value());
    CHECK(five.written() == wire("30 08 0001't' 04 03 0001'x'"));
    Dialogue three = connected(v311);
    REQUIRE(three.session.publish(publish, three.now).has_value());
    CHECK(three.written() == wire("30 03 0001't'"));
}

TEST_CASE("a subscription identifier in an outgoing PUBLISH is refused") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::subscription_identifier, 3).has_value());
    Publish publish = message("t", "");
    publish.properties = properties.view();
    Dialogue d = connected(v5);
    CHECK(code_of(d.session.publish(publish, d.now)) == ErrorCode::usage);
}

TEST_CASE("DISCONNECT is the last packet") {
    Dialogue three = connected(v311);
    three.publish("t", "");
    REQUIRE(three.session.disconnect(reason::success, {}, three.now).has_value());
    CHECK_FALSE(three.session.connected());
    three.publish("u", "");
    CHECK(three.written() == wire("30 03 0001't' e0 00"));
    CHECK_FALSE(three.session.disconnect(reason::success, {}, three.now).has_value());
    CHECK_FALSE(three.session.deadline().has_value());

    Dialogue five = connected(v5);
    REQUIRE(five.session.disconnect(reason::disconnect_with_will, {}, five.now).has_value());
    CHECK(five.written() == wire("e0 01 04"));
}

TEST_CASE("DISCONNECT cannot set a session expiry if CONNECT had none") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::session_expiry_interval, 10).has_value());
    Dialogue d = connected(v5);
    CHECK(d.session.disconnect(reason::success, properties.view(), d.now).error().code == ErrorCode::usage);
    CHECK(d.session.connected());
}

TEST_CASE("without a connection only publishing is possible") {
    Dialogue d(options_of(v5));
    const Subscription one{.filter = "t"};
    const std::string_view filter = "t";
    CHECK(code_of(d.session.subscribe(std::span(&one, 1), {}, d.now)) == ErrorCode::not_connected);
    CHECK(code_of(d.session.unsubscribe(std::span(&filter, 1), {}, d.now)) == ErrorCode::not_connected);
    CHECK(d.session.disconnect(0, {}, d.now).error().code == ErrorCode::not_connected);
    CHECK(d.session.auth(0x19, {}, d.now).error().code == ErrorCode::not_connected);
    CHECK(d.session.pending().empty());
}

class Trace : public PacketTrace {
  public:
    void sent(const Packet& packet) override {
        lines += "> " + std::string(packet_type_name(type_of(packet))) + "; ";
    }
    void received(const Packet& packet) override {
        lines += "< " + std::string(packet_type_name(type_of(packet))) + "; ";
    }
    void ignored(const Packet& packet) override {
        lines += "ignored " + std::string(packet_type_name(type_of(packet))) + "; ";
    }
    std::string lines;
};

TEST_CASE("acknowledgements have the same effect with and without a trace") {
    const auto effect = [](ProtocolVersion version, std::string_view bytes, PacketTrace* trace) {
        SessionOptions options = options_of(version);
        options.trace = trace;
        Dialogue d(options);
        d.connect();
        d.publish("t", "one", qos1);
        d.publish("t", "two", qos2);
        d.written();
        const auto used = d.broker_sends(bytes);
        const Counters& counters = d.session.counters();
        return (used ? std::to_string(*used) : used.error().context) + "; " + d.written() + "; " +
               d.events() + "; " + std::to_string(counters.delivered) + " " +
               std::to_string(counters.lowered) + " " + std::to_string(d.session.inflight());
    };
    for (const auto version : {v311, v5}) {
        for (const std::string_view bytes :
             {"40 02 0001", "40 02 0002", "40 02 0009", "40 02 0000", "40 02 00", "40 03 0001 10",
              "50 02 0002 70 02 0002", "50 02 0002 40 02 0001 70 02 0002 d0 00", "50 02 0001", "50 02 0009",
              "70 02 0002", "40 02 0001 40 02 0001 50 02 0002 50 02 0002 70 02 00",
              "40 02 0001 62 02 0005 50 02 0002", "41 02 0001"}) {
            CAPTURE(bytes);
            Trace trace;
            CHECK(effect(version, bytes, nullptr) == effect(version, bytes, &trace));
        }
    }
}

TEST_CASE("the trace sees that SUBACK and UNSUBACK without a request are ignored") {
    Trace trace;
    SessionOptions options = options_of(v5);
    options.trace = &trace;
    Dialogue d(options);
    d.connect();
    trace.lines.clear();
    d.answer_to("90 04 0009 00 00 b0 04 0009 00 00");
    CHECK(trace.lines == "< SUBACK; ignored SUBACK; < UNSUBACK; ignored UNSUBACK; ");
}

TEST_CASE("the trace sees every packet once") {
    Trace trace;
    SessionOptions options = options_of(v5);
    options.trace = &trace;
    Dialogue d(options);
    d.connect();
    d.publish("t", "", qos2);
    d.subscribe("t");
    d.written();
    d.answer_to("50 02 0001");
    d.answer_to("70 02 0001 90 04 0002 00 00");
    d.recorder.answer = Accept::later;
    REQUIRE(d.broker_sends("30 04 0001't' 00").has_value());
    d.recorder.answer = Accept::now;
    d.answer_to("30 04 0001't' 00 d0 00");
    REQUIRE(d.session.disconnect(0, {}, d.now).has_value());
    CHECK(trace.lines ==
          "> CONNECT; < CONNACK; > PUBLISH; > SUBSCRIBE; < PUBREC; > PUBREL; < PUBCOMP; < SUBACK; < PUBLISH; "
          "< PINGRESP; "
          "> DISCONNECT; ");
}

}  // namespace
}  // namespace mqttc::test
