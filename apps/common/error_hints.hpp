// The library's errors in terms of the programs' options.
#pragma once

#include <string>

#include "mqttc/error.hpp"

namespace mqttc::app {

/// The error's context, and the option that may remedy it: "--cafile: cannot read ca.pem: …",
/// "… the server requires a client certificate (--cert and --key)".
std::string error_text(const Error& error);

}  // namespace mqttc::app
