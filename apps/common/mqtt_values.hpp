// Strings, topic names and topic filters of MQTT as option values. An error says what is wrong with the value.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace mqttc::app {

std::expected<std::string, std::string> to_utf8(std::string_view text);
std::expected<std::string, std::string> to_topic(std::string_view text);
std::expected<std::string, std::string> to_filter(std::string_view text);

}  // namespace mqttc::app
