// What the PUBLISH packets of one topic have in common, encoded once for many small payloads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mqttc/codec.hpp"
#include "wire.hpp"

namespace mqttc::codec {

class PublishHead {
  public:
    /// `empty`: an encoded PUBLISH without payload, whose bytes must outlive the head. `topic`: its size on the wire.
    PublishHead(const Frame& empty, std::size_t topic)
        : first_byte_(empty.first_byte), rest_(empty.body), id_at_(2 + topic) {}

    std::size_t packet_size(std::size_t payload) const {
        const std::size_t length = rest_.size() + payload;
        return 1 + varint_size(length) + length;
    }
    /// The packet of this payload; packet_size() must be one that a packet can have.
    void put(Writer& out, Bytes payload) const {
        out.byte(first_byte_);
        out.varint(static_cast<std::uint32_t>(rest_.size() + payload.size()));
        out.raw(rest_);
        out.raw(payload);
    }

    /// The same at QoS 1 or 2, with another packet identifier.
    void put(Writer& out, PacketId id, Bytes payload) const {
        out.byte(first_byte_);
        out.varint(static_cast<std::uint32_t>(rest_.size() + payload.size()));
        out.raw(rest_.first(id_at_));
        out.byte(static_cast<std::uint8_t>(id >> 8U));
        out.byte(static_cast<std::uint8_t>(id & 0xffU));
        out.raw(rest_.subspan(id_at_ + 2));
        out.raw(payload);
    }

  private:
    std::uint8_t first_byte_;
    Bytes rest_;
    std::size_t id_at_;
};

}  // namespace mqttc::codec
