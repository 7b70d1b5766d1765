// TLS for servers, with the TlsStream of the library.
#include "tls_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tls_stream.hpp"

namespace mqttc::broker {
namespace {

struct Server {
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{nullptr, SSL_CTX_free};
    std::map<std::string, std::vector<unsigned char>> keys;  ///< by identity
    std::string alpn;                                        ///< as on the wire
};

using Done = std::expected<void, Error>;

/// The text of the first error if it is one of the system, otherwise of the last.
std::string reason() {
    const auto first = ERR_peek_error();
    const char* text = ERR_SYSTEM_ERROR(first) ? std::strerror(ERR_GET_REASON(first))
                                               : ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return text == nullptr ? "unknown reason" : text;
}

std::unexpected<Error> unusable(const std::string& what) {
    return std::unexpected(Error{ErrorCode::tls_config, 0, what + ": " + reason()});
}

unsigned find_psk(SSL* ssl, const char* identity, unsigned char* into, unsigned room) {
    const auto* server = static_cast<const Server*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto found = server->keys.find(identity == nullptr ? "" : identity);
    if (found == server->keys.end() || found->second.size() > room) return 0;
    std::memcpy(into, found->second.data(), found->second.size());
    return static_cast<unsigned>(found->second.size());
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void* context) {
    const std::string& ours = static_cast<const Server*>(context)->alpn;
    unsigned char* match = nullptr;
    const int result =
        SSL_select_next_proto(&match, length, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned>(ours.size()), offered, offered_length);
    *chosen = match;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Done load_keys(Server& server, const std::string& path) {
    std::ifstream file(path);
    if (!file)
        return std::unexpected(
            Error{ErrorCode::tls_config, 0, "cannot read " + path + ": " + std::strerror(errno)});
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(':');
        if (line.empty() || line[0] == '#') continue;
        long size = 0;
        unsigned char* bytes =
            colon == std::string::npos ? nullptr : OPENSSL_hexstr2buf(line.c_str() + colon + 1, &size);
        if (bytes == nullptr)
            return std::unexpected(
                Error{ErrorCode::tls_config, 0, path + ": a line is not 'identity:hexkey'"});
        server.keys[line.substr(0, colon)].assign(bytes, bytes + size);
        OPENSSL_free(bytes);
    }
    SSL_CTX* context = server.context.get();
    SSL_CTX_set_psk_server_callback(context, find_psk);
    if (SSL_CTX_set_cipher_list(context, "kECDHEPSK:kDHEPSK:kPSK:DEFAULT") != 1) return unusable("ciphers");
    return {};
}

int has_common_name(int good, X509_STORE_CTX* store) {
    if (good == 0 || X509_STORE_CTX_get_error_depth(store) != 0) return good;
    auto* subject = X509_get_subject_name(X509_STORE_CTX_get_current_cert(store));
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, -1) >= 0) return good;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

Done load_certificates(SSL_CTX* context, const TlsServerOptions& options) {
    if (!options.cert_file.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1)
            return unusable("cannot use the certificate " + options.cert_file);
        if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
            return unusable("cannot use the key " + options.key_file);
    }
    if (options.ca_file.empty()) return {};
    if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1)
        return unusable("cannot use the CA certificate " + options.ca_file);
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.ca_file.c_str()));
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | (options.require_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       options.require_common_name ? has_common_name : nullptr);
    return {};
}

int version_number(TlsVersion version) {
    return version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

Error explain(const net::TlsFailure& failure) {
    if (failure.kind == net::TlsFailure::Kind::lower) return failure.lower;
    if (failure.kind == net::TlsFailure::Kind::ended)
        return {ErrorCode::closed_by_peer, 0, "closed the connection"};
    return {ErrorCode::tls_failed, 0, "TLS: " + reason()};
}

}  // namespace

std::expected<StreamFactory, Error> make_tls_factory(const TlsServerOptions& options) {
    auto server = std::make_shared<Server>();
    server->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = server->context.get();
    if (context == nullptr) return unusable("cannot initialise OpenSSL");
    SSL_CTX_set_app_data(context, server.get());
    SSL_CTX_set_min_proto_version(context, version_number(options.minimum));
    SSL_CTX_set_max_proto_version(context, version_number(options.maximum));
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // Required for client certificates.
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("mqttc"), 5);
    if (!options.alpn.empty()) {
        server->alpn = std::string(1, static_cast<char>(options.alpn.size())) + options.alpn;
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, server.get());
    }
    if (options.weak && SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0") != 1) return unusable("ciphers");
    if (auto done = load_certificates(context, options); !done) return std::unexpected(done.error());
    if (!options.psk_file.empty()) {
        if (auto done = load_keys(*server, options.psk_file); !done) return std::unexpected(done.error());
        if (!options.psk_hint.empty() &&
            SSL_CTX_use_psk_identity_hint(context, options.psk_hint.c_str()) != 1)
            return unusable("cannot use the psk_hint");
    }
    return [server](int fd) -> net::StreamPtr {
        net::SslPtr ssl(SSL_new(server->context.get()));
        if (ssl == nullptr) std::abort();
        SSL_set_accept_state(ssl.get());
        // Streams share ownership of the server.
        return std::make_unique<net::TlsStream>(net::make_socket_stream(fd), std::move(ssl),
                                                [server](const auto& failure) { return explain(failure); });
    };
}

}  // namespace mqttc::broker
