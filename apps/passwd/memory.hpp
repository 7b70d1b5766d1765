// How much memory a hash may take.
#pragma once

#include <cstdint>

namespace mqttc::passwd {

/// Memory available without swapping, in KiB; 0 if unknown.
[[nodiscard]] std::uint64_t available_kib();

}  // namespace mqttc::passwd
