// Inside the module: settings become an SSL_CTX, and streams are made of it.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/descriptor.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "tls_explain.hpp"
#include "tls_files.hpp"
#include "tls_keys.hpp"
#include "tls_module.hpp"
#include "tls_stream.hpp"

namespace mqttc::net {

namespace {

Done set_ciphers(SSL_CTX* context, const TlsOptions& options) {
    // With a pre-shared key only ciphers that use it; those with forward secrecy first.
    // The callback supports only suites with SHA-256; a server that also has a certificate would choose another one.
    const bool psk = !options.psk_key.empty();
    if (psk && options.ciphers.empty() && SSL_CTX_set_cipher_list(context, "kECDHEPSK:kDHEPSK:kPSK") != 1) {
        return unusable("the TLS library has no ciphers for pre-shared keys");
    }
    if (psk && options.ciphersuites.empty()) {
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
    }
    // If the server sends no certificate there is nothing to verify.
    const std::string list = options.ciphers + (options.verify ? ":!aNULL:!eNULL" : "");
    if (!options.ciphers.empty() && SSL_CTX_set_cipher_list(context, list.c_str()) != 1) {
        return unusable("the TLS library knows no cipher of '" + options.ciphers +
                            (options.verify ? "' that encrypts and authenticates" : "'"),
                        Hint::ciphers);
    }
    if (!options.ciphersuites.empty() &&
        SSL_CTX_set_ciphersuites(context, options.ciphersuites.c_str()) != 1) {
        return unusable("the TLS library does not know the cipher suites '" + options.ciphersuites + "'",
                        Hint::ciphersuites);
    }
    return {};
}

// The key's bytes; an odd number of digits means a leading zero.
unsigned write_key(std::string_view hex, unsigned char* into, unsigned room) {
    const std::size_t size = (hex.size() + 1) / 2;
    if (size > room) return 0;
    std::memset(into, 0, size);
    const std::size_t skipped = hex.size() % 2;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        auto& byte = into[(i + skipped) / 2];
        byte = static_cast<unsigned char>(byte * 16 + hex_value(hex[i]));
    }
    return static_cast<unsigned>(size);
}

unsigned give_psk(SSL* ssl, const char*, char* identity, unsigned identity_room, unsigned char* key,
                  unsigned key_room) {
    const TlsOptions& options = user_data(ssl).shared->options;
    if (options.psk_identity.size() + 1 > identity_room) return 0;
    std::memcpy(identity, options.psk_identity.c_str(), options.psk_identity.size() + 1);
    return write_key(options.psk_key.view(), key, key_room);
}

Done set_psk(SSL_CTX* context, const TlsOptions& options) {
    if (options.psk_key.empty()) return {};
    if (options.psk_identity.size() >= PSK_MAX_IDENTITY_LEN) {
        return unusable(
            "the PSK identity is longer than " + std::to_string(PSK_MAX_IDENTITY_LEN - 1) + " bytes",
            Hint::psk_identity);
    }
    if (options.psk_key.view().size() > std::size_t{2} * PSK_MAX_PSK_LEN) {
        return unusable("the key is longer than " + std::to_string(PSK_MAX_PSK_LEN) + " bytes", Hint::psk);
    }
    if (!is_hex(options.psk_key.view())) {
        return unusable("the key is not hexadecimal", Hint::psk);
    }
    SSL_CTX_set_psk_client_callback(context, give_psk);
    return {};
}

void write_keylog(const SSL* ssl, const char* line) {
    // One write for a line: several programs may append to the file.
    try {
        const std::string whole = std::string(line) + '\n';
        [[maybe_unused]] const auto written =
            ::write(user_data(ssl).shared->keylog.get(), whole.data(), whole.size());
    } catch (const std::bad_alloc&) {
        return;
    }
}

Done open_keylog(SSL_CTX* context, Shared& shared) {
    const std::string& path = shared.options.keylog_file;
    if (path.empty()) return {};
    const int file =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (file < 0) {
        const std::string why = errno == ENXIO ? "no program reads this pipe" : errno_text(errno);
        return unusable("cannot write " + path + ": " + why, Hint::keylog_file);
    }
    shared.keylog = Descriptor(file);
    SSL_CTX_set_keylog_callback(context, write_keylog);
    return {};
}

Done set_alpn(SSL_CTX* context, const TlsOptions& options) {
    if (options.alpn.empty()) return {};
    if (options.alpn.size() > UINT8_MAX)
        return unusable("the ALPN protocol name is longer than 255 bytes", Hint::alpn);
    const std::string list = std::string(1, static_cast<char>(options.alpn.size())) + options.alpn;
    const auto* bytes = reinterpret_cast<const unsigned char*>(list.data());
    // Zero is success here.
    if (SSL_CTX_set_alpn_protos(context, bytes, static_cast<unsigned>(list.size())) != 0) {
        return unusable("the TLS library rejects the ALPN protocol name", Hint::alpn);
    }
    return {};
}

Done set_up(Shared& shared) {
    if (const std::string* uri = tpm_uri(shared.options)) {
        shared.tpm = std::make_unique<TpmLibrary>();
        if (auto opened = shared.tpm->open(*uri); !opened) return opened;
    }
    shared.context.reset(SSL_CTX_new_ex(library_of(shared), nullptr, TLS_client_method()));
    SSL_CTX* context = shared.context.get();
    if (context == nullptr) return unusable("the TLS library does not start: " + queue_reason());
    const TlsOptions& options = shared.options;
    SSL_CTX_set_min_proto_version(context,
                                  options.minimum == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    for (const auto& step : {set_ciphers, set_psk, set_alpn}) {
        if (auto done = step(context, options); !done) return done;
    }
    if (auto done = load_anchors(context, shared); !done) return done;
    if (auto done = load_own_certificate(context, shared); !done) return done;
    if (tpm_uri(options) == &options.key_file) sign_in_tpm(context, *shared.tpm);
    if (options.require_ocsp && options.verify) require_stapled_response(context);
    if (shared.late_bundle.empty()) shared.copies.clear();
    return open_keylog(context, shared);
}

bool expect_host(SSL* ssl, const std::string& host) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
    // A link-local address may have a zone.
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.substr(0, host.find('%')).c_str()) == 1) return true;
    ERR_clear_error();
    // A final dot says that the name is complete; certificates and SNI don't have it.
    const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    // OpenSSL takes an empty name for "any", and a dot at the front for "any name below".
    if (name.empty() || name.starts_with('.') || name.find("..") != std::string::npos) return false;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // A name too long for SNI cannot be in a certificate either.
    SSL_set_tlsext_host_name(ssl, name.c_str());
    return X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1;
}

