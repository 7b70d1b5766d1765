// The property table against the standard, and blocks of properties: built, checked, read.
#include "mqttc/property.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/hex.hpp"

using namespace mqttc;
using test::hex;
using test::to_hex;
using Id = PropertyId;

namespace {

constexpr PacketSet connect = packet_bit(PacketType::connect);
constexpr PacketSet connack = packet_bit(PacketType::connack);
constexpr PacketSet publish = packet_bit(PacketType::publish);
constexpr PacketSet subscribe = packet_bit(PacketType::subscribe);
constexpr PacketSet disconnect = packet_bit(PacketType::disconnect);
constexpr PacketSet auth = packet_bit(PacketType::auth);

CodecError parse_error(const char* bytes, PacketSet where) {
    const auto wire = hex(bytes);
    const auto view = PropertiesView::parse(wire, where);
    REQUIRE_FALSE(view.has_value());
    return view.error();
}

bool parses(const char* bytes, PacketSet where) {
    const auto wire = hex(bytes);
    return PropertiesView::parse(wire, where).has_value();
}

}  // namespace

TEST_CASE("the table has 27 rows, sorted, with kebab-case names, found by identifier and by name") {
    const auto table = property_table();
    CHECK(table.size() == 27);
    CHECK(std::is_sorted(table.begin(), table.end(),
                         [](const PropertyInfo& a, const PropertyInfo& b) { return a.id < b.id; }));
    for (const PropertyInfo& row : table) {
        CAPTURE(row.name);
        CHECK(std::all_of(row.name.begin(), row.name.end(),
                          [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); }));
        CHECK(find_property(row.id) == &row);
        CHECK(find_property(row.name) == &row);
    }
}

TEST_CASE("identifiers and names that do not exist are not found") {
    int found = 0;
    for (unsigned id = 0; id <= 0xff; ++id) {
        if (find_property(static_cast<std::uint8_t>(id)) != nullptr) ++found;
    }
    CHECK(found == 27);
    CHECK(find_property(std::uint8_t{0x04}) == nullptr);
    CHECK(find_property("") == nullptr);
    CHECK(find_property("contenttype") == nullptr);
}

TEST_CASE("each packet may carry as many kinds of properties as section 2.2.2.2 says") {
    const auto count = [](PacketSet where) {
        const auto table = property_table();
        return std::count_if(table.begin(), table.end(),
                             [=](const PropertyInfo& row) { return (row.packets & where) != 0; });
    };
    CHECK(count(connect) == 9);
    CHECK(count(connack) == 17);
    CHECK(count(publish) == 8);
    CHECK(count(will_properties_bit) == 7);
    CHECK(count(packet_bit(PacketType::puback)) == 2);
    CHECK(count(packet_bit(PacketType::pubrec)) == 2);
    CHECK(count(packet_bit(PacketType::pubrel)) == 2);
    CHECK(count(packet_bit(PacketType::pubcomp)) == 2);
    CHECK(count(subscribe) == 2);
    CHECK(count(packet_bit(PacketType::suback)) == 2);
    CHECK(count(packet_bit(PacketType::unsubscribe)) == 1);
    CHECK(count(packet_bit(PacketType::unsuback)) == 2);
    CHECK(count(packet_bit(PacketType::pingreq)) == 0);
    CHECK(count(packet_bit(PacketType::pingresp)) == 0);
    CHECK(count(disconnect) == 4);
    CHECK(count(auth) == 4);
}

TEST_CASE("only user properties repeat, and subscription identifiers in PUBLISH") {
    for (const PropertyInfo& row : property_table()) {
        CAPTURE(row.name);
        const PacketSet expected = row.id == Id::user_property             ? row.packets
                                   : row.id == Id::subscription_identifier ? publish
                                                                           : 0;
        CHECK(row.repeatable == expected);
    }
}

