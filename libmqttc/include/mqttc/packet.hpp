// The control packets of MQTT 3.1, 3.1.1 and 5.0, one plain struct per kind for all versions (MQTT 5.0
// chapter 3).
//
// Views (string_view, Bytes, PropertiesView) in a decoded packet point into the bytes given to the decoder
// and are valid as long as those. Fields that a version does not have are ignored by encode and left at their
// defaults by decode.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "mqttc/property.hpp"
#include "mqttc/reason.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// The Will of a CONNECT (section 3.1.2.5).
struct Will {
    std::string_view topic = {};     ///< a topic name: not empty, no wildcards
    Bytes payload = {};              ///< any bytes, at most 65,535
    Qos qos = Qos::at_most_once;     ///< with which the broker publishes it (section 3.1.2.6)
    bool retain = false;             ///< whether the broker keeps it as a retained message (section 3.1.2.7)
    PropertiesView properties = {};  ///< v5: the properties of the Will (section 3.1.3.2)
};

/// CONNECT (section 3.1). The version to encode, and the one that decode found, is here.
struct Connect {
    ProtocolVersion version = ProtocolVersion::v311;  ///< protocol name and level (sections 3.1.2.1, 3.1.2.2)
    bool clean_start = true;                          ///< "clean session" in 3.x
    std::uint16_t keep_alive = 60;                    ///< seconds, 0 = off
    std::string_view client_id = {};                ///< empty: the broker is to assign one (section 3.1.3.1)
    std::optional<Will> will = {};                  ///< none: no Will
    std::optional<std::string_view> username = {};  ///< none is not the same as empty (section 3.1.2.8)
    std::optional<Bytes> password = {};  ///< any bytes; in 3.x only with a user name (section 3.1.2.9)
    PropertiesView properties = {};      ///< v5 (section 3.1.2.11)
    bool bridge = false;  ///< bit 7 of the level byte, an extension of 3.x that some brokers send
};

/// CONNACK (section 3.2).
struct Connack {
    bool session_present = false;    ///< the broker still had the session (section 3.2.2.1.1); false in 3.1
    std::uint8_t code = 0;           ///< 0: accepted. A reason code in v5, a return code (1 to 5) in 3.x
    PropertiesView properties = {};  ///< v5: what the broker allows (section 3.2.2.3), see Session::limits
};

/// PUBLISH (section 3.3).
struct Publish {
    std::string_view topic = {};  ///< empty only in v5 together with a topic alias
    Bytes payload = {};           ///< any bytes; together with the rest at most max_remaining_length
    Qos qos = Qos::at_most_once;  ///< section 3.3.1.2
    bool retain = false;          ///< to the broker: keep it; from the broker: it was kept (section 3.3.1.3)
    bool dup = false;             ///< sent again: the receiver may have it already (section 3.3.1.1)
    PacketId packet_id = 0;       ///< 0 at QoS 0
    PropertiesView properties = {};  ///< v5 (section 3.3.2.3)
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP (sections 3.4 to 3.7); `type` is one of these four.
struct Ack {
    PacketType type = PacketType::puback;  ///< puback, pubrec, pubrel or pubcomp
    PacketId packet_id = 0;                ///< of the PUBLISH that it belongs to
    ReasonCode code = reason::success;     ///< v5; success in 3.x
    PropertiesView properties = {};        ///< v5: reason string and user properties
};

/// What to do with retained messages at subscribe time (section 3.8.3.1).
enum class RetainHandling : std::uint8_t { send_always = 0, send_if_new = 1, send_never = 2 };

/// One topic filter with its subscription options (section 3.8.3). 3.x uses filter and qos only.
struct Subscription {
    std::string_view filter = {};  ///< a topic filter, "$share/group/filter" too
    Qos qos = Qos::at_most_once;   ///< the highest one requested
    bool no_local = false;         ///< not what this client itself publishes; not in a shared subscription
    bool retain_as_published = false;  ///< forwarded messages keep their retain flag
    RetainHandling retain_handling = RetainHandling::send_always;  ///< retained messages at subscribe time
};

/// SUBSCRIBE (section 3.8).
struct Subscribe {
    PacketId packet_id = 0;                        ///< repeated in the SUBACK
    std::vector<Subscription> subscriptions = {};  ///< at least one
    PropertiesView properties = {};                ///< v5 (section 3.8.2.1)
};

/// SUBACK (section 3.9): one code per filter, in order; 3.1.1 knows 0, 1, 2 and 0x80.
struct Suback {
    PacketId packet_id = 0;          ///< of the SUBSCRIBE
    Bytes codes = {};                ///< each the granted QoS, or 0x80 and above
    PropertiesView properties = {};  ///< v5 (section 3.9.2.1)
};

/// UNSUBSCRIBE (section 3.10).
struct Unsubscribe {
    PacketId packet_id = 0;                      ///< repeated in the UNSUBACK
    std::vector<std::string_view> filters = {};  ///< at least one, as in the SUBSCRIBE
    PropertiesView properties = {};              ///< v5 (section 3.10.2.1)
};

/// UNSUBACK (section 3.11).
struct Unsuback {
    PacketId packet_id = 0;          ///< of the UNSUBSCRIBE
    Bytes codes = {};                ///< v5: one for each filter, in order; empty in 3.x
    PropertiesView properties = {};  ///< v5 (section 3.11.2.1)
};

/// PINGREQ (section 3.12).
struct Pingreq {};
/// PINGRESP (section 3.13).
struct Pingresp {};

/// DISCONNECT (section 3.14).
struct Disconnect {
    ReasonCode code = reason::success;  ///< v5; in 3.x the packet has none and only clients send it
    PropertiesView properties = {};     ///< v5 (section 3.14.2.2)
};

/// AUTH (section 3.15), v5 only.
struct Auth {
    ReasonCode code = reason::success;  ///< success, continue_authentication or reauthenticate
    PropertiesView properties = {};     ///< authentication method and data (section 3.15.2.2)
};

/// Any control packet.
using Packet = std::variant<Connect, Connack, Publish, Ack, Subscribe, Suback, Unsubscribe, Unsuback, Pingreq,
                            Pingresp, Disconnect, Auth>;

/// The type of the packet that a variant holds.
MQTTC_API PacketType type_of(const Packet& packet);

}  // namespace mqttc
