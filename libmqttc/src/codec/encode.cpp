// Packets to bytes. Each layout (MQTT 5.0 chapter 3) is written down once, as a `put` for any sink: first Measure counts
// and checks, then Writer writes. So nothing can be appended that does not fit or is not allowed.
#include <type_traits>

#include "mqttc/codec.hpp"
#include "rules.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

using codec::is_v5;
using codec::Measure;
using codec::Writer;

std::uint8_t first_byte(PacketType type, unsigned flags = 0) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | flags);
}

/// `value` as the bits of a flag byte that start at `shift`.
template <class Value>
unsigned bits(Value value, unsigned shift) {
    return static_cast<unsigned>(value) << shift;
}

template <class Sink>
void put(Sink& out, const Connect& packet, ProtocolVersion) {
    const bool v31 = packet.version == ProtocolVersion::v31;
    const unsigned level = static_cast<unsigned>(packet.version);
    out.unchecked_text(v31 ? "MQIsdp" : "MQTT");
    out.byte(static_cast<std::uint8_t>(level | bits(packet.bridge && !is_v5(packet.version), 7)));
    unsigned flags = bits(packet.username.has_value(), 7) | bits(packet.password.has_value(), 6) |
                     bits(packet.will.has_value(), 2) | bits(packet.clean_start, 1);
    if (packet.will) flags |= bits(packet.will->retain, 5) | bits(packet.will->qos, 3);
    out.byte(static_cast<std::uint8_t>(flags));
    out.two_bytes(packet.keep_alive);
    if (is_v5(packet.version)) out.properties(packet.properties, packet_bit(PacketType::connect));
    out.utf8(packet.client_id);
    if (packet.will) {
        if (is_v5(packet.version)) out.properties(packet.will->properties, will_properties_bit);
        out.unchecked_text(packet.will->topic);
        out.binary(packet.will->payload);
    }
    if (packet.username) out.utf8(*packet.username);
    if (packet.password) out.binary(*packet.password);
}

template <class Sink>
void put(Sink& out, const Connack& packet, ProtocolVersion version) {
    out.byte(packet.session_present && version != ProtocolVersion::v31 ? 1 : 0);
    out.byte(packet.code);
    if (is_v5(version)) out.properties(packet.properties, packet_bit(PacketType::connack));
}

/// All of PUBLISH but the payload.
template <class Sink>
void put_head(Sink& out, const Publish& packet, ProtocolVersion version) {
    out.unchecked_text(packet.topic);
    if (packet.qos != Qos::at_most_once) out.two_bytes(packet.packet_id);
    if (is_v5(version)) out.properties(packet.properties, packet_bit(PacketType::publish));
}

/// A reason code and properties, both left out when they are the defaults (sections 3.4.2.1, 3.14.2.1, 3.15.2.1).
template <class Sink>
void put_code(Sink& out, std::uint8_t code, PropertiesView properties, PacketType type) {
    if (code == reason::success && properties.empty()) return;
    out.byte(code);
    if (!properties.empty()) out.properties(properties, packet_bit(type));
}

template <class Sink>
void put(Sink& out, const Ack& packet, ProtocolVersion version) {
    out.two_bytes(packet.packet_id);
    if (is_v5(version)) put_code(out, packet.code, packet.properties, packet.type);
}

template <class Sink>
void put(Sink& out, const Subscribe& packet, ProtocolVersion version) {
    out.two_bytes(packet.packet_id);
    if (is_v5(version)) out.properties(packet.properties, packet_bit(PacketType::subscribe));
    for (const Subscription& subscription : packet.subscriptions) {
        out.unchecked_text(subscription.filter);
        unsigned options = bits(subscription.qos, 0);
        if (is_v5(version)) {
            options |= bits(subscription.no_local, 2) | bits(subscription.retain_as_published, 3) |
                       bits(subscription.retain_handling, 4);
        }
        out.byte(static_cast<std::uint8_t>(options));
    }
}

template <class Sink>
void put(Sink& out, const Suback& packet, ProtocolVersion version) {
    out.two_bytes(packet.packet_id);
    if (is_v5(version)) out.properties(packet.properties, packet_bit(PacketType::suback));
    out.raw(packet.codes);
}

template <class Sink>
void put(Sink& out, const Unsubscribe& packet, ProtocolVersion version) {
    out.two_bytes(packet.packet_id);
    if (is_v5(version)) out.properties(packet.properties, packet_bit(PacketType::unsubscribe));
    for (const std::string_view filter : packet.filters) out.unchecked_text(filter);
}

