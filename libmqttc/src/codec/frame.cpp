// Finds where a packet ends: the fixed header (MQTT 5.0 section 2.1).
#include "mqttc/codec.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

/// The fixed header at the front of some bytes; size 0 when it is not all there.
struct FixedHeader {
    std::size_t size = 0;
    std::size_t body = 0;
};

inline std::expected<FixedHeader, CodecError> fixed_header(Bytes bytes, std::size_t max_packet_size) {
    if (bytes.empty()) return FixedHeader{};
    if (bytes[0] < 0x10) return std::unexpected(CodecError::malformed);
    const codec::Varint length = codec::parse_varint(bytes.data() + 1, bytes.size() - 1);
    if (length.size == 0) return FixedHeader{};
    if (length.size > codec::Varint::max_bytes) return std::unexpected(CodecError::malformed);
    const FixedHeader found{1 + length.size, length.value};
    if (found.size + found.body > max_packet_size) return std::unexpected(CodecError::packet_too_large);
    return found;
}

}  // namespace

std::expected<std::optional<std::size_t>, CodecError> frame_size(Bytes bytes, std::size_t max_packet_size) {
    const auto header = fixed_header(bytes, max_packet_size);
    if (!header) return std::unexpected(header.error());
    if (header->size == 0) return std::nullopt;
    return header->size + header->body;
}

std::expected<std::optional<Frame>, CodecError> next_frame(Bytes bytes, std::size_t max_packet_size) {
    const auto header = fixed_header(bytes, max_packet_size);
    if (!header) return std::unexpected(header.error());
    if (header->size == 0 || bytes.size() - header->size < header->body) return std::nullopt;
    return Frame{bytes[0], bytes.subspan(header->size, header->body), header->size + header->body};
}

}  // namespace mqttc
