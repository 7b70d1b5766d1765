// The same message with each of the library's three layers. usage: layers URL
#include <cstdio>

#include "mqttc/client.hpp"
#include "mqttc/codec.hpp"

const mqttc::Publish message{
    .topic = "home/kitchen/temp", .payload = mqttc::as_bytes("19.5"), .qos = mqttc::Qos::at_least_once};

//! [client]
// Connects, reconnects, sends, and returns when the broker has the message.
bool with_client(const mqttc::Url& url) {
    mqttc::ClientHandler no_events;
    mqttc::Client client(mqttc::client_options(url), no_events);
    client.disconnect_when_delivered(std::chrono::seconds(10));
    return client.publish(message) && client.run();
}
//! [client]

//! [session]
// Bytes and times in, bytes and events out: the transport, here one that answers at once, and the loop are yours.
bool with_session() {
    const auto now = std::chrono::steady_clock::now();
    mqttc::SessionHandler no_events;
    mqttc::Session session({});
    if (!session.publish(message, now)) return false;
    session.opened(now);  // the transport is connected
    for (const auto& answer : {mqttc::Packet(mqttc::Connack{}), mqttc::Packet(mqttc::Ack{.packet_id = 1})}) {
        std::printf("session: %zu bytes to write\n", session.pending().size());
        session.sent(session.pending().size(), now);
        std::vector<std::uint8_t> read;
        if (!mqttc::encode(answer, mqttc::ProtocolVersion::v311, read)) return false;
        if (!session.receive(read, now, no_events)) return false;
    }
    return session.counters().delivered == 1;
}
//! [session]

//! [codec]
// A packet as bytes, and nothing else.
bool with_codec() {
    mqttc::Publish numbered = message;
    numbered.packet_id = 1;
    std::vector<std::uint8_t> bytes;
    if (!mqttc::encode(numbered, mqttc::ProtocolVersion::v311, bytes)) return false;
    std::printf("codec: %zu bytes\n", bytes.size());
    return true;
}
//! [codec]

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "layers: %s\n", url.error().context.c_str()), 1;
    return with_client(*url) && with_session() && with_codec() ? 0 : 1;
}
