// TLS for the broker: factories for ListenerOptions::make_stream.
#pragma once

#include <expected>
#include <string>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "options.hpp"

namespace mqttc::broker {

/// Paths of PEM files. Certificates, pre-shared keys, or both.
struct TlsServerOptions {
    std::string cert_file = {};
    std::string key_file = {};
    std::string ca_file = {};          ///< not empty: client certificates of this CA are requested
    bool require_certificate = false;  ///< refuse clients without one
    bool require_common_name = false;  ///< refuse client certificates without a common name
    std::string psk_file = {};         ///< lines "identity:hexkey"
    std::string psk_hint = {};         ///< sent to clients before they choose a key (TLS 1.2)
    TlsVersion minimum = TlsVersion::v1_2;
    TlsVersion maximum = TlsVersion::v1_3;
    bool weak = false;  ///< short keys, old signatures and ciphers without certificates are used
    /// Not empty: the only application protocol; clients that offer others only are refused.
    std::string alpn = {};
};

/// Loads the files. Error: tls_config.
std::expected<StreamFactory, Error> make_tls_factory(const TlsServerOptions& options);

}  // namespace mqttc::broker
