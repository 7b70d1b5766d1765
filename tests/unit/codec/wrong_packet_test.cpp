// Packets that break a rule, each with the error that it must give; decoding and encoding have the same
// rules.
#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <string_view>

#include "mqttc/codec.hpp"
#include "support/hex.hpp"
#include "support/show_packet.hpp"

using namespace mqttc;
using test::hex;
using E = CodecError;

namespace {

constexpr auto v31 = ProtocolVersion::v31;
constexpr auto v311 = ProtocolVersion::v311;
constexpr auto v5 = ProtocolVersion::v5;
constexpr std::size_t no_limit = max_packet_bytes;

struct Row {
    std::string_view bytes;
    ProtocolVersion version;
    CodecError error;
};

void check_rows(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.bytes);
        CAPTURE(static_cast<int>(row.version));
        const auto bytes = hex(row.bytes);
        const auto frame = next_frame(bytes, no_limit);
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        REQUIRE((*frame)->size == bytes.size());
        const auto packet = decode(**frame, row.version);
        REQUIRE_FALSE_MESSAGE(packet.has_value(), (packet ? test::show(*packet) : ""));
        CHECK(describe(packet.error()) == describe(row.error));
    }
}

CodecError frame_error(const char* text, std::size_t limit = no_limit) {
    const auto bytes = hex(text);
    const auto frame = next_frame(bytes, limit);
    const auto size = frame_size(bytes, limit);
    REQUIRE_FALSE(frame.has_value());
    REQUIRE_FALSE(size.has_value());
    CHECK(frame.error() == size.error());
    return frame.error();
}

CodecError encode_error(const Packet& packet, ProtocolVersion version) {
    std::vector<std::uint8_t> out = {0xaa};
    const auto done = encode(packet, version, out);
    REQUIRE_FALSE(done.has_value());
    CHECK(out == std::vector<std::uint8_t>{0xaa});
    return done.error();
}

}  // namespace

TEST_CASE("an invalid fixed header is refused at its first invalid byte") {
    CHECK(frame_error("00") == E::malformed);              // reserved type
    CHECK(frame_error("0f 00") == E::malformed);           // reserved type
    CHECK(frame_error("30 ffffffff") == E::malformed);     // a fifth length byte would follow
    CHECK(frame_error("30 80808080 01") == E::malformed);  // and does
}

TEST_CASE("a packet over the limit is refused before it has arrived") {
    CHECK(frame_error("30 63", 100) == E::packet_too_large);
    CHECK(frame_error("30 ffffff7f", 1'000'000) == E::packet_too_large);
    const auto bytes = hex("30 62");
    const auto size = frame_size(bytes, 100);
    REQUIRE(size.has_value());
    CHECK(**size == 100);
}

TEST_CASE("CONNECT that breaks a rule") {
    check_rows({
        {"11 0c 0004'MQTT' 04 02 0000 0000", v311, E::malformed},            // flags of the fixed header
        {"10 0c 0004'mqtt' 04 02 0000 0000", v311, E::unsupported_version},  // name
        {"10 0c 0004'MQTT' 03 02 0000 0000", v311, E::unsupported_version},  // 3.1 has another name
        {"10 0e 0006'MQIsdp' 04 02 0000 0000", v311, E::unsupported_version},
        {"10 0c 0004'MQTT' 06 02 0000 0000", v311, E::unsupported_version},
        {"10 0d 0004'MQTT' 85 02 0000 00 0000", v5, E::unsupported_version},  // no bridge bit in v5
        {"10 07 0004'MQTT' 09", v311, E::unsupported_version},     // says so however the rest looks
        {"10 06 0004'MQTT'", v311, E::malformed},                  // no level
        {"10 0c 0004'MQTT' 04 03 0000 0000", v311, E::malformed},  // reserved flag [MQTT-3.1.2-3]
        {"10 0c 0004'MQTT' 04 0a 0000 0000", v311, E::malformed},  // will QoS without will [MQTT-3.1.2-11]
        {"10 0c 0004'MQTT' 04 22 0000 0000", v311, E::malformed},  // will retain without will [MQTT-3.1.2-13]
        {"10 11 0004'MQTT' 04 1e 0000 0000 0001't' 0000", v311, E::malformed},   // will QoS 3 [MQTT-3.1.2-12]
        {"10 0f 0004'MQTT' 04 42 0000 0000 0001'p'", v311, E::protocol_error},   // password without user name
        {"10 0c 0004'MQTT' 04 82 0000 0000", v311, E::malformed},                // user name missing
        {"10 0f 0004'MQTT' 04 c2 0000 0000 0001'u'", v311, E::malformed},        // password missing
        {"10 0d 0004'MQTT' 04 02 0000 0000 00", v311, E::malformed},             // a byte too many
        {"10 0d 0004'MQTT' 04 02 0000 0001 ff", v311, E::invalid_utf8},          // client id
        {"10 0d 0004'MQTT' 04 02 0000 0001 00", v311, E::invalid_utf8},          // client id
        {"10 0f 0004'MQTT' 04 82 0000 0000 0001 ff", v311, E::invalid_utf8},     // user name
        {"10 10 0004'MQTT' 04 06 0000 0000 0000 0000", v311, E::invalid_topic},  // will topic empty
        {"10 11 0004'MQTT' 04 06 0000 0000 0001'#' 0000", v311,
         E::invalid_topic},                                           // will topic with wildcard
        {"10 0c 0004'MQTT' 05 02 0000 0000", v5, E::malformed},       // no client id
        {"10 8d00 0004'MQTT' 05 02 0000 00 0000", v5, E::malformed},  // length in long form
        {"10 10 0004'MQTT' 05 02 0000 03 23 0001 0000", v5, E::property_not_allowed},  // topic alias
        {"10 10 0004'MQTT' 05 02 0000 03 21 0000 0000", v5, E::property_out_of_range},
        {"10 0f 0004'MQTT' 05 02 0000 02 19 02 0000", v5, E::property_out_of_range},
        {"10 11 0004'MQTT' 05 02 0000 04 16 0001'd' 0000", v5, E::protocol_error},  // data without method
        {"10 16 0004'MQTT' 05 06 0000 00 0000 03 21 0001 0001't' 0000", v5, E::property_not_allowed},
    });
}

