// The property table (MQTT 5.0 section 2.2.2.2), and reading, checking and building blocks of properties from
// it.
#include "mqttc/property.hpp"

#include <algorithm>
#include <array>

#include "mqttc/topic.hpp"
#include "packet_sets.hpp"
#include "utf8.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

using codec::Reader;

using namespace codec::only;

constexpr PacketSet will = will_properties_bit;
constexpr PacketSet answers =
    connack | puback | pubrec | pubrel | pubcomp | suback | unsuback | disconnect | auth;
constexpr PacketSet everything = answers | connect | publish | will | subscribe | unsubscribe;

constexpr std::uint32_t any2 = 0xffff;
constexpr std::uint32_t any4 = 0xffff'ffff;

using Id = PropertyId;
using Type = PropertyType;

constexpr auto property_rows = std::to_array<PropertyInfo>({
    {Id::payload_format_indicator, "payload-format-indicator", Type::byte, publish | will, 0, 0, 1},
    {Id::message_expiry_interval, "message-expiry-interval", Type::four_byte, publish | will, 0, 0, any4},
    {Id::content_type, "content-type", Type::utf8, publish | will, 0, 0, 0},
    {Id::response_topic, "response-topic", Type::utf8, publish | will, 0, 0, 0},
    {Id::correlation_data, "correlation-data", Type::binary, publish | will, 0, 0, 0},
    {Id::subscription_identifier, "subscription-identifier", Type::variable_byte, publish | subscribe,
     publish, 1, max_remaining_length},
    {Id::session_expiry_interval, "session-expiry-interval", Type::four_byte, connect | connack | disconnect,
     0, 0, any4},
    {Id::assigned_client_identifier, "assigned-client-identifier", Type::utf8, connack, 0, 0, 0},
    {Id::server_keep_alive, "server-keep-alive", Type::two_byte, connack, 0, 0, any2},
    {Id::authentication_method, "authentication-method", Type::utf8, connect | connack | auth, 0, 0, 0},
    {Id::authentication_data, "authentication-data", Type::binary, connect | connack | auth, 0, 0, 0},
    {Id::request_problem_information, "request-problem-information", Type::byte, connect, 0, 0, 1},
    {Id::will_delay_interval, "will-delay-interval", Type::four_byte, will, 0, 0, any4},
    {Id::request_response_information, "request-response-information", Type::byte, connect, 0, 0, 1},
    {Id::response_information, "response-information", Type::utf8, connack, 0, 0, 0},
    {Id::server_reference, "server-reference", Type::utf8, connack | disconnect, 0, 0, 0},
    {Id::reason_string, "reason-string", Type::utf8, answers, 0, 0, 0},
    {Id::receive_maximum, "receive-maximum", Type::two_byte, connect | connack, 0, 1, any2},
    {Id::topic_alias_maximum, "topic-alias-maximum", Type::two_byte, connect | connack, 0, 0, any2},
    {Id::topic_alias, "topic-alias", Type::two_byte, publish, 0, 1, any2},
    {Id::maximum_qos, "maximum-qos", Type::byte, connack, 0, 0, 1},
    {Id::retain_available, "retain-available", Type::byte, connack, 0, 0, 1},
    {Id::user_property, "user-property", Type::utf8_pair, everything, everything, 0, 0},
    {Id::maximum_packet_size, "maximum-packet-size", Type::four_byte, connect | connack, 0, 1, any4},
    {Id::wildcard_subscription_available, "wildcard-subscription-available", Type::byte, connack, 0, 0, 1},
    {Id::subscription_identifier_available, "subscription-identifier-available", Type::byte, connack, 0, 0,
     1},
    {Id::shared_subscription_available, "shared-subscription-available", Type::byte, connack, 0, 0, 1},
});

constexpr bool names_unique() {
    for (std::size_t i = 0; i < property_rows.size(); ++i) {
        for (std::size_t j = i + 1; j < property_rows.size(); ++j) {
            if (property_rows[i].name == property_rows[j].name) return false;
        }
    }
    return true;
}

