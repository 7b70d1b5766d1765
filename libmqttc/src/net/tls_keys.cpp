// OpenSSL's store and engines. Engines are deprecated in OpenSSL 3, but Debian 12 has no other way to a PKCS#11 token.
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE_...
#include "tls_keys.hpp"

#include <openssl/bio.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "tls_explain.hpp"
#include "tls_tpm.hpp"

namespace mqttc::net {
namespace {

std::unexpected<Error> cannot_use(const std::string& what, std::string why, Hint hint) {
    ERR_clear_error();
    return std::unexpected(
        Error{ErrorCode::tls_config, 0, "cannot use " + what + ": " + std::move(why), hint});
}

using UiPtr = std::unique_ptr<UI_METHOD, FreeWith<UI_destroy_method>>;

int answer_passphrase(char* into, int size, int, void* secret) {
    const auto phrase = static_cast<Secret*>(secret)->view();
    if (phrase.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(into, phrase.data(), phrase.size());
    return static_cast<int>(phrase.size());
}

bool has_private_key(X509* certificate, EVP_PKEY* key) {
    const bool matches = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    return matches;
}

std::expected<KeyStore, Error> read_all(OSSL_STORE_CTX* store, const std::string& what, Hint hint) {
    KeyStore found;
    unsigned long first_error = 0;
    while (OSSL_STORE_eof(store) == 0) {
        OSSL_STORE_INFO* info = OSSL_STORE_load(store);
        if (info == nullptr) {
            if (first_error == 0) first_error = ERR_peek_error();
            if (OSSL_STORE_error(store) != 0) break;
            continue;
        }
        const int type = OSSL_STORE_INFO_get_type(info);
        if (type == OSSL_STORE_INFO_PKEY && !found.key) found.key.reset(OSSL_STORE_INFO_get1_PKEY(info));
        if (type == OSSL_STORE_INFO_CERT) found.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info));
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    if (found.certificates.empty() && !found.key) {
        const int library = ERR_GET_LIB(first_error);
        if (library == ERR_LIB_PKCS12 || library == ERR_LIB_PROV || library == ERR_LIB_OSSL_STORE)
            return cannot_use(what, "the passphrase does not open it", hint);
        return cannot_use(what, first_error == 0 ? "it has no certificate and no key" : queue_reason(), hint);
    }
    ERR_clear_error();
    // The order in PKCS#12 files is not defined.
    const auto own = std::ranges::find_if(found.certificates, [&](const CertificatePtr& one) {
        return found.key && has_private_key(one.get(), found.key.get());
    });
    if (own != found.certificates.end()) std::rotate(found.certificates.begin(), own, own + 1);
    return found;
}

// The default provider is no longer loaded by itself when another one is.
bool has_pkcs11_provider() {
    if (OSSL_PROVIDER_available(nullptr, "pkcs11") == 1) return true;
    const bool loaded = OSSL_PROVIDER_load(nullptr, "pkcs11") != nullptr;
    if (loaded) OSSL_PROVIDER_load(nullptr, "default");
    ERR_clear_error();
    return loaded;
}

struct EngineDeleter {
    void operator()(ENGINE* engine) const {
        ENGINE_finish(engine);
        ENGINE_free(engine);
    }
};
using EnginePtr = std::unique_ptr<ENGINE, EngineDeleter>;

std::expected<EnginePtr, Error> open_engine(const std::string& name, const Secret& pin) {
    ENGINE_load_builtin_engines();
    ENGINE* engine = ENGINE_by_id(name.c_str());
    if (engine == nullptr) return cannot_use("the engine " + name, "it is not installed", Hint::tls_engine);
    if (ENGINE_init(engine) != 1) {
        ENGINE_free(engine);
        return cannot_use("the engine " + name, queue_reason(), Hint::tls_engine);
    }
    EnginePtr open(engine);
    // It would write to stderr; another engine may not have the command.
    ENGINE_ctrl_cmd(engine, "QUIET", 0, nullptr, nullptr, 1);
    // ENGINE_ctrl_cmd_string takes a string that ends with NUL.
    if (!pin.empty()) {
        std::string text(pin.view());
        const int set = ENGINE_ctrl_cmd_string(engine, "PIN", text.c_str(), 0);
        OPENSSL_cleanse(text.data(), text.size());
        if (set != 1) return cannot_use("the engine " + name, "it takes no passphrase", Hint::tls_engine);
    }
    return open;
}

// An engine that gets no PIN from us would ask on the terminal, and nothing could end that.
KeyPtr load_engine_key(ENGINE* engine, const std::string& id, Secret& pin) {
    const UiPtr ui(UI_UTIL_wrap_read_pem_callback(answer_passphrase, 0));
    return KeyPtr(ENGINE_load_private_key(engine, id.c_str(), ui.get(), &pin));
}

// A certificate of the token; libp11's engine has a command for it.
CertificatePtr load_engine_certificate(ENGINE* engine, const std::string& id) {
    struct {
        const char* id;
        X509* certificate;
    } request{.id = id.c_str(), .certificate = nullptr};
    ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &request, nullptr, 1);
    ERR_clear_error();
    return CertificatePtr(request.certificate);
}

constexpr std::string_view pkcs11 = "pkcs11:";

std::expected<KeyStore, Error> read_token(const std::string& uri, Secret& pin, Hint hint) {
    const auto engine = open_engine("pkcs11", pin);
    if (!engine) {
        return cannot_use(uri, "neither the provider nor the engine pkcs11 is installed", hint);
    }
    KeyStore found;
    if (hint == Hint::client_key) {
        found.key = load_engine_key(engine->get(), uri, pin);
    } else if (auto certificate = load_engine_certificate(engine->get(), uri)) {
        found.certificates.push_back(std::move(certificate));
    }
    if (found.key || !found.certificates.empty()) {
        ERR_clear_error();
        return found;
    }
    return cannot_use(uri,
                      pin.empty() ? "the token has no such object, or needs its PIN"
                                  : "the token has no such object, or another PIN",
                      hint);
}

}  // namespace

