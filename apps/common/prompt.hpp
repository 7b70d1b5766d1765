// Asking for a secret on the terminal, and reading one from a descriptor.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::app {

/// Room that read_secret_line() needs behind the longest line that is allowed, for a carriage return.
inline constexpr std::size_t line_ending_room = 1;
/// The error when the line's first byte never came.
inline constexpr std::string_view end_of_input = "end of input";

/// Reads one line of `fd` without its ending into `into`, byte by byte so that nothing behind it is
/// swallowed. Returns its length. What finds no room is dropped: a result longer than allowed tells that the
/// line was too long, so offer one byte more than that. Error: why, as the end of a sentence.
[[nodiscard]] std::expected<std::size_t, std::string> read_secret_line(int fd, std::span<char> into);

/// Shows `question` on the controlling terminal (or on stderr, reading standard input, when there is none)
/// and reads a line without echo, as read_secret_line() does. The terminal is put back as it was whatever
/// signal comes; a signal that ends the program then does so, one that stops it makes the question come again
/// after. A terminal whose echo cannot be switched off is not read; when there is none the error recommends
/// `instead`.
[[nodiscard]] std::expected<std::size_t, std::string> ask_secret_line(std::string_view question,
                                                                      std::string_view instead,
                                                                      std::span<char> into);

}  // namespace mqttc::app
