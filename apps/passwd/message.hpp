// Output of the program: messages on stderr, text on stdout.
#pragma once

#include <span>
#include <string_view>

#include "failure.hpp"

namespace mqttc::passwd {

/// Writes all of `pieces` to `fd`. Returns 0 or an errno value; EINTR only if an InterruptGuard has caught a signal.
[[nodiscard]] int write_all(int fd, std::span<const std::string_view> pieces);

/// The name in messages, "mqtt_passwd" unless set; static storage.
void set_program_name(std::string_view name);
std::string_view program_name();

/// Writes "mqtt_passwd: TEXT" and a newline to stderr in one write, with control characters in TEXT escaped.
void print_message(std::string_view text);

/// Writes to stdout.
[[nodiscard]] Result<void> print(std::span<const std::string_view> pieces);
[[nodiscard]] inline Result<void> print(std::string_view text) {
    return print({&text, 1});
}

}  // namespace mqttc::passwd
