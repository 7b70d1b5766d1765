// The source of the password: command line, terminal or standard input.
#pragma once

#include "failure.hpp"
#include "locked_secret.hpp"
#include "options.hpp"

namespace mqttc::passwd {

/// A new password. Read twice, from the terminal or as two lines of standard input, unless the options say otherwise.
/// Never empty. Wipes the copy on the command line.
[[nodiscard]] Result<LockedSecret> new_password(const Options& options);

/// A password to verify. Read once.
[[nodiscard]] Result<LockedSecret> password_to_verify(const Options& options);

}  // namespace mqttc::passwd