TEST_CASE("a block is built and read back") {
    Properties block;
    REQUIRE(block.add(Id::payload_format_indicator, 1).has_value());
    REQUIRE(block.add(Id::content_type, "text/plain").has_value());
    REQUIRE(block.add_user_property("k", "v").has_value());
    REQUIRE(block.add(Id::correlation_data, std::string_view("\0\xff", 2)).has_value());
    REQUIRE(block.add(Id::subscription_identifier, 200).has_value());
    REQUIRE(block.add(Id::message_expiry_interval, 0xffff'ffff).has_value());
    REQUIRE(block.add(Id::topic_alias, 0x0102).has_value());
    CHECK(to_hex(block.view().wire()) ==
          to_hex(hex("01 01 03 000a'text/plain' 26 0001'k'0001'v' 09 0002 00ff 0b c801 "
                     "02 ffffffff 23 0102")));
    CHECK(block.check(publish).has_value());

    std::vector<Id> order;
    for (const Property& property : block.view()) order.push_back(property.id);
    CHECK(order == std::vector<Id>{Id::payload_format_indicator, Id::content_type, Id::user_property,
                                   Id::correlation_data, Id::subscription_identifier,
                                   Id::message_expiry_interval, Id::topic_alias});

    const PropertiesView view = block.view();
    CHECK(view.number_or(Id::topic_alias, 0) == 0x0102);
    CHECK(view.number_or(Id::maximum_qos, 7) == 7);
    CHECK(view.text_or_empty(Id::content_type) == "text/plain");
    CHECK(view.text_or_empty(Id::response_topic).empty());
    CHECK(view.find(Id::user_property)->name == "k");
    CHECK(view.find(Id::user_property)->text == "v");
    CHECK(view.find(Id::correlation_data)->text == std::string_view("\0\xff", 2));
    CHECK_FALSE(view.find(Id::reason_string));

    const Properties copy(view);
    Properties one_by_one;
    for (const Property& property : view) REQUIRE(one_by_one.add(property).has_value());
    CHECK(to_hex(one_by_one.view().wire()) == to_hex(view.wire()));
    block.clear();
    CHECK(block.empty());
    CHECK(copy.view().number_or(Id::subscription_identifier, 0) == 200);
}

TEST_CASE("an empty block has no properties and is allowed everywhere") {
    const PropertiesView none;
    CHECK(none.empty());
    CHECK(none.begin() == none.end());
    CHECK_FALSE(none.find(Id::user_property));
    CHECK(PropertiesView::parse({}, connect).has_value());
}

TEST_CASE("a property that cannot be added leaves the block as it was") {
    Properties block;
    REQUIRE(block.add(Id::topic_alias, 1).has_value());
    const std::string before = to_hex(block.view().wire());
    const std::string long_text(65'536, 'x');

    CHECK(block.add(Id::topic_alias, 0).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::topic_alias, 65'536).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::payload_format_indicator, 2).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::subscription_identifier, 0).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::subscription_identifier, 268'435'456).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::receive_maximum, 0).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::maximum_packet_size, 0).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::maximum_qos, 2).error() == CodecError::property_out_of_range);
    CHECK(block.add(Id::content_type, 1).error() == CodecError::property_not_allowed);
    CHECK(block.add(Id::topic_alias, "1").error() == CodecError::property_not_allowed);
    CHECK(block.add(Id::user_property, "k").error() == CodecError::property_not_allowed);
    CHECK(block.add(std::bit_cast<Id>(std::uint8_t{0x7f}), 1).error() == CodecError::property_not_allowed);
    CHECK(block.add(std::bit_cast<Id>(std::uint8_t{0x7f}), "x").error() == CodecError::property_not_allowed);
    CHECK(block.add({.id = std::bit_cast<Id>(std::uint8_t{0x7f})}).error() ==
          CodecError::property_not_allowed);
    CHECK(block.add({.id = Id::content_type, .text = "\xff"}).error() == CodecError::invalid_utf8);
    CHECK(block.add(Id::content_type, "\xff").error() == CodecError::invalid_utf8);
    CHECK(block.add_user_property("\xff", "").error() == CodecError::invalid_utf8);
    CHECK(block.add_user_property("", std::string_view("\0", 1)).error() == CodecError::invalid_utf8);
    CHECK(block.add(Id::content_type, long_text).error() == CodecError::string_too_long);
    CHECK(block.add(Id::correlation_data, long_text).error() == CodecError::string_too_long);
    CHECK(block.add_user_property(long_text, "").error() == CodecError::string_too_long);
    CHECK(block.add(Id::response_topic, "a/+").error() == CodecError::invalid_topic);
    CHECK(block.add(Id::response_topic, "").error() == CodecError::invalid_topic);
    CHECK(to_hex(block.view().wire()) == before);
}

TEST_CASE("the ends of each range can be added and read, values outside cannot") {
    for (const PropertyInfo& row : property_table()) {
        if (row.max == 0) continue;
        CAPTURE(row.name);
        for (const std::uint32_t number : {row.min, row.max}) {
            Properties block;
            REQUIRE(block.add(row.id, number).has_value());
            CHECK(block.view().number_or(row.id, number + 1) == number);
        }
        Properties block;
        if (row.min > 0) CHECK_FALSE(block.add(row.id, row.min - 1).has_value());
        if (row.max < UINT32_MAX) CHECK_FALSE(block.add(row.id, row.max + 1).has_value());
    }
}

TEST_CASE("a block from the wire is refused with the error that says why") {
    CHECK(parse_error("04 00", publish) == CodecError::property_not_allowed);    // unknown
    CHECK(parse_error("ff 00", publish) == CodecError::property_not_allowed);    // unknown
    CHECK(parse_error("21 0001", publish) == CodecError::property_not_allowed);  // receive maximum
    CHECK(parse_error("23 0001", will_properties_bit) == CodecError::property_not_allowed);  // topic alias
    CHECK(parse_error("01 00 01 00", publish) == CodecError::protocol_error);                // twice
    CHECK(parse_error("0b 01 0b 02", subscribe) == CodecError::protocol_error);              // twice
    CHECK(parse_error("16 0001'x'", connect) == CodecError::protocol_error);  // data without method
    CHECK(parse_error("01 02", publish) == CodecError::property_out_of_range);
    CHECK(parse_error("23 0000", publish) == CodecError::property_out_of_range);
    CHECK(parse_error("0b 00", publish) == CodecError::property_out_of_range);
    CHECK(parse_error("0b 8000", publish) == CodecError::malformed);        // longer than necessary
    CHECK(parse_error("0b ffffffff01", publish) == CodecError::malformed);  // five bytes
    CHECK(parse_error("03 0002'x'", publish) == CodecError::malformed);     // exceeds the block
    CHECK(parse_error("02 000000", publish) == CodecError::malformed);      // cut short
    CHECK(parse_error("26 0001'k'", publish) == CodecError::malformed);     // half a pair
    CHECK(parse_error("03 0001 ff", publish) == CodecError::invalid_utf8);
    CHECK(parse_error("26 0001 00 0000", publish) == CodecError::invalid_utf8);
    CHECK(parse_error("08 0001'#'", publish) == CodecError::invalid_topic);
}

TEST_CASE("what may repeat, repeats") {
    CHECK(parses("0b 01 0b 01 0b 02", publish));
    CHECK(parses("26 0000 0000 26 0000 0000", auth));
    CHECK(parses("15 0001'm' 16 0001'x'", connect));
    CHECK(parses("16 0001'x' 15 0001'm'", connect));
}
