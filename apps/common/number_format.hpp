// Numbers for a reader: durations, sizes, rates and counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc::app {

/// "850 ns", "12.3 us", "1.25 ms", "3.40 s": three digits.
std::string duration_text(Duration duration);
/// "512 bytes", "1.5 kB", "12.3 MB", "4.0 GB" (powers of 1000).
std::string bytes_text(double bytes);
/// `count` per second of `duration`, as a whole number from 100 on, else with one decimal.
std::string rate_text(std::uint64_t count, Duration duration);
/// "100 messages delivered, 5.0 kB of payload in 2.00 s: 50.0 messages/s, 2.5 kB/s"; without the rates if no time has passed.
std::string throughput_text(std::uint64_t messages, std::string_view what, std::uint64_t bytes,
                            Duration took);
/// "1 message", "2 messages".
inline std::string count_text(std::uint64_t count, std::string_view singular) {
    return std::to_string(count).append(" ").append(singular).append(count == 1 ? "" : "s");
}

}  // namespace mqttc::app
