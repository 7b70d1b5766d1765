// The source of the password: command line, terminal or standard input.
#pragma once

#include "failure.hpp"
#include "options.hpp"
#include "secret.hpp"

namespace mqttc::passwd {

/// A new password. Read twice, from the terminal or as two lines of standard input, unless the options say otherwise.
/// Never empty. Wipes the copy on the command line.
[[nodiscard]] Result<Secret> new_password(const Options& options);

/// A password to verify. Read once.
[[nodiscard]] Result<Secret> password_to_verify(const Options& options);

}  // namespace mqttc::passwd
