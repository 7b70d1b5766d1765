// Random numbers from the kernel.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <span>
#include <type_traits>

namespace mqttc {

/// Fit for keys; cannot fail.
inline void fill_random(std::span<std::uint8_t> bytes) {
    arc4random_buf(bytes.data(), bytes.size());
}

/// A number, or an array of them, with random bits.
template <typename T>
    requires std::is_trivially_copyable_v<T>
T random_value() {
    T value;
    arc4random_buf(&value, sizeof value);
    return value;
}

/// A number in [0, 1).
inline double random_unit() {
    return static_cast<double>(arc4random()) / 4294967296.0;
}

}  // namespace mqttc
