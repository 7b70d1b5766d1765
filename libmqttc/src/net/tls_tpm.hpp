// Inside the module: a client's key in a TPM, through OpenSSL's provider tpm2.
#pragma once

#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"

namespace mqttc::net {

/// A library context of its own, with the providers default and tpm2: those of the process stay as they are.
class TpmLibrary {
  public:
    TpmLibrary() = default;
    ~TpmLibrary();
    TpmLibrary(const TpmLibrary&) = delete;
    TpmLibrary& operator=(const TpmLibrary&) = delete;

    /// `uri` is for the message.
    std::expected<void, Error> open(const std::string& uri);
    OSSL_LIB_CTX* get() const { return context_; }

  private:
    OSSL_LIB_CTX* context_ = nullptr;
    OSSL_PROVIDER* default_ = nullptr;
    OSSL_PROVIDER* tpm2_ = nullptr;
};

/// URIs of the provider tpm2 begin with this: handle:0x81000001.
inline constexpr std::string_view tpm_handle = "handle:";

/// The certificate or key that is in a TPM; null: neither.
const std::string* tpm_uri(const TlsOptions& options);

/// Lets the TPM sign for the client, and do nothing else. `context` was made with `library`.
void sign_in_tpm(SSL_CTX* context, const TpmLibrary& library);

}  // namespace mqttc::net
