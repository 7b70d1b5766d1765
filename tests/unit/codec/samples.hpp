// Good packets of every kind in every version, as bytes and as structs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mqttc/packet.hpp"

namespace mqttc::test {

struct Sample {
    std::string_view name;
    ProtocolVersion version;
    std::vector<std::uint8_t> bytes;
    Packet packet;  ///< its views point to static storage
};

const std::vector<Sample>& samples();

}  // namespace mqttc::test
