// --progress: how far a publishing run is, in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "input.hpp"
#include "mqttc/types.hpp"

namespace mqttc::pub {

/// A terminal is told this often how far the work is, and not before: shorter work needs no progress.
inline constexpr Duration progress_on_terminal = std::chrono::milliseconds(500);
inline constexpr Duration progress_patience = std::chrono::seconds(2);
/// What is not a terminal gets a line this often.
inline constexpr Duration progress_in_file = std::chrono::seconds(2);

struct ProgressFacts {
    std::uint64_t delivered = 0;         ///< messages
    std::optional<std::uint64_t> all{};  ///< messages, when that is known
    std::optional<Extent> bytes{};       ///< of the input, when its size is known
    Duration elapsed{};
};

/// "1200 of 5000 messages (24%), 600 messages/s, 0:06 left": by bytes when the number of messages is not known
/// or the messages are large, without share and time when the size is not known either.
std::string progress_text(const ProgressFacts& facts);

}  // namespace mqttc::pub
