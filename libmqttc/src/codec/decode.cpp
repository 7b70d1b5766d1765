// Bytes to packets: the layouts of MQTT 5.0 chapter 3 and of 3.1 and 3.1.1 where they differ.
#include <utility>

#include "mqttc/codec.hpp"
#include "rules.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

using codec::is_v5;
using codec::Reader;

// Bits of CONNECT's flags (section 3.1.2.3).
constexpr unsigned reserved_flag = 0x01;
constexpr unsigned clean_start_flag = 0x02;
constexpr unsigned will_flag = 0x04;
constexpr unsigned will_qos_shift = 3;
constexpr unsigned will_qos_mask = 0x18;
constexpr unsigned will_retain_flag = 0x20;
constexpr unsigned password_flag = 0x40;
constexpr unsigned username_flag = 0x80;

/// The flags that the fixed header of a packet other than PUBLISH must have [MQTT-2.1.3-1].
bool flags_ok(const Frame& frame, ProtocolVersion version) {
    const unsigned flags = frame.first_byte & 0x0fU;
    switch (frame.type()) {
        case PacketType::pubrel:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
            // 3.1 sets DUP when it sends one of these again.
            return flags == 0x02 || (version == ProtocolVersion::v31 && flags == 0x0a);
        default:
            return flags == 0;
    }
}

/// v5 requires the remaining length in its shortest form [MQTT-1.5.5-1]; 3.1.1 does not.
inline bool length_ok(const Frame& frame, ProtocolVersion version) {
    return !is_v5(version) || frame.size <= 1 + codec::varint_size(frame.body.size()) + frame.body.size();
}

std::optional<ProtocolVersion> known_version(std::string_view name, unsigned level) {
    if (name == "MQTT" && level == 5) return ProtocolVersion::v5;
    if (name == "MQTT" && (level & 0x7fU) == 4) return ProtocolVersion::v311;
    if (name == "MQIsdp" && (level & 0x7fU) == 3) return ProtocolVersion::v31;
    return {};
}

Will read_will(Reader& in, unsigned flags, ProtocolVersion version) {
    Will will;
    will.qos = static_cast<Qos>((flags & will_qos_mask) >> will_qos_shift);
    will.retain = (flags & will_retain_flag) != 0;
    if (is_v5(version)) will.properties = in.properties(will_properties_bit);
    will.topic = in.unchecked_text();
    will.payload = in.binary();
    return will;
}

Connect read_connect(Reader& in) {
    Connect packet;
    const std::string_view name = in.unchecked_text();
    const unsigned level = in.byte();
    if (in.error()) return packet;
    const auto version = known_version(name, level);
    if (!version) {
        in.fail(CodecError::unsupported_version);
        return packet;
    }
    packet.version = *version;
    packet.bridge = (level & 0x80U) != 0;

    const unsigned flags = in.byte();
    if ((flags & reserved_flag) != 0) in.fail(CodecError::malformed);  // [MQTT-3.1.2-3]
    if ((flags & will_flag) == 0 && (flags & (will_qos_mask | will_retain_flag)) != 0)
        in.fail(CodecError::malformed);  // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
    packet.clean_start = (flags & clean_start_flag) != 0;
    packet.keep_alive = in.two_bytes();
    if (is_v5(packet.version)) packet.properties = in.properties(packet_bit(PacketType::connect));
    packet.client_id = in.utf8();
    if ((flags & will_flag) != 0) packet.will = read_will(in, flags, packet.version);
    // In 3.1 the strings may be missing in spite of their flags: the remaining length decides (3.1
    // section 3.1).
    const auto present = [&](unsigned flag) {
        return (flags & flag) != 0 && !(packet.version == ProtocolVersion::v31 && in.at_end());
    };
    if (present(username_flag)) packet.username = in.utf8();
    if (present(password_flag)) packet.password = in.binary();
    return packet;
}

Connack read_connack(Reader& in, ProtocolVersion version) {
    Connack packet;
    const std::uint8_t flags = in.byte();
    packet.code = in.byte();
    if (version == ProtocolVersion::v31) return packet;  // its first byte is not used
    if (flags > 1) in.fail(CodecError::malformed);       // [MQTT-3.2.2-1]
    packet.session_present = flags == 1;
    if (!is_v5(version)) return packet;
    // A broker that knows only 3.x refuses v5 in the form of 3.x; report it with the code of v5.
    if (in.at_end() && flags == 0 && packet.code == 1) {
        packet.code = reason::unsupported_protocol_version;
        return packet;
    }
    packet.properties = in.properties(packet_bit(PacketType::connack));
    return packet;
}

Subscription read_subscription(Reader& in, ProtocolVersion version) {
    Subscription subscription;
    subscription.filter = in.unchecked_text();
    const unsigned options = in.byte();
    if ((options & (is_v5(version) ? 0xc0U : 0xfcU)) != 0) in.fail(CodecError::malformed);  // [MQTT-3.8.3-5]
    subscription.qos = static_cast<Qos>(options & 0x03U);
    subscription.no_local = (options & 0x04U) != 0;
    subscription.retain_as_published = (options & 0x08U) != 0;
    subscription.retain_handling = static_cast<RetainHandling>(options >> 4 & 0x03U);
    return subscription;
}

