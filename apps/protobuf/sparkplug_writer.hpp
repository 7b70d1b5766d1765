// JSON to payloads of Sparkplug B.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace mqttc::protobuf {

/// The bytes for JSON as SparkplugReader writes it. A metric without a type is a Boolean, String, Int64 or Double, whichever
/// its value is. Error: what is wrong, with the path to it: "metrics[2].value is not a number".
std::expected<std::string, std::string> write_sparkplug(std::string_view json);

}  // namespace mqttc::protobuf
