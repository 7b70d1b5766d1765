// --exec: what a command finds about its message in its environment.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mqttc/packet.hpp"

namespace mqttc::sub {

/// Linux takes no longer variable (MAX_ARG_STRLEN, 32 pages, with the NUL).
inline constexpr std::size_t max_variable = 128UL * 1024 - 1;
/// What one message may add in all; far below what Linux takes, 2 MiB with the usual stack.
inline constexpr std::size_t max_variables = 512UL * 1024;

/// The process's environment without the variables that are set for messages, so that none is left from a
/// program further out, and without the password and the URL.
std::vector<std::string> environment_without_message();
/// Appends MQTT_TOPIC=…, MQTT_QOS=… and so on. A variable beyond the limits is left out.
void append_message_variables(std::vector<std::string>& environment, const Publish& message);

}  // namespace mqttc::sub