// The lists below cannot outgrow their packet: each entry takes at least two bytes of it.

Subscribe read_subscribe(Reader& in, ProtocolVersion version) {
    Subscribe packet;
    packet.packet_id = in.two_bytes();
    if (is_v5(version)) packet.properties = in.properties(packet_bit(PacketType::subscribe));
    while (!in.at_end()) packet.subscriptions.push_back(read_subscription(in, version));
    return packet;
}

Suback read_suback(Reader& in, ProtocolVersion version) {
    Suback packet;
    packet.packet_id = in.two_bytes();
    if (is_v5(version)) packet.properties = in.properties(packet_bit(PacketType::suback));
    packet.codes = in.rest();
    return packet;
}

Unsubscribe read_unsubscribe(Reader& in, ProtocolVersion version) {
    Unsubscribe packet;
    packet.packet_id = in.two_bytes();
    if (is_v5(version)) packet.properties = in.properties(packet_bit(PacketType::unsubscribe));
    while (!in.at_end()) packet.filters.push_back(in.unchecked_text());
    return packet;
}

Unsuback read_unsuback(Reader& in, ProtocolVersion version) {
    Unsuback packet;
    packet.packet_id = in.two_bytes();
    if (!is_v5(version)) return packet;
    packet.properties = in.properties(packet_bit(PacketType::unsuback));
    packet.codes = in.rest();
    return packet;
}

/// DISCONNECT, AUTH, and an acknowledgement after its identifier have the same layout.
template <class CodeAndProperties>
CodeAndProperties read_code(Reader& in, PacketType type, ProtocolVersion version,
                            CodeAndProperties packet = {}) {
    if (!is_v5(version)) return packet;
    if (!in.at_end()) packet.code = in.byte();
    if (!in.at_end()) packet.properties = in.properties(packet_bit(type));
    return packet;
}

/// The packet, if its bytes have been used up and it obeys the rules.
template <class Kind>
std::expected<Packet, CodecError> finish(const Reader& in, Kind&& packet, ProtocolVersion version) {
    if (in.error()) return std::unexpected(*in.error());
    if (!in.at_end()) return std::unexpected(CodecError::malformed);
    if (const auto fault = codec::check(packet, version)) return std::unexpected(*fault);
    return Packet(std::forward<Kind>(packet));
}

}  // namespace

std::expected<Publish, CodecError> decode_publish(const Frame& frame, ProtocolVersion version) {
    if (frame.type() != PacketType::publish || !length_ok(frame, version))
        return std::unexpected(CodecError::malformed);
    const unsigned qos = frame.first_byte >> 1 & 0x03U;
    if (qos == 3) return std::unexpected(CodecError::malformed);  // [MQTT-3.3.1-4]
    Reader in(frame.body);
    std::expected<Publish, CodecError> result;
    Publish& packet = *result;
    packet.qos = static_cast<Qos>(qos);
    packet.dup = (frame.first_byte & 0x08U) != 0;
    packet.retain = (frame.first_byte & 0x01U) != 0;
    packet.topic = in.unchecked_text();
    if (qos > 0) packet.packet_id = in.two_bytes();
    if (is_v5(version)) packet.properties = in.properties(packet_bit(PacketType::publish));
    packet.payload = in.rest();
    if (in.error()) return std::unexpected(*in.error());
    if (const auto fault = codec::check(packet, version)) return std::unexpected(*fault);
    return result;
}

std::expected<Packet, CodecError> decode(const Frame& frame, ProtocolVersion version) {
    if (frame.type() == PacketType::publish) return decode_publish(frame, version);
    if (!flags_ok(frame, version)) return std::unexpected(CodecError::malformed);
    Reader in(frame.body);
    if (frame.type() == PacketType::connect) {
        const Connect packet = read_connect(in);
        if (!length_ok(frame, packet.version)) in.fail(CodecError::malformed);
        return finish(in, packet, version);
    }
    if (!length_ok(frame, version)) return std::unexpected(CodecError::malformed);
    switch (frame.type()) {
        case PacketType::connack:
            return finish(in, read_connack(in, version), version);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            return finish(
                in,
                read_code(in, frame.type(), version, Ack{.type = frame.type(), .packet_id = in.two_bytes()}),
                version);
        case PacketType::subscribe:
            return finish(in, read_subscribe(in, version), version);
        case PacketType::suback:
            return finish(in, read_suback(in, version), version);
        case PacketType::unsubscribe:
            return finish(in, read_unsubscribe(in, version), version);
        case PacketType::unsuback:
            return finish(in, read_unsuback(in, version), version);
        case PacketType::pingreq:
            return finish(in, Pingreq{}, version);
        case PacketType::pingresp:
            return finish(in, Pingresp{}, version);
        case PacketType::disconnect:
            return finish(in, read_code<Disconnect>(in, frame.type(), version), version);
        case PacketType::auth:
            if (!is_v5(version)) break;  // type 15 is reserved in 3.x
            return finish(in, read_code<Auth>(in, frame.type(), version), version);
        default:
            break;
    }
    return std::unexpected(CodecError::malformed);
}

}  // namespace mqttc