template <class Sink>
void put(Sink& out, const Unsuback& packet, ProtocolVersion version) {
    out.two_bytes(packet.packet_id);
    if (!is_v5(version)) return;
    out.properties(packet.properties, packet_bit(PacketType::unsuback));
    out.raw(packet.codes);
}

template <class Sink>
void put(Sink&, const Pingreq&, ProtocolVersion) {}

template <class Sink>
void put(Sink&, const Pingresp&, ProtocolVersion) {}

template <class Sink>
void put(Sink& out, const Disconnect& packet, ProtocolVersion version) {
    if (is_v5(version)) put_code(out, packet.code, packet.properties, PacketType::disconnect);
}

template <class Sink>
void put(Sink& out, const Auth& packet, ProtocolVersion) {
    put_code(out, packet.code, packet.properties, PacketType::auth);
}

/// The end of `out`, grown by `size` bytes.
inline std::uint8_t* grow(std::vector<std::uint8_t>& out, std::size_t size) {
    const std::size_t before = out.size();
    out.resize(before + size);
    return out.data() + before;
}

/// What Measure found, or why the packet cannot be encoded.
inline std::expected<std::uint32_t, CodecError> length_of(const Measure& measure, std::size_t payload = 0) {
    if (measure.error()) return std::unexpected(*measure.error());
    const std::uint64_t length = measure.size() + payload;
    if (length > max_remaining_length) return std::unexpected(CodecError::too_large_to_encode);
    return static_cast<std::uint32_t>(length);
}

/// Flags of the fixed header of a packet other than PUBLISH.
unsigned flags_of(PacketType type) {
    const bool two =
        type == PacketType::pubrel || type == PacketType::subscribe || type == PacketType::unsubscribe;
    return two ? 2 : 0;
}

template <class Kind>
std::expected<void, CodecError> encode_kind(const Kind& packet, PacketType type, ProtocolVersion version,
                                            std::vector<std::uint8_t>& out) {
    if (const auto fault = codec::check(packet, version)) return std::unexpected(*fault);
    Measure measure;
    put(measure, packet, version);
    const auto length = length_of(measure);
    if (!length) return std::unexpected(length.error());

    Writer writer(grow(out, 1 + codec::varint_size(*length) + *length));
    writer.byte(first_byte(type, flags_of(type)));
    writer.varint(*length);
    put(writer, packet, version);
    writer.finish(out.data() + out.size());
    return {};
}

/// PUBLISH with the first `written` bytes of its payload: all or none.
inline std::expected<void, CodecError> put_publish(const Publish& publish, Bytes written,
                                                   ProtocolVersion version, std::vector<std::uint8_t>& out) {
    if (const auto fault = codec::check(publish, version)) return std::unexpected(*fault);
    Measure measure;
    put_head(measure, publish, version);
    const auto length = length_of(measure, publish.payload.size());
    if (!length) return std::unexpected(length.error());

    const std::size_t head = 1 + codec::varint_size(*length) + static_cast<std::size_t>(measure.size());
    Writer writer(grow(out, head + written.size()));
    writer.byte(first_byte(PacketType::publish,
                           bits(publish.dup, 3) | bits(publish.qos, 1) | bits(publish.retain, 0)));
    writer.varint(*length);
    put_head(writer, publish, version);
    writer.raw(written);
    writer.finish(out.data() + out.size());
    return {};
}

}  // namespace

std::expected<void, CodecError> encode_publish(const Publish& publish, ProtocolVersion version,
                                               std::vector<std::uint8_t>& out) {
    return put_publish(publish, publish.payload, version, out);
}

std::expected<void, CodecError> encode_publish_header(const Publish& publish, ProtocolVersion version,
                                                      std::vector<std::uint8_t>& out) {
    return put_publish(publish, {}, version, out);
}

std::expected<void, CodecError> encode(const Packet& packet, ProtocolVersion version,
                                       std::vector<std::uint8_t>& out) {
    const PacketType type = type_of(packet);
    return std::visit(
        [&](const auto& kind) -> std::expected<void, CodecError> {
            if constexpr (std::is_same_v<std::decay_t<decltype(kind)>, Publish>) {
                return encode_publish(kind, version, out);
            } else {
                return encode_kind(kind, type, version, out);
            }
        },
        packet);
}

}  // namespace mqttc
