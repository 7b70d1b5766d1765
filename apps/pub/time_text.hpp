// The time of a recorded message: "2026-11-22T12:47:57.123456+0100", as %j writes it under "tst".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mqttc::pub {

/// Nanoseconds since 1970-01-01 UTC. The fraction has up to nine digits or is missing; the zone is +hhmm,
/// +hh:mm or Z. None: not such a time, or outside the years 1678 to 2261.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace mqttc::pub
