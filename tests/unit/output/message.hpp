// A message that owns its data, for tests of output.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "format.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/property.hpp"

namespace mqttc::output::test {

struct Message {
    std::string topic = "a/b";
    std::string payload = "hello";
    Qos qos = Qos::at_most_once;
    bool retain = false;
    PacketId packet_id = 0;
    Properties properties = {};

    Publish view() const {
        return {.topic = topic,
                .payload = as_bytes(payload),
                .qos = qos,
                .retain = retain,
                .packet_id = packet_id,
                .properties = properties.view()};
    }
};

/// All properties that a PUBLISH can have, and two user properties.
inline Message full_message() {
    Message message{.qos = Qos::at_least_once, .retain = true, .packet_id = 7};
    Properties& p = message.properties;
    REQUIRE(p.add(PropertyId::content_type, "text/plain"));
    REQUIRE(p.add(PropertyId::correlation_data, "corr"));
    REQUIRE(p.add(PropertyId::message_expiry_interval, 100000U));
    REQUIRE(p.add(PropertyId::payload_format_indicator, 1U));
    REQUIRE(p.add_user_property("k1", "v1"));
    REQUIRE(p.add(PropertyId::response_topic, "re/topic"));
    REQUIRE(p.add_user_property("k2", "v2"));
    REQUIRE(p.add(PropertyId::subscription_identifier, 9U));
    REQUIRE(p.add(PropertyId::topic_alias, 3U));
    return message;
}

inline constexpr WallTime stamp{1470818943, 78636837};

inline std::string rendered(std::string_view format, const Message& message, FormatOptions options = {}) {
    auto compiled = Format::compile(format, options);
    if (!compiled) return "ERROR " + compiled.error();
    TextBuffer out;
    const RenderError error = compiled->render(message.view(), stamp, out);
    std::string text(out.view());
    if (error == RenderError::not_json) text += "<not json>";
    if (error == RenderError::not_float) text += "<not float>";
    if (error == RenderError::not_double) text += "<not double>";
    return text;
}

}  // namespace mqttc::output::test
