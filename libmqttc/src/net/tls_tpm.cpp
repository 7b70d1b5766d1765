// Inside the module: a client's key in a TPM, through OpenSSL's provider tpm2.
#include "tls_tpm.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <atomic>

#include "tls_explain.hpp"
#include "tls_files.hpp"
#include "tls_keys.hpp"

namespace mqttc::net {

namespace {

constexpr const char* tpm_signs = "?tpm2.signature=yes";
constexpr const char* no_preference = "";

std::atomic_bool openssl_ended = false;

void on_openssl_end() {
    openssl_ended = true;
}

int before_signature(SSL*, void* library) {
    return EVP_set_default_properties(static_cast<OSSL_LIB_CTX*>(library), tpm_signs);
}

void after_step(const SSL* ssl, int event, int) {
    if (event == SSL_CB_CONNECT_EXIT)
        EVP_set_default_properties(user_data(ssl).shared->tpm->get(), no_preference);
}

}  // namespace

// A client in static storage may be destroyed after OpenSSL's own end, when OSSL_LIB_CTX_free() would crash.
TpmLibrary::~TpmLibrary() {
    if (openssl_ended) return;
    if (tpm2_ != nullptr) OSSL_PROVIDER_unload(tpm2_);
    if (default_ != nullptr) OSSL_PROVIDER_unload(default_);
    OSSL_LIB_CTX_free(context_);
}

std::expected<void, Error> TpmLibrary::open(const std::string& uri) {
    const auto cannot_use = [&](const std::string& why) {
        return unusable("cannot use " + uri + ": " + why, Hint::client_key);
    };
    static const bool registered = OPENSSL_atexit(on_openssl_end) == 1;
    context_ = registered ? OSSL_LIB_CTX_new() : nullptr;
    if (context_ == nullptr) return cannot_use(queue_reason());
    // What both can do is done by the first one, unless a preference is set.
    default_ = OSSL_PROVIDER_load(context_, "default");
    if (default_ == nullptr) return cannot_use(queue_reason());
    ERR_clear_error();
    tpm2_ = OSSL_PROVIDER_load(context_, "tpm2");
    if (tpm2_ != nullptr) return {};
    if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_DSO)
        return cannot_use("OpenSSL's provider tpm2 is not installed (Debian's package tpm2-openssl)");
    return cannot_use("the TPM cannot be opened (is this user in the group tss? is TPM2OPENSSL_TCTI right?)");
}

const std::string* tpm_uri(const TlsOptions& options) {
    for (const std::string* name : {&options.key_file, &options.cert_file}) {
        if (name->starts_with(tpm_handle) && is_store_uri(*name)) return name;
    }
    return nullptr;
}

// OpenSSL signs with the first provider that knows the key's type, not with the key's own: without a preference the
// default provider would get the public half of the key, and fail. With a preference during the whole handshake the TPM
// would verify the server's signatures too: slowly, and not those of keys that it does not support (RSA of 4096 bits).
// OpenSSL calls the callback for the client's certificate after it has verified the server's signatures and before it
// chooses how the client signs; it signs in the same step, because TlsStream's BIO takes everything that is written.
void sign_in_tpm(SSL_CTX* context, const TpmLibrary& library) {
    SSL_CTX_set_cert_cb(context, before_signature, library.get());
    SSL_CTX_set_info_callback(context, after_step);
}

}  // namespace mqttc::net
