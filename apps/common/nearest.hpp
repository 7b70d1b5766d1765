// Which known name a wrong one was meant to be.
#pragma once

#include <span>
#include <string_view>

namespace mqttc::app {

/// The only one of `names` that begins with `given`, or else the one that takes the fewest edits; empty when
/// none is near.
std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names);

}  // namespace mqttc::app
