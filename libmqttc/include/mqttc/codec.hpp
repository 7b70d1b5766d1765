// Bytes to packets and packets to bytes, without state (MQTT 5.0 chapters 2 and 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// One whole packet inside a receive buffer: the fixed header has been read, the rest is `body`.
struct Frame {
    std::uint8_t first_byte = 0;  ///< packet type and flags
    Bytes body;                   ///< exactly "remaining length" bytes
    std::size_t size = 0;         ///< bytes of the whole packet, fixed header included

    /// The upper four bits of the first byte (section 2.1.2).
    PacketType type() const { return static_cast<PacketType>(first_byte >> 4); }
};

/// The size that the packet at the start of `bytes` will have, fixed header included, as soon as its fixed
/// header is there (2 to 5 bytes); none before. Lets a reader make room before the rest arrives. Errors:
/// malformed (five-byte length, reserved type 0), packet_too_large (over `max_packet_size`).
[[nodiscard]] MQTTC_API std::expected<std::optional<std::size_t>, CodecError> frame_size(
    Bytes bytes, std::size_t max_packet_size = max_packet_bytes);

/// The first whole packet in `bytes`, or none when more bytes are needed. The same errors as frame_size.
[[nodiscard]] MQTTC_API std::expected<std::optional<Frame>, CodecError> next_frame(
    Bytes bytes, std::size_t max_packet_size = max_packet_bytes);

/// Decodes any packet. `version` is the one agreed by CONNECT and is ignored for CONNECT itself. In 3.1
/// and 3.1.1 PUBLISH must have a topic; in v5 an empty topic needs a topic alias.
[[nodiscard]] MQTTC_API std::expected<Packet, CodecError> decode(const Frame& frame, ProtocolVersion version);

/// Decodes a PUBLISH: the hot path; no allocation.
[[nodiscard]] MQTTC_API std::expected<Publish, CodecError> decode_publish(const Frame& frame,
                                                                          ProtocolVersion version);

/// Appends the packet's bytes to `out`, which no view in the packet may point into. On error nothing is
/// appended. A v5 block of properties must be one that the packet may carry. Errors: string_too_long,
/// too_large_to_encode, invalid_utf8, invalid_topic (wildcard or empty topic in PUBLISH), property_not_allowed,
/// property_out_of_range, unsupported_version, malformed (a field that has no such value), protocol_error (QoS
/// > 0 without packet identifier, empty list of filters, …).
[[nodiscard]] MQTTC_API std::expected<void, CodecError> encode(const Packet& packet, ProtocolVersion version,
                                                               std::vector<std::uint8_t>& out);

/// As `encode`, for a PUBLISH without its payload: fixed header and variable header for a payload of
/// publish.payload.size() bytes, which the caller sends itself.
[[nodiscard]] MQTTC_API std::expected<void, CodecError> encode_publish_header(const Publish& publish,
                                                                              ProtocolVersion version,
                                                                              std::vector<std::uint8_t>& out);

/// As `encode`, without building a variant: the hot path.
[[nodiscard]] MQTTC_API std::expected<void, CodecError> encode_publish(const Publish& publish,
                                                                       ProtocolVersion version,
                                                                       std::vector<std::uint8_t>& out);

}  // namespace mqttc
