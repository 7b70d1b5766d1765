// Strings, topic names and topic filters of MQTT as option values.
#include "mqtt_values.hpp"

#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
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

std::expected<PayloadChoice, std::string> to_payload_choice(std::string_view text, std::string_view choices) {
    // In the order of PayloadFormat.
    constexpr std::string_view formats = "json cbor msgpack sparkplug protobuf auto";
    std::string_view rest = text;
    const std::string_view name = text.starts_with("protobuf:") ? take_until(rest, ':') : text;
    if (auto known = to_choice(name, choices); !known) return std::unexpected(std::move(known.error()));
    PayloadChoice choice{.format = static_cast<PayloadFormat>(*to_choice(name, formats))};
    if (choice.format != PayloadFormat::protobuf) return choice;
    const std::size_t colon = rest.rfind(':');
    if (colon == rest.npos || colon == 0 || colon + 1 == rest.size())
        return std::unexpected(in_quotes(text) + " needs a file and a message: protobuf:FILE.proto:MESSAGE");
    choice.file = rest.substr(0, colon);
    choice.message = rest.substr(colon + 1);
    return choice;
}

}  // namespace mqttc::app
