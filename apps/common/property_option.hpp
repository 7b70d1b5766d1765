// -D: from its three or four values to a checked property.
#pragma once

#include <expected>
#include <string>

#include "options.hpp"
#include "tokenize.hpp"

namespace mqttc::app {

/// True iff a property of that type is given as text: a string or binary data.
constexpr bool is_text(PropertyType type) {
    return type == PropertyType::utf8 || type == PropertyType::binary;
}

/// The property that -D asks for, checked against the property table; its layer is not set. Error: one line
/// for people.
std::expected<PropertyOption, std::string> to_property(const Occurrence& option);

/// True iff the packet may carry the property more than once.
bool repeatable(const PropertyOption& property);

/// Appends a property that to_property() made.
std::expected<void, CodecError> add_to(Properties& properties, const PropertyOption& property);

}  // namespace mqttc::app
