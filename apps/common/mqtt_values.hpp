// Strings, topic names and topic filters of MQTT as option values. An error describes what is wrong with the value.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "options.hpp"

namespace mqttc::app {

std::expected<std::string, std::string> to_utf8(std::string_view text);
std::expected<std::string, std::string> to_topic(std::string_view text);
std::expected<std::string, std::string> to_filter(std::string_view text);
/// A format of payloads: one of `choices`, which are separated by spaces, or protobuf:FILE.proto:MESSAGE.
std::expected<PayloadChoice, std::string> to_payload_choice(std::string_view text, std::string_view choices);

}  // namespace mqttc::app
