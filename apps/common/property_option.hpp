// -D: from its three or four values to a checked property.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace mqttc::app {

/// True iff a property of that type is given as text: a string or binary data.
constexpr bool is_text(PropertyType type) {
    return type == PropertyType::utf8 || type == PropertyType::binary;
}

/// The property that the values of -D request (command, name, value; of a user property name and value), checked against
/// the property table; its source is not set. Error: one line.
std::expected<PropertyOption, std::string> to_property(std::span<const std::string_view> values);

/// The names of the properties that a command of -D takes.
std::vector<std::string_view> properties_of(std::string_view command);

/// True iff the packet may carry the property more than once.
bool repeatable(const PropertyOption& property);

/// Appends a property that to_property() made.
std::expected<void, CodecError> add_to(Properties& properties, const PropertyOption& property);

}  // namespace mqttc::app