TEST_CASE("3.1 may leave out the strings whose flags are set") {
    const auto bytes = hex("10 0f 0006'MQIsdp' 03 c2 0000 0001'c'");
    const auto packet = decode(**next_frame(bytes, no_limit), v31);
    REQUIRE(packet.has_value());
    const auto& connect = std::get<Connect>(*packet);
    CHECK(connect.client_id == "c");
    CHECK_FALSE(connect.username);
    CHECK_FALSE(connect.password);
}

TEST_CASE("3.1.1 with an empty client id and no clean session is the broker's affair") {
    const auto bytes = hex("10 0c 0004'MQTT' 04 00 0000 0000");
    const auto packet = decode(**next_frame(bytes, no_limit), v311);
    REQUIRE(packet.has_value());
    CHECK_FALSE(std::get<Connect>(*packet).clean_start);
}

TEST_CASE("CONNACK that breaks a rule") {
    check_rows({
        {"21 02 00 00", v311, E::malformed},
        {"20 01 00", v311, E::malformed},
        {"20 03 00 00 00", v311, E::malformed},
        {"20 02 02 00", v311, E::malformed},        // reserved bit
        {"20 02 01 05", v311, E::protocol_error},   // session present though refused
        {"20 02 00 00", v5, E::malformed},          // no properties
        {"20 03 00 01 00", v5, E::protocol_error},  // not a code of CONNACK
        {"20 03 01 87 00", v5, E::protocol_error},  // session present though refused
        {"20 05 00 00 02 24 02", v5, E::property_out_of_range},
        {"20 07 00 00 04 24 00 24 00", v5, E::protocol_error},  // twice
        {"20 03 00 00 01", v5, E::malformed},                   // properties exceed the packet
        {"20 04 00 00 8000", v5, E::malformed},                 // length of properties in long form
    });
}

TEST_CASE("an old broker's refusal of v5 is understood") {
    const auto bytes = hex("20 02 00 01");
    const auto packet = decode(**next_frame(bytes, no_limit), v5);
    REQUIRE(packet.has_value());
    CHECK(std::get<Connack>(*packet).code == reason::unsupported_protocol_version);
}

