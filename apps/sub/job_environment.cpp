// --exec: the environment variables that describe the message to a command.
#include "job_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "mqttc/property.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

constexpr std::string_view user_property_start = "MQTT_USER_PROPERTY_";
constexpr std::array<std::string_view, 12> names{
    "MQTT_TOPIC",
    "MQTT_QOS",
    "MQTT_RETAIN",
    "MQTT_PAYLOAD_LENGTH",
    "MQTT_PACKET_ID",
    "MQTT_CONTENT_TYPE",
    "MQTT_RESPONSE_TOPIC",
    "MQTT_CORRELATION_DATA",
    "MQTT_CORRELATION_DATA_ENCODING",
    "MQTT_MESSAGE_EXPIRY_INTERVAL",
    "MQTT_PAYLOAD_FORMAT_INDICATOR",
    "MQTT_SUBSCRIPTION_IDENTIFIER",
};
// These are for the connection only; a URL may hold a password.
constexpr std::array<std::string_view, 2> secrets{"MQTT_PASSWORD", "MQTT_URL"};

class Variables {
  public:
    explicit Variables(std::vector<std::string>& to) : to_(to) {}

    void set(std::string_view name, std::string_view value) {
        const std::size_t size = name.size() + 1 + value.size();
        // The protocol has no NUL in text; one in the environment would hide what follows.
        const bool fits = size <= max_variable && size <= left_ && value.find('\0') == value.npos;
        if (!fits) return;
        left_ -= size;
        to_.emplace_back(name).append("=").append(value);
    }
    void set_number(std::string_view name, std::uint64_t value) { set(name, std::to_string(value)); }

  private:
    std::vector<std::string>& to_;
    std::size_t left_ = max_variables;
};

void set_property(Variables& variables, const Property& property) {
    switch (property.id) {
        case PropertyId::content_type:
            return variables.set("MQTT_CONTENT_TYPE", property.text);
        case PropertyId::response_topic:
            return variables.set("MQTT_RESPONSE_TOPIC", property.text);
        case PropertyId::correlation_data: {
            // Unchanged if -D takes it for an answer.
            if (!has_controls(property.text, LineBreaks::hide))
                return variables.set("MQTT_CORRELATION_DATA", property.text);
            output::TextBuffer hex;
            output::append_hex(hex, as_bytes(property.text), HexCase::lower);
            variables.set("MQTT_CORRELATION_DATA", hex.view());
            return variables.set("MQTT_CORRELATION_DATA_ENCODING", "hex");
        }
        case PropertyId::message_expiry_interval:
            return variables.set_number("MQTT_MESSAGE_EXPIRY_INTERVAL", property.number);
        case PropertyId::payload_format_indicator:
            return variables.set_number("MQTT_PAYLOAD_FORMAT_INDICATOR", property.number);
        case PropertyId::subscription_identifier:
            return variables.set_number("MQTT_SUBSCRIPTION_IDENTIFIER", property.number);
        default:
            return;
    }
}

}  // namespace

std::vector<std::string> environment_without_message() {
    std::vector<std::string> environment;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view variable = *at;
        if (variable.starts_with(user_property_start)) continue;
        const std::string_view name = variable.substr(0, variable.find('='));
        if (std::ranges::find(names, name) != names.end()) continue;
        if (std::ranges::find(secrets, name) != secrets.end()) continue;
        environment.emplace_back(variable);
    }
    return environment;
}

void append_message_variables(std::vector<std::string>& environment, const Publish& message) {
    Variables variables(environment);
    variables.set("MQTT_TOPIC", message.topic);
    variables.set_number("MQTT_QOS", static_cast<std::uint64_t>(message.qos));
    variables.set("MQTT_RETAIN", message.retain ? "1" : "0");
    variables.set_number("MQTT_PAYLOAD_LENGTH", message.payload.size());
    variables.set_number("MQTT_PACKET_ID", message.packet_id);
    std::uint64_t user_properties = 0;
    for (const Property& property : message.properties) {
        set_property(variables, property);
        user_properties += property.id == PropertyId::user_property ? 1 : 0;
    }
    if (user_properties == 0) return;
    variables.set_number("MQTT_USER_PROPERTY_COUNT", user_properties);
    std::uint64_t number = 0;
    for (const Property& property : message.properties) {
        if (property.id != PropertyId::user_property) continue;
        const std::string start = std::string(user_property_start) + std::to_string(++number);
        variables.set(start + "_NAME", property.name);
        variables.set(start + "_VALUE", property.text);
    }
}

}  // namespace mqttc::sub
