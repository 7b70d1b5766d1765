// Inside the module: the certificate's revocation, by OCSP responses that the server staples.
#pragma once

#include <openssl/ssl.h>

namespace mqttc::net {

/// Asks for a stapled response on `ssl`, whose app data is SslUserData, and fails the handshake without a good one.
void require_stapled_response(SSL_CTX* context);

}  // namespace mqttc::net