TEST_CASE("PUBLISH that breaks a rule") {
    check_rows({
        {"36 05 0001't' 0001", v311, E::malformed},       // QoS 3
        {"38 03 0001't'", v311, E::protocol_error},       // DUP at QoS 0
        {"32 05 0001't' 0000", v311, E::protocol_error},  // packet identifier 0
        {"34 03 0001't'", v311, E::malformed},            // no packet identifier
        {"30 01 00", v311, E::malformed},
        {"30 03 0002't'", v311, E::malformed},
        {"30 02 0000", v311, E::invalid_topic},
        {"30 05 0003'a/#'", v31, E::invalid_topic},
        {"30 05 0003'a/+'", v311, E::invalid_topic},
        {"30 03 0001 00", v311, E::invalid_utf8},
        {"30 04 0002 c328", v311, E::invalid_utf8},
        {"30 03 0000 00", v5, E::protocol_error},  // neither topic nor alias
        {"30 03 0001't'", v5, E::malformed},       // no properties
        {"30 8400 0001't'00", v5, E::malformed},   // length in long form
        {"30 07 0001't' 03 23 0000", v5, E::property_out_of_range},
        {"30 07 0001't' 03 13 0001", v5, E::property_not_allowed},
        {"30 05 0001't' 04 23", v5, E::malformed},
        {"30 08 0001't' 04 08 0001'+'", v5, E::invalid_topic},  // response topic
    });
}

TEST_CASE("3.1.1 does not mind a remaining length in long form") {
    const auto bytes = hex("30 838000 0001't'");
    CHECK(decode_publish(**next_frame(bytes, no_limit), v311).has_value());
}

TEST_CASE("acknowledgements that break a rule") {
    check_rows({
        {"41 02 0001", v311, E::malformed},
        {"60 02 0001", v311, E::malformed},  // PUBREL has flags 2
        {"6a 02 0001", v311, E::malformed},  // DUP is of 3.1
        {"72 02 0001", v5, E::malformed},
        {"40 02 0000", v311, E::protocol_error},
        {"40 01 00", v311, E::malformed},
        {"40 03 0001 00", v311, E::malformed},
        {"40 03 0001 01", v5, E::protocol_error},   // not a code of PUBACK
        {"62 03 0001 10", v5, E::protocol_error},   // not a code of PUBREL
        {"40 05 0001 00 00 00", v5, E::malformed},  // a byte too many
        {"40 06 0001 00 02 0100", v5, E::property_not_allowed},
        {"50 0c 0001 00 08 1f 0001'a' 1f 0001'b'", v5, E::protocol_error},  // twice
    });
}

TEST_CASE("an answer may refuse with a code of another packet, and with an unknown one") {
    // Mosquitto 2.0 answers a message that is too large with 95 in PUBACK and PUBREC.
    for (const char* answer : {"40 03 0001 95", "50 03 0001 95", "40 03 0001 ff", "90 04 0001 00 95",
                               "b0 04 0001 00 95", "20 03 00 92 00"}) {
        CAPTURE(answer);
        const auto bytes = hex(answer);
        CHECK(decode(**next_frame(bytes, no_limit), v5).has_value());
    }
    check_rows({{"62 03 0001 95", v5, E::protocol_error}, {"70 03 0001 95", v5, E::protocol_error}});
}

TEST_CASE("3.1 sends PUBREL again with DUP") {
    const auto bytes = hex("6a 02 0001");
    CHECK(decode(**next_frame(bytes, no_limit), v31).has_value());
}

TEST_CASE("SUBSCRIBE and UNSUBSCRIBE that break a rule") {
    check_rows({
        {"80 06 0001 0001'a' 00", v311, E::malformed},
        {"82 06 0000 0001'a' 00", v311, E::protocol_error},
        {"82 02 0001", v311, E::protocol_error},  // no filter
        {"82 05 0001 0001'a'", v311, E::malformed},
        {"82 06 0001 0001'a' 03", v311, E::protocol_error},
        {"82 06 0001 0001'a' 04", v311, E::malformed},  // reserved bit
        {"82 05 0001 0000 00", v311, E::invalid_topic},
        {"82 07 0001 0002'a#' 00", v311, E::invalid_topic},
        {"82 06 0001 0001 ff 00", v311, E::invalid_utf8},
        {"82 07 0001 00 0001'a' 03", v5, E::protocol_error},
        {"82 07 0001 00 0001'a' 30", v5, E::protocol_error},           // retain handling 3
        {"82 07 0001 00 0001'a' 40", v5, E::malformed},                // reserved bit
        {"82 07 0001 00 0001'a' 80", v5, E::malformed},                // reserved bit
        {"82 10 0001 00 000a'$share/g/a' 04", v5, E::protocol_error},  // no local [MQTT-3.8.3-4]
        {"82 0f 0001 00 0009'$share//a' 00", v5, E::invalid_topic},
        {"82 09 0001 02 0b00 0001'a' 00", v5, E::property_out_of_range},
        {"a0 05 0001 0001'a'", v311, E::malformed},
        {"a2 05 0000 0001'a'", v311, E::protocol_error},
        {"a2 02 0001", v311, E::protocol_error},
        {"a2 03 0001 00", v5, E::protocol_error},
        {"a2 04 0001 0000", v311, E::invalid_topic},
        {"a2 06 0001 0001'a' 00", v311, E::malformed},
        {"a2 08 0001 02 0b01 0001'a'", v5, E::property_not_allowed},
    });
}

