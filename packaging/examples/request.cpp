// MQTT 5: a request and its answer, with coroutines. One client is both sides here. usage: request URL
#include <cstdio>
#include <string>

#include "mqttc/client.hpp"
#include "mqttc/coroutine.hpp"

using mqttc::PropertyId;

//! [answer]
// Sends the answer to where the request asks for it, with the same correlation data.
void answer(mqttc::Client& client, const mqttc::Publish& request) {
    const auto to = request.properties.text_or_empty(PropertyId::response_topic);
    mqttc::Properties properties;
    const auto data = request.properties.text_or_empty(PropertyId::correlation_data);
    if (to.empty() || !properties.add(PropertyId::correlation_data, data)) return;
    const std::string text = "you said " + std::string(mqttc::as_text(request.payload));
    if (!client.publish({.topic = to, .payload = mqttc::as_bytes(text), .properties = properties.view()}))
        std::fputs("request: no room for the answer\n", stderr);
}
//! [answer]

//! [request]
mqttc::Detached ask(mqttc::Client& client) {
    const std::string number = "1";  // another one for each request
    const auto on_answer = [&client, number](const mqttc::Publish& message) {
        if (message.properties.text_or_empty(PropertyId::correlation_data) != number) return;
        const auto text = mqttc::as_text(message.payload);
        std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
        client.disconnect();
    };
    const auto granted = co_await mqttc::async_subscribe(client, {.filter = "answers/me"}, on_answer);
    mqttc::Properties properties;
    if (!granted || *granted >= mqttc::reason::unspecified_error ||
        !properties.add(PropertyId::response_topic, "answers/me") ||
        !properties.add(PropertyId::correlation_data, number))
        co_return client.stop();
    const auto sent = co_await mqttc::async_publish(client, {.topic = "service/echo",
                                                             .payload = mqttc::as_bytes("hello"),
                                                             .qos = mqttc::Qos::at_least_once,
                                                             .properties = properties.view()});
    if (!sent || *sent >= mqttc::reason::unspecified_error) client.stop();
}
//! [request]

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "request: %s\n", url.error().context.c_str()), 1;
    mqttc::ClientOptions options = mqttc::client_options(*url);
    options.session.version = mqttc::ProtocolVersion::v5;
    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    if (!client.subscribe({.filter = "service/echo", .qos = mqttc::Qos::at_least_once},
                          [&](const mqttc::Publish& request) { answer(client, request); }))
        return 1;
    ask(client);
    const auto ended = client.run();
    if (!ended) std::fprintf(stderr, "request: %s\n", ended.error().context.c_str());
    return ended ? 0 : 1;
}
