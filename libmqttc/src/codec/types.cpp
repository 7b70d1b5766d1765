// Names of packet types, and which type a packet has.
#include "mqttc/types.hpp"

#include <array>

#include "mqttc/packet.hpp"

namespace mqttc {

std::string_view packet_type_name(PacketType type) {
    static constexpr std::array<std::string_view, 16> names = {
        "reserved",  "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
    static_assert(names[static_cast<std::size_t>(PacketType::auth)] == "AUTH");
    const auto index = static_cast<std::size_t>(type);
    return index < names.size() ? names[index] : names[0];
}

PacketType type_of(const Packet& packet) {
    struct TypeOf {
        PacketType operator()(const Connect&) const { return PacketType::connect; }
        PacketType operator()(const Connack&) const { return PacketType::connack; }
        PacketType operator()(const Publish&) const { return PacketType::publish; }
        PacketType operator()(const Ack& ack) const { return ack.type; }
        PacketType operator()(const Subscribe&) const { return PacketType::subscribe; }
        PacketType operator()(const Suback&) const { return PacketType::suback; }
        PacketType operator()(const Unsubscribe&) const { return PacketType::unsubscribe; }
        PacketType operator()(const Unsuback&) const { return PacketType::unsuback; }
        PacketType operator()(const Pingreq&) const { return PacketType::pingreq; }
        PacketType operator()(const Pingresp&) const { return PacketType::pingresp; }
        PacketType operator()(const Disconnect&) const { return PacketType::disconnect; }
        PacketType operator()(const Auth&) const { return PacketType::auth; }
    };
    return std::visit(TypeOf{}, packet);
}

}  // namespace mqttc