TEST_CASE("SUBACK and UNSUBACK that break a rule") {
    check_rows({
        {"92 03 0001 00", v311, E::malformed},
        {"90 03 0000 00", v311, E::protocol_error},
        {"90 02 0001", v311, E::protocol_error},      // no code
        {"90 03 0001 03", v311, E::protocol_error},   // not a code
        {"90 03 0001 87", v311, E::protocol_error},   // a code of v5 only
        {"90 03 0001 00", v5, E::protocol_error},     // no code after the properties
        {"90 04 0001 00 11", v5, E::protocol_error},  // a code of UNSUBACK only
        {"b0 03 0001 00", v311, E::malformed},
        {"b0 02 0000", v311, E::protocol_error},
        {"b0 03 0001 00", v5, E::protocol_error},
        {"b0 04 0001 00 02", v5, E::protocol_error},
    });
}

TEST_CASE("PINGREQ, PINGRESP, DISCONNECT and AUTH that break a rule") {
    check_rows({
        {"c1 00", v311, E::malformed},
        {"c0 01 00", v311, E::malformed},
        {"d8 00", v5, E::malformed},
        {"d0 01 00", v5, E::malformed},
        {"e1 00", v311, E::malformed},
        {"e0 01 00", v311, E::malformed},
        {"e0 01 01", v5, E::protocol_error},
        {"e0 03 00 01 1f", v5, E::malformed},
        {"e0 05 00 03 21 0001", v5, E::property_not_allowed},
        {"f0 00", v311, E::malformed},  // a type of v5 only
        {"f0 00", v31, E::malformed},
        {"f1 00", v5, E::malformed},
        {"f0 01 18", v5, E::protocol_error},     // no method
        {"f0 02 19 00", v5, E::protocol_error},  // no method
        {"f0 01 87", v5, E::protocol_error},
        {"f0 06 18 04 16 0001'd'", v5, E::protocol_error},
    });
}

TEST_CASE("a PUBLISH is the only packet that decode_publish takes") {
    const auto bytes = hex("c0 00");
    CHECK(decode_publish(**next_frame(bytes, no_limit), v311).error() == E::malformed);
}

