// --progress: the progress of a publishing run, in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "input.hpp"
#include "mqttc/types.hpp"

namespace mqttc::pub {

/// How often progress is shown on a terminal, and when it is first shown: shorter runs need none.
inline constexpr Duration progress_on_terminal = std::chrono::milliseconds(500);
inline constexpr Duration progress_delay = std::chrono::seconds(2);
/// The same with --progress.
inline constexpr Duration requested_progress_delay = std::chrono::milliseconds(200);
/// How often a line is written elsewhere.
inline constexpr Duration progress_in_file = std::chrono::seconds(2);

struct ProgressFacts {
    std::uint64_t delivered = 0;         ///< messages
    std::optional<std::uint64_t> all{};  ///< messages, when that is known
    std::optional<Extent> bytes{};       ///< of the input, when its size is known
    Duration elapsed{};
};

/// A bar "[=====>    ] " for a terminal; empty when the end is unknown.
std::string progress_bar(const ProgressFacts& facts);

/// "1200 of 5000 messages (24%), 600 messages/s, 0:06 left": by bytes when the number of messages is
/// unknown or the messages are large, without percentage and remaining time when the size is unknown, too.
std::string progress_text(const ProgressFacts& facts);

}  // namespace mqttc::pub
