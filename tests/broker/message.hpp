// A message in the broker: created once from a PUBLISH or a will, and shared by all its deliveries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mqttc/packet.hpp"
#include "mqttc/property.hpp"
#include "mqttc/types.hpp"

namespace mqttc::broker {

using Block = std::shared_ptr<const std::uint8_t[]>;

struct Message {
    std::string topic;
    Block block;  ///< owns `payload`; may contain more
    Bytes payload;
    Properties properties;  ///< those that are forwarded unchanged
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::optional<Time> expires;
    std::string from;  ///< client identifier of the publisher; empty: the broker itself

    bool expired(Time now) const { return expires && *expires <= now; }
};

using MessagePtr = std::shared_ptr<const Message>;

/// `topic` is that of `publish` with aliases resolved. `block` contains the payload if the message may keep it; without a
/// block the payload is copied.
MessagePtr make_message(const Publish& publish, std::string_view topic, std::string_view from, Block block,
                        Time now);

/// One delivery of a message to one session.
struct Outgoing {
    MessagePtr message;
    Qos qos = Qos::at_most_once;  ///< as granted for this delivery
    bool retain = false;
    std::vector<std::uint32_t> identifiers;  ///< subscription identifiers
    PacketId packet_id = 0;
    bool released = false;  ///< QoS 2: PUBREC was received, PUBREL sent
    bool again = false;     ///< was sent on an earlier connection
    bool waiting = false;   ///< in flight, but not yet sent again on this connection
};

}  // namespace mqttc::broker
