// Inside the module: what the settings of a context become, and the files that they name.
#pragma once

#include <openssl/ssl.h>

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "tls_explain.hpp"
#include "tls_module.hpp"
#include "tls_tpm.hpp"

namespace mqttc::net {

using Done = std::expected<void, Error>;

/// Shared by the streams of a context, which may outlive it.
struct Shared {
    std::unique_ptr<TpmLibrary> tpm;  ///< null: no certificate or key is in a TPM
    std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>> context;
    TlsOptions options;
    Descriptor keylog;
    Time pipe_deadline{};            ///< how long pipes may take to give what they have
    std::vector<Descriptor> copies;  ///< of pipes, while files are loaded
    std::string late_bundle;         ///< read when the directory has no answer
};

/// What OpenSSL's callbacks get from an SSL object.
struct SslUserData {
    std::shared_ptr<Shared> shared;
    HandshakeContext handshake_context;
};

inline SslUserData& user_data(const SSL* ssl) {
    return *static_cast<SslUserData*>(SSL_get_app_data(ssl));
}

/// A tls_config error. Empties OpenSSL's queue.
std::unexpected<Error> unusable(std::string why, Hint hint = Hint::none);

/// The path of a file for OpenSSL: of the file itself, or of a copy of what a pipe gives. Error: it cannot be read.
std::expected<std::string, Error> usable_file(const std::string& path, Hint hint, Shared& shared);

/// The library context for it; null: that of the process.
inline OSSL_LIB_CTX* library_of(const Shared& shared) {
    return shared.tpm ? shared.tpm->get() : nullptr;
}

/// Loads ca_file, ca_path or the system's store, and the revocation lists.
Done load_anchors(SSL_CTX* context, Shared& shared);
/// Loads the client's certificate and key, and wipes the passphrase.
Done load_own_certificate(SSL_CTX* context, Shared& shared);

/// Requests a stapled OCSP response (tls_revocation.cpp); without a good one the handshake fails.
void require_stapled_response(SSL_CTX* context);

}  // namespace mqttc::net
