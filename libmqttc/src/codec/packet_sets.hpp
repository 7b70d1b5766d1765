// Sets of one packet type, for the tables of properties and reason codes.
#pragma once

#include "mqttc/packet.hpp"

namespace mqttc::codec::only {

inline constexpr PacketSet connect = packet_bit(PacketType::connect);
inline constexpr PacketSet connack = packet_bit(PacketType::connack);
inline constexpr PacketSet publish = packet_bit(PacketType::publish);
inline constexpr PacketSet puback = packet_bit(PacketType::puback);
inline constexpr PacketSet pubrec = packet_bit(PacketType::pubrec);
inline constexpr PacketSet pubrel = packet_bit(PacketType::pubrel);
inline constexpr PacketSet pubcomp = packet_bit(PacketType::pubcomp);
inline constexpr PacketSet subscribe = packet_bit(PacketType::subscribe);
inline constexpr PacketSet suback = packet_bit(PacketType::suback);
inline constexpr PacketSet unsubscribe = packet_bit(PacketType::unsubscribe);
inline constexpr PacketSet unsuback = packet_bit(PacketType::unsuback);
inline constexpr PacketSet disconnect = packet_bit(PacketType::disconnect);
inline constexpr PacketSet auth = packet_bit(PacketType::auth);

}  // namespace mqttc::codec::only
