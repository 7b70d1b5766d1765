// Strings, topic names and topic filters of MQTT as option values.
#include "mqtt_values.hpp"

#include "base/escape.hpp"
#include "mqttc/topic.hpp"
#include "option_values.hpp"

namespace mqttc::app {

std::expected<std::string, std::string> to_utf8(std::string_view text) {
    if (valid_utf8(text)) return std::string(text);
    return std::unexpected(in_quotes(text).append(" is not valid UTF-8"));
}

std::expected<std::string, std::string> to_topic(std::string_view text) {
    if (const auto fault = check_topic_name(text)) return std::unexpected(explain(*fault, text));
    return std::string(text);
}

std::expected<std::string, std::string> to_filter(std::string_view text) {
    if (const auto fault = check_topic_filter(text)) return std::unexpected(explain(*fault, text));
    return std::string(text);
}

}  // namespace mqttc::app
