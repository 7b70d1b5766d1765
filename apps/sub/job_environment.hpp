// --exec: the environment variables that describe the message to a command.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mqttc/packet.hpp"

namespace mqttc::sub {

/// The longest variable that Linux accepts (MAX_ARG_STRLEN, 32 pages, with the NUL).
inline constexpr std::size_t max_variable = 128UL * 1024 - 1;
/// What one message may add in all; far below the limit of Linux, 2 MiB with the usual stack.
inline constexpr std::size_t max_variables = 512UL * 1024;

/// The process's environment without the variables that describe a message, which an outer mqtt_sub may have set,
/// and without the password and the URL.
std::vector<std::string> environment_without_message();
/// Appends MQTT_TOPIC=…, MQTT_QOS=… and so on. A variable beyond the limits is left out.
void append_message_variables(std::vector<std::string>& environment, const Publish& message);

}  // namespace mqttc::sub
