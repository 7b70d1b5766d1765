// What the PUBLISH packets of one topic have in common, encoded once for many small payloads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mqttc/types.hpp"
#include "wire.hpp"

namespace mqttc::codec {

class PublishHead {
  public:
    /// `empty`: an encoded PUBLISH without payload, whose bytes must outlive the head. `topic`: its size on the wire.
    PublishHead(Bytes empty, std::size_t topic)
        : first_byte_(empty[0]),
          rest_(empty.subspan(1 + parse_varint(empty.data() + 1, empty.size() - 1).size)),
          id_at_(2 + topic) {}

    std::size_t packet_size(std::size_t payload) const {
        const std::size_t length = rest_.size() + payload;
        return 1 + varint_size(length) + length;
    }
    /// The packet of this payload, at QoS 1 and 2 with this identifier; packet_size() must be one that a packet can have.
    void put(Writer& out, Bytes payload, PacketId id = 0) const {
        out.byte(first_byte_);
        out.varint(static_cast<std::uint32_t>(rest_.size() + payload.size()));
        if (id == 0) {
            out.raw(rest_);
        } else {
            out.raw(rest_.first(id_at_));
            out.two_bytes(id);
            out.raw(rest_.subspan(id_at_ + 2));
        }
        out.raw(payload);
    }

  private:
    std::uint8_t first_byte_;
    Bytes rest_;
    std::size_t id_at_;
};

}  // namespace mqttc::codec
