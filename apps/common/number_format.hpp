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
/// "1 message", "2 messages".
std::string count_text(std::uint64_t count, std::string_view singular);

}  // namespace mqttc::app
