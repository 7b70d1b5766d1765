// The library's errors in terms of the programs' options.
#pragma once

#include <string>
#include <string_view>

#include "mqttc/error.hpp"

namespace mqttc::app {

/// The error's context, and the option that may remedy it: "--cafile: cannot read ca.pem: …",
/// "… the server requires a client certificate (--cert and --key)".
/// `ca_file_option` gave the CA file.
std::string error_text(const Error& error, std::string_view ca_file_option = "--cafile");

}  // namespace mqttc::app
