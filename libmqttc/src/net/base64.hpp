// Base64 (RFC 4648 section 4), for HTTP header fields.
#pragma once

#include <string>

#include "mqttc/types.hpp"

namespace mqttc::net {

/// With padding. (mqtt_sub has its own, which writes payloads of any size piece by piece into its output.)
std::string base64(Bytes bytes);

}  // namespace mqttc::net
