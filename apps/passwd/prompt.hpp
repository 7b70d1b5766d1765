// Asking for a password on the terminal.
#pragma once

#include <string_view>

#include "failure.hpp"
#include "secret.hpp"

namespace mqttc::passwd {

/// Shows `question` on the controlling terminal (or on stderr, reading standard input, when there is
/// none) and reads a line without echo. The terminal is put back as it was whatever signal comes; a
/// signal that ends the program then does so, one that stops it makes the question come again after.
[[nodiscard]] Result<Secret> prompt_password(std::string_view question);

/// One line of `fd` without its ending, read byte by byte so that nothing behind it is swallowed.
/// Fails at end of file if there was no byte at all.
[[nodiscard]] Result<Secret> read_password_line(int fd);

}  // namespace mqttc::passwd