// RFC 9525 section 6.3: with alternative names of any kind the common name is ignored. OpenSSL still compares it when
// none of them is a DNS name.
bool matches_by_common_name_only(X509_STORE_CTX* verification) {
    const char* host = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(verification), 0);
    X509* certificate = X509_STORE_CTX_get_current_cert(verification);
    return host != nullptr && X509_STORE_CTX_get_error_depth(verification) == 0 &&
           X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0 &&
           X509_check_host(certificate, host, 0,
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           nullptr) != 1;
}

int on_verify(int accepted, X509_STORE_CTX* verification) {
    if (accepted == 1) {
        if (!matches_by_common_name_only(verification)) return 1;
        X509_STORE_CTX_set_error(verification, X509_V_ERR_HOSTNAME_MISMATCH);
    }
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    try {
        user_data(ssl).handshake_context.verify_failure = describe_failure(verification);
    } catch (const std::bad_alloc&) {
        return 0;
    }
    return 0;
}

class Context final : public TlsContext {
  public:
    explicit Context(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    std::expected<StreamPtr, Error> wrap(StreamPtr lower, TlsPeer peer) override {
        return guarded([&] { return make(std::move(lower), std::move(peer)); });
    }

  private:
    std::expected<StreamPtr, Error> make(StreamPtr lower, TlsPeer peer) {
        SslPtr ssl(SSL_new(shared_->context.get()));
        if (!ssl) return unusable("the TLS library does not start: " + queue_reason());
        const TlsOptions& options = shared_->options;
        if (!options.server_name.empty()) peer.host = options.server_name;
        if (!expect_host(ssl.get(), peer.host)) {
            return unusable("'" + peer.host + "' is not a valid host name for a certificate");
        }
        auto data = std::make_shared<SslUserData>(
            SslUserData{shared_, {.options = options, .peer = std::move(peer)}});
        SSL_set_app_data(ssl.get(), data.get());
        SSL_set_verify(ssl.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       options.verify ? on_verify : nullptr);
        SSL_set_connect_state(ssl.get());
        return std::make_unique<TlsStream>(
            std::move(lower), std::move(ssl),
            [data](const TlsFailure& failure) { return explain_failure(failure, data->handshake_context); });
    }

    std::shared_ptr<Shared> shared_;
};

TlsResult open(const TlsOptions& options, Time pipe_deadline) {
    return guarded([&]() -> TlsResult {
        auto shared = std::make_shared<Shared>();
        shared->pipe_deadline = pipe_deadline;
        shared->options = options;
        if (auto done = set_up(*shared); !done) {
            Error error = std::move(done.error());
            error.context = without_pin(std::move(error.context));
            return std::unexpected(std::move(error));
        }
        return std::make_unique<Context>(std::move(shared));
    });
}

}  // namespace

}  // namespace mqttc::net

extern "C" MQTTC_API bool mqttc_tls_open(std::uint64_t abi, const mqttc::TlsOptions& options,
                                         mqttc::Time pipe_deadline, mqttc::net::TlsResult& result) {
    if (abi != mqttc::net::tls_module_abi) return false;
    result = mqttc::net::open(options, pipe_deadline);
    return true;
}
