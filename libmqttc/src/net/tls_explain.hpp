// What OpenSSL's codes mean to the user: causes and remedies of failed handshakes and unusable files.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "tls_module.hpp"
#include "tls_stream.hpp"

namespace mqttc::net {

/// The first failure in the verification of the server's certificates.
struct VerifyFailure {
    int code = 0;         ///< X509_V_ERR_…; 0 = none
    int depth = 0;        ///< 0 = the server's own certificate
    std::string subject;  ///< "CN=broker.example"
    std::string issuer;
    std::string not_before;  ///< "2026-01-02"
    std::string not_after;
    std::string names;   ///< "a.example, b.example"
    bool alone = false;  ///< the server sent its own certificate and no other
};

/// Describes the certificate that verification failed at.
VerifyFailure describe_failure(X509_STORE_CTX* verification);

/// The client's side of the handshake; decides which remedy is useful.
struct HandshakeContext {
    bool psk() const { return !options.psk_key.empty(); }

    const TlsOptions& options;
    TlsPeer peer;
    VerifyFailure verify_failure = {};
    std::string ocsp_failure = {};
};

/// The error of a failure, from OpenSSL's queue (which is emptied) and the client's settings.
Error explain_failure(const TlsFailure& failure, const HandshakeContext& handshake_context);

/// The reason of the oldest error in OpenSSL's queue (which is emptied): "no start line".
std::string queue_reason();

}  // namespace mqttc::net