std::string without_pin(std::string text) {
    constexpr std::string_view name = "pin-value=";
    for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at)) {
        at += name.size();
        std::size_t end = std::min(text.find_first_of("&; ", at), text.size());
        // The colon of the message.
        if (end < text.size() && text[end] == ' ' && end > at && text[end - 1] == ':') --end;
        text.erase(at, end - at);
    }
    return text;
}

bool is_store_uri(const std::string& name) {
    const std::string_view scheme = std::string_view(name).substr(0, name.find(':'));
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    // One letter may be a drive in a path.
    if (scheme.size() == name.size() || scheme.size() < 2) return false;
    if (scheme.find_first_not_of(letters) != scheme.npos) return false;
    return ::access(name.c_str(), F_OK) != 0;
}

bool is_pem(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    // An ASN.1 SEQUENCE is how DER and PKCS#12 begin: 0x30, and its length in one byte or more. A text may begin with '0'.
    if (file.get() != 0x30) return true;
    const int length = file.get();
    file.seekg(0, std::ios::end);
    return (length & 0x80) == 0 && file.tellg() != length + 2;
}

std::expected<KeyStore, Error> read_key_file(const std::string& path, const std::string& name,
                                             Secret& passphrase, Hint hint) {
    const UiPtr ui(UI_UTIL_wrap_read_pem_callback(answer_passphrase, 0));
    BIO* file = BIO_new_file(path.c_str(), "rb");
    OSSL_STORE_CTX* store = file == nullptr ? nullptr
                                            : OSSL_STORE_attach(file, "file", nullptr, nullptr, ui.get(),
                                                                &passphrase, nullptr, nullptr, nullptr);
    if (store == nullptr) {
        BIO_free(file);
        return cannot_use(name, queue_reason(), hint);
    }
    auto found = read_all(store, name, hint);
    BIO_free(file);
    return found;
}

std::expected<KeyStore, Error> read_store_uri(const std::string& uri, Secret& passphrase, Hint hint,
                                              OSSL_LIB_CTX* library) {
    if (uri.starts_with(pkcs11) && !has_pkcs11_provider()) return read_token(uri, passphrase, hint);
    const UiPtr ui(UI_UTIL_wrap_read_pem_callback(answer_passphrase, 0));
    const bool in_tpm = uri.starts_with(tpm_handle);
    // Without it the provider tpm2 asks for no password.
    const bool add_pass =
        in_tpm && hint == Hint::client_key && !passphrase.empty() && uri.find('?') == uri.npos;
    OSSL_STORE_CTX* store = OSSL_STORE_open_ex((add_pass ? uri + "?pass" : uri).c_str(), library, nullptr,
                                               ui.get(), &passphrase, nullptr, nullptr, nullptr);
    if (store == nullptr)
        return cannot_use(uri, in_tpm ? "it is not a handle such as handle:0x81000001" : queue_reason(),
                          hint);
    auto found = read_all(store, uri, hint);
    if (!found && in_tpm)
        return cannot_use(uri, "the TPM has nothing there (to list its keys: tpm2_getcap handles-persistent)",
                          hint);
    return found;
}

std::expected<KeyPtr, Error> engine_key(const std::string& name, const std::string& id, Secret& pin) {
    const auto engine = open_engine(name, pin);
    if (!engine) return std::unexpected(engine.error());
    KeyPtr key = load_engine_key(engine->get(), id, pin);
    if (!key) return cannot_use("the key " + id + " of the engine " + name, queue_reason(), Hint::client_key);
    ERR_clear_error();
    return key;
}

}  // namespace mqttc::net
