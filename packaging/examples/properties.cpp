// MQTT 5: publishes a message with properties and prints those of what arrives. usage: properties URL
#include <cstdio>

#include "mqttc/client.hpp"

//! [read]
void print(const mqttc::Publish& message) {
    const auto type = message.properties.text_or_empty(mqttc::PropertyId::content_type);
    std::printf("%.*s of type %.*s\n", static_cast<int>(message.topic.size()), message.topic.data(),
                static_cast<int>(type.size()), type.data());
    for (const mqttc::Property& property : message.properties) {
        const auto* info = mqttc::find_property(static_cast<std::uint8_t>(property.id));
        std::printf("  %.*s: %u %.*s %.*s\n", static_cast<int>(info->name.size()), info->name.data(),
                    property.number, static_cast<int>(property.name.size()), property.name.data(),
                    static_cast<int>(property.text.size()), property.text.data());
    }
}
//! [read]

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "properties: %s\n", url.error().context.c_str()), 1;
    //! [connect]
    mqttc::ClientOptions options = mqttc::client_options(*url);
    options.session.version = mqttc::ProtocolVersion::v5;
    if (!options.session.connect_properties.add(mqttc::PropertyId::receive_maximum, 10)) return 1;
    //! [connect]
    //! [write]
    mqttc::Properties properties;
    if (!properties.add(mqttc::PropertyId::content_type, "text/plain") ||
        !properties.add(mqttc::PropertyId::message_expiry_interval, 3600) ||
        !properties.add_user_property("sensor", "kitchen"))
        return 1;
    const mqttc::Publish message{.topic = "home/kitchen/temp",
                                 .payload = mqttc::as_bytes("19.5"),
                                 .qos = mqttc::Qos::at_least_once,
                                 .properties = properties.view()};
    //! [write]
    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    const auto subscribed = client.subscribe(
        {.filter = "home/#", .qos = mqttc::Qos::at_least_once},
        [&](const mqttc::Publish& arrived) {
            print(arrived);
            client.disconnect();
        },
        [&](mqttc::ReasonCode) {
            if (!client.publish(message)) client.stop();
        });
    const auto ended = subscribed ? client.run() : subscribed;
    if (!ended) std::fprintf(stderr, "properties: %s\n", ended.error().context.c_str());
    return ended ? 0 : 1;
}
