// Where the bytes of a Protocol Buffers message are wrong.
#pragma once

#include <string>

#include "mqttc/types.hpp"

namespace google::protobuf {
class Message;
}

namespace mqttc::protobuf {

/// For a payload that could not be parsed as `type`: "error at byte 3: ...".
std::string wire_error(Bytes payload, const google::protobuf::Message& type);

}  // namespace mqttc::protobuf
