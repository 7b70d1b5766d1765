// What both programs do first: read their options and turn them into a client's, reporting what is wrong.
#pragma once

#include <expected>
#include <string>

#include "mqttc/client.hpp"

#include "messages.hpp"
#include "options.hpp"

namespace mqttc::app {

/// Reads the options with the process's environment and files. --help and --version are printed; errors are written to
/// `messages`. Wipes secrets from argv. Error: the exit code to end with at once.
std::expected<PubOptions, int> start_pub(const CalledAs& called, int argc, char** argv, Messages& messages);
std::expected<SubOptions, int> start_sub(const CalledAs& called, int argc, char** argv, Messages& messages);

/// Reads secrets, applies the connection rules, writes their warnings. Error: the exit code to end with at once.
std::expected<ClientOptions, int> prepare_client(ConnectionOptions& options, Messages& messages);

}  // namespace mqttc::app
