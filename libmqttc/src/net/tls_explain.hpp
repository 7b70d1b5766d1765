// What OpenSSL's codes mean for a person: causes and remedies of failed handshakes and unusable files.
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "tls_module.hpp"
#include "tls_stream.hpp"

namespace mqttc::net {

/// The first objection to the other side's certificates, noted while the chain was at hand.
struct VerifyFailure {
    int code = 0;         ///< X509_V_ERR_…; 0 = none
    int depth = 0;        ///< 0 = the server's own certificate
    std::string subject;  ///< "CN=broker.example"
    std::string issuer;
    std::string not_before;  ///< "2026-01-02"
    std::string not_after;
    std::string names;  ///< "a.example, b.example"
};

/// Of the certificate that the verification stands at.
VerifyFailure note_failure(X509_STORE_CTX* verification);

/// What the client brought to the handshake; decides which remedy is worth naming.
struct ClientHand {
    TlsPeer peer;
    bool own_anchors = false;  ///< a CA file or directory was given
    bool certificate = false;
    bool psk = false;
    VerifyFailure objection;
};

/// The error of a failure, from OpenSSL's queue (which is emptied) and what the client brought.
Error explain_failure(const TlsFailure& failure, const ClientHand& hand);

/// The reason of the oldest error in OpenSSL's queue (which is emptied): "no start line".
std::string queue_reason();

}  // namespace mqttc::net