TEST_CASE("a packet that breaks a rule is not encoded, and nothing is appended") {
    const std::string long_text(65'536, 'x');
    CHECK(encode_error(Connect{.client_id = long_text}, v311) == E::string_too_long);
    CHECK(encode_error(Connect{.client_id = "\xff"}, v311) == E::invalid_utf8);
    CHECK(encode_error(Connect{.username = "\xff"}, v311) == E::invalid_utf8);
    CHECK(encode_error(Connect{.username = "u", .password = as_bytes(long_text)}, v311) ==
          E::string_too_long);
    CHECK(encode_error(Connect{.password = as_bytes("p")}, v311) == E::protocol_error);
    CHECK(encode_error(Connect{.version = std::bit_cast<ProtocolVersion>(std::uint8_t{6})}, v5) ==
          E::unsupported_version);
    CHECK(encode_error(Connect{.will = Will{}}, v311) == E::invalid_topic);
    CHECK(encode_error(Connect{.will = Will{.topic = "a/#"}}, v311) == E::invalid_topic);
    CHECK(encode_error(Connect{.will = Will{.topic = "w", .payload = as_bytes(long_text)}}, v311) ==
          E::string_too_long);
    CHECK(encode_error(Connack{.session_present = true, .code = 5}, v311) == E::protocol_error);
    CHECK(encode_error(Connack{.code = 1}, v5) == E::protocol_error);

    CHECK(encode_error(Publish{}, v311) == E::invalid_topic);
    CHECK(encode_error(Publish{}, v5) == E::protocol_error);
    CHECK(encode_error(Publish{.topic = "a/+"}, v5) == E::invalid_topic);
    CHECK(encode_error(Publish{.topic = "\xc3"}, v5) == E::invalid_utf8);
    CHECK(encode_error(Publish{.topic = long_text}, v311) == E::string_too_long);
    CHECK(encode_error(Publish{.topic = "t", .qos = Qos::at_least_once}, v311) == E::protocol_error);
    CHECK(encode_error(Publish{.topic = "t", .qos = std::bit_cast<Qos>(std::uint8_t{3}), .packet_id = 1},
                       v311) == E::protocol_error);
    CHECK(encode_error(Publish{.topic = "t", .dup = true}, v311) == E::protocol_error);

    CHECK(encode_error(Ack{.type = PacketType::puback}, v311) == E::protocol_error);
    CHECK(encode_error(Ack{.type = PacketType::connect, .packet_id = 1}, v311) == E::protocol_error);
    CHECK(encode_error(Ack{.packet_id = 1, .code = 0x04}, v5) == E::protocol_error);

    CHECK(encode_error(Subscribe{.packet_id = 1}, v311) == E::protocol_error);
    CHECK(encode_error(Subscribe{.subscriptions = {{.filter = "a"}}}, v311) == E::protocol_error);
    CHECK(encode_error(Subscribe{.packet_id = 1, .subscriptions = {{.filter = "a+"}}}, v311) ==
          E::invalid_topic);
    CHECK(encode_error(Subscribe{.packet_id = 1, .subscriptions = {{.filter = long_text}}}, v5) ==
          E::string_too_long);
    CHECK(encode_error(
              Subscribe{.packet_id = 1, .subscriptions = {{.filter = "$share/g/a", .no_local = true}}}, v5) ==
          E::protocol_error);
    CHECK(encode_error(Suback{.packet_id = 1}, v311) == E::protocol_error);
    CHECK(encode_error(Unsubscribe{.packet_id = 1}, v5) == E::protocol_error);
    CHECK(encode_error(Unsubscribe{.packet_id = 1, .filters = {""}}, v5) == E::invalid_topic);
    CHECK(encode_error(Unsuback{.packet_id = 1}, v5) == E::protocol_error);
    CHECK(encode_error(Disconnect{.code = 0x01}, v5) == E::protocol_error);
    CHECK(encode_error(Auth{}, v311) == E::protocol_error);
    CHECK(encode_error(Auth{.code = reason::reauthenticate}, v5) == E::protocol_error);
}

TEST_CASE("properties that a packet may not carry are not encoded, and 3.x leaves them out") {
    Properties alias;
    REQUIRE(alias.add(PropertyId::topic_alias, 1).has_value());
    CHECK(encode_error(Connect{.version = v5, .properties = alias.view()}, v5) == E::property_not_allowed);
    CHECK(encode_error(Disconnect{.properties = alias.view()}, v5) == E::property_not_allowed);
    CHECK(encode_error(Connect{.version = v5, .will = Will{.topic = "w", .properties = alias.view()}}, v5) ==
          E::property_not_allowed);
    REQUIRE(alias.add(PropertyId::topic_alias, 2).has_value());
    CHECK(encode_error(Publish{.topic = "t", .properties = alias.view()}, v5) == E::protocol_error);

    std::vector<std::uint8_t> out;
    REQUIRE(encode(Publish{.topic = "t", .properties = alias.view()}, v311, out).has_value());
    CHECK(test::to_hex(out) == test::to_hex(hex("30 03 0001't'")));
}

TEST_CASE("a PUBLISH may fill the largest remaining length, and not one byte more") {
    // Never read: only its size counts for the header.
    const std::uint8_t byte = 0;
    const std::size_t most = max_remaining_length - 3;
    std::vector<std::uint8_t> out;
    REQUIRE(
        encode_publish_header(Publish{.topic = "t", .payload = Bytes(&byte, most)}, v311, out).has_value());
    CHECK(test::to_hex(out) == test::to_hex(hex("30 ffffff7f 0001't'")));
    out.clear();
    CHECK(
        encode_publish_header(Publish{.topic = "t", .payload = Bytes(&byte, most + 1)}, v311, out).error() ==
        E::too_large_to_encode);
    CHECK(out.empty());
}

TEST_CASE("payloads around the steps of the length field come back whole") {
    for (const std::size_t total : {127U, 128U, 16'383U, 16'384U, 2'097'151U, 2'097'152U}) {
        CAPTURE(total);
        const std::vector<std::uint8_t> payload(total - 3, 0x5a);
        std::vector<std::uint8_t> out;
        REQUIRE(encode_publish(Publish{.topic = "t", .payload = payload}, v311, out).has_value());
        const auto frame = next_frame(out, no_limit);
        REQUIRE(frame.has_value());
        REQUIRE(frame->has_value());
        CHECK((*frame)->size == out.size());
        CHECK((*frame)->body.size() == total);
        const auto publish = decode_publish(**frame, v311);
        REQUIRE(publish.has_value());
        CHECK(as_text(publish->payload) == as_text(payload));
    }
}