constexpr bool is_number(Type type) {
    return type != Type::utf8 && type != Type::binary && type != Type::utf8_pair;
}

constexpr bool row_sound(const PropertyInfo& row) {
    const std::uint32_t top = row.type == Type::byte            ? 0xff
                              : row.type == Type::two_byte      ? any2
                              : row.type == Type::variable_byte ? max_remaining_length
                              : is_number(row.type)             ? any4
                                                                : 0;
    return row.packets != 0 && (row.repeatable & ~row.packets) == 0 && row.min <= row.max && row.max <= top &&
           (row.max > 0) == is_number(row.type);
}

static_assert(property_rows.size() == 27);
static_assert(std::is_sorted(property_rows.begin(), property_rows.end(),
                             [](const PropertyInfo& a, const PropertyInfo& b) { return a.id <= b.id; }),
              "sorted by identifier, each once");
static_assert(names_unique());
static_assert(std::all_of(property_rows.begin(), property_rows.end(), row_sound));

constexpr std::size_t id_count = static_cast<std::size_t>(property_rows.back().id) + 1;
static_assert(id_count <= 64, "parse() keeps the identifiers that it has seen in 64 bits");

/// The row of each identifier plus one, 0 for an identifier that has none.
constexpr auto row_by_id = [] {
    std::array<std::uint8_t, id_count> index{};
    for (std::size_t i = 0; i < property_rows.size(); ++i)
        index[static_cast<std::size_t>(property_rows[i].id)] = static_cast<std::uint8_t>(i + 1);
    return index;
}();

/// The value at the start of `in`, its contents not checked.
Property read_value(Reader& in, const PropertyInfo& row) {
    Property property;
    property.id = row.id;
    switch (row.type) {
        case Type::byte:
            property.number = in.byte();
            break;
        case Type::two_byte:
            property.number = in.two_bytes();
            break;
        case Type::four_byte:
            property.number = in.four_bytes();
            break;
        case Type::variable_byte:
            property.number = in.varint();
            break;
        case Type::utf8:
        case Type::binary:
            property.text = in.unchecked_text();
            break;
        case Type::utf8_pair:
            property.name = in.unchecked_text();
            property.text = in.unchecked_text();
            break;
    }
    return property;
}

/// What is wrong with a value, or none.
std::optional<CodecError> check_value(const PropertyInfo& row, const Property& property) {
    if (is_number(row.type)) {
        if (property.number < row.min || property.number > row.max) return CodecError::property_out_of_range;
        return {};
    }
    if (property.text.size() > codec::max_field_bytes || property.name.size() > codec::max_field_bytes)
        return CodecError::string_too_long;
    if (row.type == Type::binary) return {};
    if (!codec::text_ok(property.text) || !codec::text_ok(property.name)) return CodecError::invalid_utf8;
    // [MQTT-3.3.2-14]
    if (row.id == Id::response_topic && check_topic_name(property.text)) return CodecError::invalid_topic;
    return {};
}

/// Identifier and value, for Measure and Writer.
template <class Sink>
void put(Sink& out, const PropertyInfo& row, const Property& property) {
    out.byte(static_cast<std::uint8_t>(row.id));
    switch (row.type) {
        case Type::byte:
            out.byte(static_cast<std::uint8_t>(property.number));
            break;
        case Type::two_byte:
            out.two_bytes(static_cast<std::uint16_t>(property.number));
            break;
        case Type::four_byte:
            out.four_bytes(property.number);
            break;
        case Type::variable_byte:
            out.varint(property.number);
            break;
        case Type::utf8_pair:
            out.unchecked_text(property.name);
            [[fallthrough]];
        case Type::utf8:
        case Type::binary:
            out.unchecked_text(property.text);
            break;
    }
}

std::uint64_t bit(PropertyId id) {
    return std::uint64_t{1} << (static_cast<unsigned>(id) % 64);
}

}  // namespace

std::span<const PropertyInfo> property_table() {
    return property_rows;
}

const PropertyInfo* find_property(std::uint8_t id) {
    const std::size_t row = id < row_by_id.size() ? row_by_id[id] : 0;
    return row == 0 ? nullptr : &property_rows[row - 1];
}

