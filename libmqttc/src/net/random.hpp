// Chance from the kernel, for orders and delays.
#pragma once

#include <sys/random.h>

#include <cstdint>

namespace mqttc::net {

/// A number in [0, 1).
inline double random_unit() {
    std::uint32_t number = 0;
    [[maybe_unused]] const auto got = getrandom(&number, sizeof number, 0);
    return static_cast<double>(number) / 4294967296.0;
}

}  // namespace mqttc::net
