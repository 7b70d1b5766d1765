// Passwords and passphrases: from files, from the terminal without echo, from the environment; and wiped from
// argv.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

#include "options.hpp"
#include "tokenize.hpp"

namespace mqttc::app {

/// Longest secret that is read, bytes (the protocol's limit for a password).
inline constexpr std::size_t max_secret_bytes = 65'535;

/// The first line of a file, without its line end. "-" is stdin. Error: one line for people.
std::expected<Secret, std::string> read_secret_file(const std::string& path);
/// Asks on the terminal without echo, as ask_secret_line() does. Error: one line for people.
std::expected<Secret, std::string> ask_secret(std::string_view prompt, std::string_view instead);

/// Replaces file and prompt by the secret itself: settings.password becomes `given` or `none`, key passphrase
/// and PSK are read into settings.tls; an encrypted key without a file for its passphrase asks. Error: one
/// line for people.
std::expected<void, std::string> resolve_secrets(ConnectionSettings& settings);

/// Overwrites what the option rows call secret (-P, --psk, the passwords in -L and --proxy, ...) in the process's
/// arguments, so that other users don't see them in the list of processes. Call it when the options have been
/// parsed.
void wipe_arguments(Program program, std::span<char*> arguments);

/// Whether the option holds one of those; most headers are none.
bool holds_secret(const Occurrence& option);

}  // namespace mqttc::app
