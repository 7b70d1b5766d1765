// Strings, topic names and topic filters of MQTT as option values.
#include "mqtt_values.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

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

std::expected<PayloadChoice, std::string> to_payload_choice(std::string_view text, std::string_view choices) {
    constexpr std::pair<std::string_view, PayloadFormat> formats[] = {{"json", PayloadFormat::json},
                                                                      {"cbor", PayloadFormat::cbor},
                                                                      {"msgpack", PayloadFormat::msgpack},
                                                                      {"sparkplug", PayloadFormat::sparkplug},
                                                                      {"auto", PayloadFormat::automatic}};
    constexpr std::string_view protobuf = "protobuf:";
    if (text.starts_with(protobuf)) {
        const std::string_view rest = text.substr(protobuf.size());
        const std::size_t colon = rest.rfind(':');
        if (colon == rest.npos || colon == 0 || colon + 1 == rest.size())
            return std::unexpected(
                in_quotes(text).append(" names no file and message: write protobuf:FILE.proto:MESSAGE"));
        return PayloadChoice{.format = PayloadFormat::protobuf,
                             .file = std::string(rest.substr(0, colon)),
                             .message = std::string(rest.substr(colon + 1))};
    }
    const auto choice = to_choice(text, choices);
    const auto* const known =
        std::ranges::find(formats, text, &std::pair<std::string_view, PayloadFormat>::first);
    if (!choice || known == std::end(formats))
        return std::unexpected(choice ? in_quotes(text) +
                                            " needs a file and a message: protobuf:FILE.proto:MESSAGE"
                                      : choice.error());
    return PayloadChoice{.format = known->second};
}

}  // namespace mqttc::app
