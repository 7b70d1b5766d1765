// The fast half of decoding: the most frequent packet, a PUBLISH at QoS 0 with an ASCII topic and without properties.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mqttc/packet.hpp"
#include "utf8.hpp"
#include "wire.hpp"

namespace mqttc::codec {

/// False: no such packet begins with this byte.
inline bool begins_plain_publish(std::uint8_t first_byte) {
    constexpr unsigned retain_flag = 0x01;
    return (first_byte & ~retain_flag) == static_cast<unsigned>(PacketType::publish) << 4;
}

/// Decodes such a packet at the front of `bytes` and returns its size. 0: it may be anything else, for next_frame and
/// decode_publish. Only topic, payload and retain of `packet` are written; the other fields must have their defaults.
inline std::size_t decode_plain_publish(Bytes bytes, ProtocolVersion version, Publish& packet) {
    if (bytes.size() < 2 || !begins_plain_publish(bytes[0])) return 0;
    const Varint length = parse_varint(bytes.data() + 1, bytes.size() - 1);
    // A length in a longer form than it needs is an error in v5.
    if (length.size != varint_size(length.value)) return 0;
    const std::size_t head = 1 + length.size;
    if (bytes.size() - head < length.value) return 0;
    const Bytes body = bytes.subspan(head, length.value);
    const std::size_t property_bytes = version == ProtocolVersion::v5 ? 1 : 0;
    if (body.size() < 2) return 0;
    const auto topic_size = static_cast<std::size_t>(body[0] << 8 | body[1]);
    if (topic_size == 0 || body.size() < 2 + topic_size + property_bytes) return 0;
    if (property_bytes != 0 && body[2 + topic_size] != 0) return 0;
    const std::string_view topic = as_text(body.subspan(2, topic_size));
    if (!plain_name(topic)) return 0;
    packet.topic = topic;
    packet.payload = body.subspan(2 + topic_size + property_bytes);
    packet.retain = (bytes[0] & 1U) != 0;
    return head + length.value;
}

}  // namespace mqttc::codec
