// Sentences for CodecError.
#include "mqttc/error.hpp"

namespace mqttc {

std::string_view describe(CodecError error) {
    switch (error) {
        case CodecError::malformed:
            return "the bytes are not a well-formed MQTT packet";
        case CodecError::protocol_error:
            return "the packet has something that MQTT does not allow";
        case CodecError::packet_too_large:
            return "the packet is larger than the limit";
        case CodecError::unsupported_version:
            return "the protocol name or version is unknown";
        case CodecError::invalid_utf8:
            return "a string is not valid UTF-8 or contains a NUL character";
        case CodecError::invalid_topic:
            return "a topic is empty or has a wildcard where none is allowed";
        case CodecError::property_not_allowed:
            return "a property is unknown or not allowed in this packet";
        case CodecError::property_out_of_range:
            return "the value of a property is out of range";
        case CodecError::string_too_long:
            return "a string is longer than 65535 bytes";
        case CodecError::too_large_to_encode:
            return "the packet would be larger than MQTT allows (268,435,455 bytes)";
    }
    return "unknown error";
}

}  // namespace mqttc
