// What mqtt_pub --stamp writes before a payload and mqtt_sub --stats reads: run, number and time.
//
// A stamp is 50 bytes of ASCII of fixed width, spaces included:
//
//     stamp1 9f86d081 000000000042 1792310400.123456789 the payload
//            run      number       seconds.nanoseconds
//
// run: 8 lower-case hexadecimal digits, chosen at random when mqtt_pub starts; distinguishes publishers.
// number: 1 for the first message of the run, then one more for each (a message published to three topics has three
// numbers). time: when the message was given to the session, Unix time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc::app {

struct PayloadStamp {
    std::uint32_t run = 0;
    std::uint64_t number = 0;      ///< up to max_stamp_number
    std::int64_t nanoseconds = 0;  ///< Unix time, from 0 up to the year 2262
    bool operator==(const PayloadStamp&) const = default;
};

inline constexpr std::size_t stamp_size = 50;
inline constexpr std::uint64_t max_stamp_number = 999'999'999'999;

/// Numbers over max_stamp_number start again at 0, times out of range are written as 0.
std::array<char, stamp_size> encode_stamp(const PayloadStamp& stamp);

/// The stamp at the start of `payload`; what follows it is payload.substr(stamp_size). None: there is no stamp.
std::optional<PayloadStamp> parse_stamp(std::string_view payload);

}  // namespace mqttc::app
