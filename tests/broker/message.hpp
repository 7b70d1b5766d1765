// A message inside the broker: made once from a PUBLISH or a Will, then shared by all who get it.
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
    Block block;  ///< keeps `payload` alive; may hold more than it
    Bytes payload;
    Properties properties;  ///< only those that travel on to subscribers unchanged
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::optional<Time> expires;
    std::string from;  ///< client identifier of the publisher; empty: the broker itself

    bool expired(Time now) const { return expires && *expires <= now; }
};

using MessagePtr = std::shared_ptr<const Message>;

/// Takes over `publish` as it came (its topic resolved). `block` is what the payload points into when the
/// message may keep it; without one the payload is copied.
MessagePtr make_message(const Publish& publish, std::string_view topic, std::string_view from, Block block,
                        Time now);

/// One delivery of a message to one session.
struct Outgoing {
    MessagePtr message;
    Qos qos = Qos::at_most_once;  ///< as granted for this delivery
    bool retain = false;
    std::vector<std::uint32_t> identifiers;  ///< subscription identifiers
    PacketId packet_id = 0;
    bool released = false;  ///< QoS 2: PUBREC came, PUBREL was sent
    bool again = false;     ///< was sent over an earlier connection already
    bool waiting = false;   ///< in flight, but not yet sent again over this connection
};

}  // namespace mqttc::broker
