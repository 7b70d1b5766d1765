// Asks for a secret on the terminal, or reads one from a descriptor.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::app {

/// Room that read_secret_line() needs after the longest line that is allowed, for a carriage return.
inline constexpr std::size_t line_ending_room = 1;
/// The error when the input ends before the line.
inline constexpr std::string_view end_of_input = "end of input";

/// Reads one line of `fd` without its ending into `into`, byte by byte so that nothing after it is
/// consumed. Returns its length. What doesn't fit is dropped: to detect a line that is too long, offer one byte more
/// than is allowed. Error: why, as the end of a sentence.
[[nodiscard]] std::expected<std::size_t, std::string> read_secret_line(int fd, std::span<char> into);

/// Shows `question` on the controlling terminal (or on stderr, reading standard input, when there is none)
/// and reads a line without echo, as read_secret_line() does. The terminal's state is restored on every signal;
/// then a signal that ends the program does so, and after one that stops it the question is asked again. A terminal
/// whose echo cannot be switched off is not read; without a terminal the error recommends `instead`.
[[nodiscard]] std::expected<std::size_t, std::string> ask_secret_line(std::string_view question,
                                                                      std::string_view instead,
                                                                      std::span<char> into);

}  // namespace mqttc::app
