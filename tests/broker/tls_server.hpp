// TLS on the broker's side: what turns accepted sockets into streams for ListenerOptions::make_stream.
#pragma once

#include <expected>
#include <string>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "options.hpp"

namespace mqttc::broker {

/// Paths name PEM files. Certificates or pre-shared keys, or both.
struct TlsServerOptions {
    std::string cert_file = {};
    std::string key_file = {};
    std::string ca_file = {};          ///< not empty: clients are asked for a certificate of this authority
    bool require_certificate = false;  ///< refuse clients without one
    bool require_common_name = false;  ///< refuse certificates of clients that have none
    std::string psk_file = {};         ///< lines "identity:hexkey"
    std::string psk_hint = {};         ///< told to clients before they choose a key (TLS 1.2)
    TlsVersion minimum = TlsVersion::v1_2;
    TlsVersion maximum = TlsVersion::v1_3;
    std::string alpn =
        {};  ///< not empty: the only application protocol; clients that offer others are refused
};

/// Loads the files. Error: tls_config.
std::expected<StreamFactory, Error> make_tls_factory(const TlsServerOptions& options);

}  // namespace mqttc::broker
