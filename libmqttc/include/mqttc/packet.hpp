// The control packets of MQTT 3.1, 3.1.1 and 5.0, one plain struct per kind for all versions (MQTT 5.0
// chapter 3).
//
// Views (string_view, Bytes, PropertiesView) in a decoded packet point into the bytes given to the decoder
// and live as long as those. Fields that a version does not have are ignored by encode and left at their
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
    std::string_view topic = {};
    Bytes payload = {};
    Qos qos = Qos::at_most_once;
    bool retain = false;
    PropertiesView properties = {};
};

/// CONNECT (section 3.1). The version to encode, and the one that decode found, stands here.
struct Connect {
    ProtocolVersion version = ProtocolVersion::v311;
    bool clean_start = true;        ///< "clean session" in 3.x
    std::uint16_t keep_alive = 60;  ///< seconds, 0 = off
    std::string_view client_id = {};
    std::optional<Will> will = {};
    std::optional<std::string_view> username = {};
    std::optional<Bytes> password = {};
    PropertiesView properties = {};
    bool bridge = false;  ///< bit 7 of the level byte, an extension of 3.x that some brokers send
};

/// CONNACK (section 3.2). `code` is a reason code in v5, a return code in 3.x.
struct Connack {
    bool session_present = false;
    std::uint8_t code = 0;
    PropertiesView properties = {};
};

/// PUBLISH (section 3.3).
struct Publish {
    std::string_view topic = {};  ///< empty only in v5 together with a topic alias
    Bytes payload = {};
    Qos qos = Qos::at_most_once;
    bool retain = false;
    bool dup = false;
    PacketId packet_id = 0;  ///< 0 at QoS 0
    PropertiesView properties = {};
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP (sections 3.4 to 3.7); `type` is one of these four.
struct Ack {
    PacketType type = PacketType::puback;
    PacketId packet_id = 0;
    ReasonCode code = reason::success;  ///< v5
    PropertiesView properties = {};
};

/// What to do with retained messages at subscribe time (section 3.8.3.1).
enum class RetainHandling : std::uint8_t { send_always = 0, send_if_new = 1, send_never = 2 };

/// One topic filter with its subscription options (section 3.8.3). 3.x uses filter and qos only.
struct Subscription {
    std::string_view filter = {};
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send_always;
};

/// SUBSCRIBE (section 3.8).
struct Subscribe {
    PacketId packet_id = 0;
    std::vector<Subscription> subscriptions = {};
    PropertiesView properties = {};
};

/// SUBACK (section 3.9): one code per filter, in order; 3.1.1 knows 0, 1, 2 and 0x80.
struct Suback {
    PacketId packet_id = 0;
    Bytes codes = {};
    PropertiesView properties = {};
};

/// UNSUBSCRIBE (section 3.10).
struct Unsubscribe {
    PacketId packet_id = 0;
    std::vector<std::string_view> filters = {};
    PropertiesView properties = {};
};

/// UNSUBACK (section 3.11); no codes in 3.x.
struct Unsuback {
    PacketId packet_id = 0;
    Bytes codes = {};
    PropertiesView properties = {};
};

/// PINGREQ and PINGRESP (sections 3.12, 3.13).
struct Pingreq {};
struct Pingresp {};

/// DISCONNECT (section 3.14).
struct Disconnect {
    ReasonCode code = reason::success;  ///< v5
    PropertiesView properties = {};
};

/// AUTH (section 3.15), v5 only.
struct Auth {
    ReasonCode code = reason::success;
    PropertiesView properties = {};
};

using Packet = std::variant<Connect, Connack, Publish, Ack, Subscribe, Suback, Unsubscribe, Unsuback, Pingreq,
                            Pingresp, Disconnect, Auth>;

/// The type of the packet that a variant holds.
MQTTC_API PacketType type_of(const Packet& packet);

}  // namespace mqttc
