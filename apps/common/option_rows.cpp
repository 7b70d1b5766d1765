// The option table of mqtt_pub and mqtt_sub, and values of MQTT.
#include "option_rows.hpp"

#include <array>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "mqttc/topic.hpp"

namespace mqttc::app {

const OptionTable& pub_sub_options() {
    constexpr ProgramSet pub = only(Program::pub);
    constexpr ProgramSet sub = only(Program::sub);
    static const std::array sections{
        OptionSection{pub, "Message", message_rows},
        OptionSection{pub, "Sending", sending_rows},
        OptionSection{sub, "Subscription", subscription_rows},
        OptionSection{sub, "Output", output_rows},
        OptionSection{pub_and_sub, "Broker", broker_rows},
        OptionSection{pub_and_sub, "Client and session", identity_rows},
        OptionSection{pub_and_sub, "TLS (each of these but --no-tls turns it on)", tls_rows},
        OptionSection{pub_and_sub, "WebSocket and proxy", transport_rows},
        OptionSection{pub_and_sub, "Will", will_rows},
        OptionSection{pub_and_sub, "General", general_rows},
    };
    static const OptionTable table{sections};
    return table;
}

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
    if (auto known = to_choice(name, choices); !known) {
        constexpr std::string_view needs_more = "protobuf";
        std::string& error = known.error();
        return std::unexpected(error.insert(error.rfind(needs_more) + needs_more.size(), ":FILE:MESSAGE"));
    }
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