const PropertyInfo* find_property(std::string_view name) {
    const auto* row = std::find_if(property_rows.begin(), property_rows.end(),
                                   [=](const PropertyInfo& info) { return info.name == name; });
    return row == property_rows.end() ? nullptr : row;
}

std::expected<PropertiesView, CodecError> PropertiesView::parse(Bytes wire, PacketSet where) {
    Reader in(wire);
    std::uint64_t seen = 0;
    while (!in.at_end()) {
        const PropertyInfo* row = find_property(in.byte());
        if (row == nullptr || (row->packets & where) == 0)
            return std::unexpected(CodecError::property_not_allowed);
        const bool repeated = (seen & bit(row->id)) != 0;
        if (repeated && (row->repeatable & where) == 0) return std::unexpected(CodecError::protocol_error);
        seen |= bit(row->id);
        const Property property = read_value(in, *row);
        if (in.error()) return std::unexpected(*in.error());
        if (const auto fault = check_value(*row, property)) return std::unexpected(*fault);
    }
    // Section 3.1.2.11.10.
    if ((seen & bit(Id::authentication_data)) != 0 && (seen & bit(Id::authentication_method)) == 0)
        return std::unexpected(CodecError::protocol_error);
    return PropertiesView(wire, seen);
}

void PropertiesView::Iterator::read() {
    if (rest_.empty()) return;
    Reader in(rest_);
    const PropertyInfo* row = find_property(in.byte());
    if (row == nullptr) std::abort();  // a view is made of checked bytes only
    current_ = read_value(in, *row);
    after_ = in.rest();
}

std::optional<Property> PropertiesView::find(PropertyId id) const {
    if ((present_ & bit(id)) == 0) return {};
    for (const Property& property : *this) {
        if (property.id == id) return property;
    }
    return {};
}

std::uint32_t PropertiesView::number_or(PropertyId id, std::uint32_t fallback) const {
    const auto found = find(id);
    return found ? found->number : fallback;
}

std::string_view PropertiesView::text_or_empty(PropertyId id) const {
    const auto found = find(id);
    return found ? found->text : std::string_view{};
}

std::expected<void, CodecError> Properties::append(const PropertyInfo& row, const Property& property) {
    if (const auto fault = check_value(row, property)) return std::unexpected(*fault);
    codec::Measure measure;
    put(measure, row, property);
    const std::size_t before = wire_.size();
    if (measure.size() > max_remaining_length - before)
        return std::unexpected(CodecError::too_large_to_encode);
    wire_.resize(before + static_cast<std::size_t>(measure.size()));
    codec::Writer out(wire_.data() + before);
    put(out, row, property);
    out.finish(wire_.data() + wire_.size());
    present_ |= bit(row.id);
    return {};
}

std::expected<void, CodecError> Properties::add(const Property& property) {
    const PropertyInfo* row = find_property(property.id);
    if (row == nullptr) return std::unexpected(CodecError::property_not_allowed);
    return append(*row, property);
}

std::expected<void, CodecError> Properties::add(PropertyId id, std::uint32_t number) {
    const PropertyInfo* row = find_property(id);
    if (row == nullptr || !is_number(row->type)) return std::unexpected(CodecError::property_not_allowed);
    return append(*row, {.id = id, .number = number});
}

std::expected<void, CodecError> Properties::add(PropertyId id, std::string_view text) {
    const PropertyInfo* row = find_property(id);
    if (row == nullptr || (row->type != Type::utf8 && row->type != Type::binary))
        return std::unexpected(CodecError::property_not_allowed);
    return append(*row, {.id = id, .text = text});
}

std::expected<void, CodecError> Properties::add_user_property(std::string_view name, std::string_view value) {
    return add({.id = Id::user_property, .text = value, .name = name});
}

std::expected<void, CodecError> Properties::check(PacketSet where) const {
    const auto checked = PropertiesView::parse(wire_, where);
    if (!checked) return std::unexpected(checked.error());
    return {};
}

}  // namespace mqttc
