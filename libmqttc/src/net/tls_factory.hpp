// Loads the TLS module when it is first needed, so that a plain connection never maps OpenSSL.
#pragma once

#include "tls_module.hpp"

namespace mqttc::net {

/// Loads certificates, keys and settings. Errors: tls_config (a file or setting that cannot be used, or the
/// module itself is missing, or a pipe has not given its content at `pipe_deadline`).
TlsResult load_tls(const TlsOptions& options, Time pipe_deadline);

}  // namespace mqttc::net
