// What some brokers do not accept, and close the connection for without giving a reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/packet.hpp"

namespace mqttc::app {

/// The first control character or noncharacter of Unicode: MQTT advises against them (section 1.5.4).
std::optional<std::uint32_t> discouraged_character(std::string_view text);

/// Whether the broker has accepted a message that is as large.
enum class SizeAccepted : std::uint8_t { no, yes };

/// What of this message some brokers do not accept: "QoS 2 (try -q 1), or a space in the topic"; empty: nothing.
std::string rejected_traits(const Publish& message, SizeAccepted size = SizeAccepted::yes);
/// The same for the filter of a subscription.
std::string rejected_traits(std::string_view filter);

}  // namespace mqttc::app
