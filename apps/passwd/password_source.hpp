// Where the password comes from: command line, terminal, standard input.
#pragma once

#include "failure.hpp"
#include "options.hpp"
#include "secret.hpp"

namespace mqttc::passwd {

/// A password to be set. Asked for twice, on the terminal or as two lines of standard input, unless
/// the options say otherwise. Never empty. Wipes the command line's copy.
[[nodiscard]] Result<Secret> new_password(const Options& options);

/// A password to be checked: asked for once.
[[nodiscard]] Result<Secret> claimed_password(const Options& options);

}  // namespace mqttc::passwd
