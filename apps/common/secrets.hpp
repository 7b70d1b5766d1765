// Passwords and passphrases: from files, from the terminal without echo, from the environment; and wiped from arguments
// and environment.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

#include "command_line.hpp"
#include "options.hpp"

namespace mqttc::app {

/// Whether the first line of a file may be empty.
enum class EmptySecret : bool { refused, allowed };

/// The first line of a file, without its line end and a byte order mark. "-" is stdin. Error: one line, also for more
/// than max_string_bytes.
std::expected<Secret, std::string> read_secret_file(const std::string& path,
                                                    EmptySecret empty = EmptySecret::refused);

/// Replaces file and prompt by the secret itself: options.password becomes `given` or `none`, key passphrase
/// and PSK are read into options.tls; for an encrypted key
/// without a file for its passphrase, the user is asked. Error: one line.
std::expected<void, std::string> resolve_secrets(ConnectionOptions& options);

/// The secret among the option's values, by the row's secrecy; empty: none.
std::string_view secret_of(const ParsedOption& option);
/// Whether an option in a config file makes the file secret. Of headers, those with credentials do.
bool holds_secret(const ParsedOption& option);

/// Overwrites memory of the process's arguments or environment, so that the list of processes does not show the secret.
/// What is left of a URL still looks like one.
void wipe_argument(std::string_view secret, bool is_url);

}  // namespace mqttc::app
