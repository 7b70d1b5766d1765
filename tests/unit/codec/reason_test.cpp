// The reason codes against the standard's table, and the small tables of names.
#include "mqttc/reason.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"

using namespace mqttc;

TEST_CASE("the table has 43 codes, sorted, each with a name and a packet") {
    const auto table = reason_table();
    CHECK(table.size() == 43);
    CHECK(std::is_sorted(table.begin(), table.end(),
                         [](const ReasonInfo& a, const ReasonInfo& b) { return a.code < b.code; }));
    for (const ReasonInfo& row : table) {
        CHECK_FALSE(row.name.empty());
        CHECK(row.packets != 0);
    }
}

TEST_CASE("each packet may carry as many codes as its section of the standard lists") {
    const std::array<std::pair<PacketType, int>, 15> rows = {{
        {PacketType::connect, 0},
        {PacketType::connack, 22},
        {PacketType::publish, 0},
        {PacketType::puback, 9},
        {PacketType::pubrec, 9},
        {PacketType::pubrel, 2},
        {PacketType::pubcomp, 2},
        {PacketType::subscribe, 0},
        {PacketType::suback, 12},
        {PacketType::unsubscribe, 0},
        {PacketType::unsuback, 7},
        {PacketType::pingreq, 0},
        {PacketType::pingresp, 0},
        {PacketType::disconnect, 30},  // 29 in section 3.14.2.1, and 0x8c in section 2.4
        {PacketType::auth, 3},
    }};
    for (const auto& [type, expected] : rows) {
        CAPTURE(packet_type_name(type));
        int allowed = 0;
        for (unsigned code = 0; code <= 0xff; ++code) {
            if (reason_allowed(type, static_cast<ReasonCode>(code))) ++allowed;
        }
        CHECK(allowed == expected);
    }
}

TEST_CASE("a code is named in the light of its packet") {
    CHECK(reason_name(PacketType::connack, 0) == "success");
    CHECK(reason_name(PacketType::disconnect, 0) == "normal disconnection");
    CHECK(reason_name(PacketType::suback, 0) == "granted QoS 0");
    CHECK(reason_name(PacketType::connack, reason::not_authorized) == "not authorized");
    CHECK(reason_name(PacketType::auth, reason::reauthenticate) == "re-authenticate");
    CHECK(reason_name(PacketType::puback, 0x7f) == "unknown reason");
    CHECK(reason_name(PacketType::puback, 0xff) == "unknown reason");
}

TEST_CASE("the return codes of 3.x have names") {
    CHECK(connack_v3_name(0) == "connection accepted");
    CHECK(connack_v3_name(1) == "unacceptable protocol version");
    CHECK(connack_v3_name(5) == "not authorized");
    CHECK(connack_v3_name(6) == "unknown return code");
    CHECK(connack_v3_name(255) == "unknown return code");
}

TEST_CASE("each codec error has a sentence and a reason code for the peer") {
    const std::array<std::pair<CodecError, ReasonCode>, 10> rows = {{
        {CodecError::malformed, 0x81},
        {CodecError::protocol_error, 0x82},
        {CodecError::packet_too_large, 0x95},
        {CodecError::unsupported_version, 0x84},
        {CodecError::invalid_utf8, 0x81},
        {CodecError::invalid_topic, 0x90},
        {CodecError::property_not_allowed, 0x81},
        {CodecError::property_out_of_range, 0x82},
        {CodecError::string_too_long, 0x83},
        {CodecError::too_large_to_encode, 0x95},
    }};
    for (const auto& [error, code] : rows) {
        CAPTURE(static_cast<int>(error));
        CHECK(reason_of(error) == code);
        CHECK(describe(error).size() > 10);
        CHECK(describe(error).back() != '.');
        CHECK(std::count_if(rows.begin(), rows.end(),
                            [&](const auto& row) { return describe(row.first) == describe(error); }) == 1);
    }
    CHECK(reason_of(CodecError::invalid_topic, PacketType::subscribe) == 0x8f);
    CHECK(reason_of(CodecError::invalid_topic, PacketType::unsubscribe) == 0x8f);
}

TEST_CASE("packet types have the standard's names") {
    CHECK(packet_type_name(PacketType::connect) == "CONNECT");
    CHECK(packet_type_name(PacketType::pubcomp) == "PUBCOMP");
    CHECK(packet_type_name(PacketType::unsuback) == "UNSUBACK");
    CHECK(packet_type_name(PacketType::auth) == "AUTH");
    CHECK(packet_type_name(std::bit_cast<PacketType>(std::uint8_t{0})) == "reserved");
    CHECK(packet_type_name(std::bit_cast<PacketType>(std::uint8_t{99})) == "reserved");
    CHECK(type_of(Ack{.type = PacketType::pubrel}) == PacketType::pubrel);
}
