// Encodes a PUBLISH, then finds and decodes the packets in a stream of bytes.
#include <cstdio>

#include "mqttc/codec.hpp"

int main() {
    constexpr auto version = mqttc::ProtocolVersion::v311;
    mqttc::Publish message;
    message.topic = "home/kitchen/temp";
    message.payload = mqttc::as_bytes("19.5");

    std::vector<std::uint8_t> stream;
    for (int copies = 0; copies < 2; ++copies) {
        if (!mqttc::encode_publish(message, version, stream)) return 1;
    }

    mqttc::Bytes rest = stream;
    while (!rest.empty()) {
        // No frame: the rest of the packet has not arrived yet.
        const auto frame = mqttc::next_frame(rest, mqttc::max_remaining_length);
        if (!frame || !*frame) return 1;
        const auto publish = mqttc::decode_publish(**frame, version);
        if (!publish) return 1;
        std::printf("%.*s: %zu bytes of payload\n", static_cast<int>(publish->topic.size()),
                    publish->topic.data(), publish->payload.size());
        rest = rest.subspan((*frame)->size);
    }
}
