// --color, NO_COLOR, CLICOLOR_FORCE and TERM: whether output has colours, and the sequences of those in use.
#pragma once

#include <cstdint>
#include <string_view>

namespace mqttc::app {

enum class ColorMode : std::uint8_t { automatic, always, never };

/// Sequences for a terminal. `plain` ends each of the others.
namespace color {
inline constexpr std::string_view plain = "\033[0m";
inline constexpr std::string_view dim = "\033[2m";
inline constexpr std::string_view key = "\033[34m";
inline constexpr std::string_view text = "\033[32m";
inline constexpr std::string_view number = "\033[33m";
inline constexpr std::string_view word = "\033[35m";
}  // namespace color

/// Whether this terminal understands sequences: TERM is set, and isn't "dumb".
bool terminal_has_sequences();
/// Whether output is coloured. Automatic: to a terminal that understands sequences, unless NO_COLOR is set and not
/// empty; CLICOLOR_FORCE other than 0 colours elsewhere too.
bool wants_color(ColorMode mode, bool is_terminal);

}  // namespace mqttc::app
