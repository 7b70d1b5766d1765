// Inside the module: certificates, keys and settings become an SSL_CTX, and streams are made of it.
#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "tls_explain.hpp"
#include "tls_module.hpp"
#include "tls_stream.hpp"

namespace mqttc::net {

namespace {

using Done = std::expected<void, Error>;

// How long a pipe may take to give a certificate or a key, and how often signals are looked for meanwhile.
constexpr std::chrono::milliseconds pipe_step{50};
constexpr std::size_t max_from_pipe = std::size_t{16} * 1024 * 1024;

std::unexpected<Error> unusable(std::string why, Hint hint = Hint::none) {
    ERR_clear_error();
    return std::unexpected(Error{ErrorCode::tls_config, 0, std::move(why), hint});
}

struct ContextDeleter {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// Shared by the streams of a context, which may outlive it.
struct Shared {
    std::unique_ptr<SSL_CTX, ContextDeleter> context;
    TlsOptions options;
    Descriptor keylog;
    std::vector<Descriptor> copies;  ///< of pipes, while files are loaded
    Time pipe_deadline{};            ///< until then they are read
    std::string late_bundle;         ///< read when the directory has no answer
};

// What OpenSSL's callbacks get from an SSL object.
struct SslUserData {
    std::shared_ptr<Shared> shared;
    HandshakeContext handshake_context;
};

SslUserData& user_data(const SSL* ssl) {
    return *static_cast<SslUserData*>(SSL_get_app_data(ssl));
}

// 0, or why the file cannot be read.
int readable(const std::string& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char byte = 0;
    return !fd || ::read(fd.get(), &byte, 1) < 0 ? errno : 0;
}

// OpenSSL would wait for a pipe's writer without end, so what a pipe gives is copied.
std::expected<std::string, std::string> copy_of_pipe(const std::string& path, Shared& shared) {
    const Descriptor pipe(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    Descriptor& copy = shared.copies.emplace_back(::memfd_create("mqttc", MFD_CLOEXEC));
    if (!pipe || !copy) return std::unexpected(errno_text(errno));
    const Time start = std::chrono::steady_clock::now();
    std::size_t size = 0;
    for (;;) {
        char bytes[4096];
        const ssize_t count = ::read(pipe.get(), bytes, sizeof bytes);
        if (count < 0 && errno != EAGAIN) return std::unexpected(errno_text(errno));
        if (count > 0) {
            if (::write(copy.get(), bytes, static_cast<std::size_t>(count)) != count)
                return std::unexpected(errno_text(errno));
            size += static_cast<std::size_t>(count);
            if (size > max_from_pipe) return std::unexpected(std::string("the pipe gives more than 16 MiB"));
            continue;
        }
        if (count == 0 && size > 0) return "/proc/self/fd/" + std::to_string(copy.get());
        // A pipe without a writer is at its end, too.
        pollfd waiting{.fd = count < 0 ? pipe.get() : -1, .events = POLLIN, .revents = 0};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            shared.pipe_deadline - std::chrono::steady_clock::now());
        ::poll(&waiting, 1,
               static_cast<int>(
                   std::clamp(left + std::chrono::milliseconds(1), std::chrono::milliseconds(0), pipe_step)
                       .count()));
        // The caller may have blocked the signals that it handles in its loop.
        sigset_t pending;
        if (::sigpending(&pending) == 0 && ::sigisemptyset(&pending) == 0)
            return std::unexpected(std::string("interrupted by a signal"));
        if (std::chrono::steady_clock::now() >= shared.pipe_deadline) {
            const auto waited = std::chrono::round<std::chrono::duration<std::int64_t, std::deci>>(
                shared.pipe_deadline - start);
            return std::unexpected("nothing was written to this pipe within " + seconds_text(waited));
        }
    }
}

// The path for OpenSSL.
std::expected<std::string, Error> usable_file(const std::string& path, Hint hint, Shared& shared) {
    const auto cannot_read = [&](const std::string& why) {
        return unusable("cannot read " + path + ": " + why, hint);
    };
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) {
        auto copy = copy_of_pipe(path, shared);
        if (!copy) return cannot_read(copy.error());
        return std::move(*copy);
    }
    if (const int error = readable(path); error != 0) return cannot_read(errno_text(error));
    return path;
}

// Whether OpenSSL's queue begins or ends with that error: layers above add errors of their own.
bool queue_has(int library, int reason) {
    const auto is = [&](unsigned long code) {
        return ERR_GET_LIB(code) == library && ERR_GET_REASON(code) == reason;
    };
    return is(ERR_peek_error()) || is(ERR_peek_last_error());
}

// Why OpenSSL took no certificate of a file.
std::unexpected<Error> no_certificate(const std::string& path, Hint hint) {
    if (queue_has(ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL) || queue_has(ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL) ||
        queue_has(ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK))
        return unusable("the key or signature of the certificate " + path + " is too weak", Hint::weak_key);
    const bool empty = queue_has(ERR_LIB_PEM, PEM_R_NO_START_LINE) ||
                       queue_has(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
    return unusable((empty ? "no certificate in " + path : "cannot use " + path + ": " + queue_reason()) +
                        " (expected PEM)",
                    hint);
}

// A name as c_rehash makes it: eight hex digits, a dot, a number.
bool hashed_name(const char* name) {
    constexpr int digits = 8;
    for (int i = 0; i < digits; ++i) {
        if (hex_value(name[i]) < 0) return false;
    }
    return name[digits] == '.' && is_digit(name[digits + 1]);
}

bool has_hashes(const char* directory) {
    DIR* entries = ::opendir(directory);
    if (entries == nullptr) return false;
    bool found = false;
    while (const dirent* entry = ::readdir(entries)) {
        found = hashed_name(entry->d_name);
        if (found) break;
    }
    ::closedir(entries);
    return found;
}

// The bundle costs 30 to 40 ms, the directory a tenth of one: each certificate is read when it is needed.
int find_issuer(X509** issuer, X509_STORE_CTX* verification, X509* certificate) {
    const int found = X509_STORE_CTX_get1_issuer(issuer, verification, certificate);
    if (found != 0) return found;
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
    std::string& bundle = user_data(ssl).shared->late_bundle;
    if (bundle.empty()) return 0;
    X509_STORE_load_file(X509_STORE_CTX_get0_store(verification), bundle.c_str());
    bundle.clear();
    return X509_STORE_CTX_get1_issuer(issuer, verification, certificate);
}

Done load_system_store(SSL_CTX* context, Shared& shared) {
    const char* file = ::secure_getenv(X509_get_default_cert_file_env());
    const char* directory = ::secure_getenv(X509_get_default_cert_dir_env());
    std::string usable;
    if (file != nullptr) {
        auto found = usable_file(file, Hint::none, shared);
        if (!found) {
            found.error().context.insert(0, std::string(X509_get_default_cert_file_env()) + ": ");
            return std::unexpected(std::move(found.error()));
        }
        usable = std::move(*found);
    }
    if (directory != nullptr && SSL_CTX_load_verify_dir(context, directory) != 1) {
        return unusable(std::string(X509_get_default_cert_dir_env()) + ": cannot use " + directory);
    }
    if (file != nullptr && directory != nullptr && has_hashes(directory)) {
        shared.late_bundle = usable;
        X509_STORE_set_get_issuer(SSL_CTX_get_cert_store(context), find_issuer);
    } else if (file != nullptr && SSL_CTX_load_verify_file(context, usable.c_str()) != 1) {
        return unusable(std::string(X509_get_default_cert_file_env()) + ": no CA certificate in " + file);
    }
    if (file != nullptr || directory != nullptr) return {};
    for (const char* place : {X509_get_default_cert_dir(), "/etc/ssl/certs", "/etc/pki/tls/certs"}) {
        if (has_hashes(place) && SSL_CTX_load_verify_dir(context, place) == 1) return {};
    }
    for (const char* place :
         {X509_get_default_cert_file(), "/etc/ssl/certs/ca-certificates.crt",
          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
        if (::access(place, R_OK) == 0 && SSL_CTX_load_verify_file(context, place) == 1) return {};
    }
    return unusable("this system has no CA certificates", Hint::system_ca);
}

Done load_anchors(SSL_CTX* context, Shared& shared) {
    const TlsOptions& options = shared.options;
    if (!options.verify) return {};
    if (!options.ca_file.empty()) {
        const auto file = usable_file(options.ca_file, Hint::ca_file, shared);
        if (!file) return std::unexpected(file.error());
        if (SSL_CTX_load_verify_file(context, file->c_str()) != 1)
            return no_certificate(options.ca_file, Hint::ca_file);
    }
    if (!options.ca_path.empty()) {
        DIR* directory = ::opendir(options.ca_path.c_str());
        if (directory == nullptr) {
            return unusable("cannot read " + options.ca_path + ": " + errno_text(errno), Hint::ca_path);
        }
        ::closedir(directory);
        if (!has_hashes(options.ca_path.c_str())) {
            return unusable("no certificate with a hashed name in " + options.ca_path +
                                " (run: openssl rehash " + options.ca_path + ")",
                            Hint::ca_path);
        }
        SSL_CTX_load_verify_dir(context, options.ca_path.c_str());
    }
    const bool nothing_else = options.ca_file.empty() && options.ca_path.empty() && options.psk_key.empty();
    if (options.system_store || nothing_else) return load_system_store(context, shared);
    return {};
}

int give_passphrase(char* into, int size, int, void* shared) {
    const auto phrase = static_cast<Shared*>(shared)->options.key_passphrase.view();
    if (phrase.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(into, phrase.data(), phrase.size());
    return phrase.empty() ? -1 : static_cast<int>(phrase.size());
}

Done load_own_certificate(SSL_CTX* context, Shared& shared) {
    const TlsOptions& options = shared.options;
    if (options.cert_file.empty()) return {};
    const auto certificate = usable_file(options.cert_file, Hint::client_certificate, shared);
    if (!certificate) return std::unexpected(certificate.error());
    // One pipe may give both.
    const auto key = options.key_file == options.cert_file
                         ? certificate
                         : usable_file(options.key_file, Hint::client_key, shared);
    if (!key) return std::unexpected(key.error());
    if (SSL_CTX_use_certificate_chain_file(context, certificate->c_str()) != 1)
        return no_certificate(options.cert_file, Hint::client_certificate);
    SSL_CTX_set_default_passwd_cb(context, give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &shared);
    const int used = SSL_CTX_use_PrivateKey_file(context, key->c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    shared.options.key_passphrase.wipe();
    if (used == 1 && SSL_CTX_check_private_key(context) == 1) return {};
    const int first = ERR_GET_LIB(ERR_peek_error());
    if (queue_has(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        queue_has(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH)) {
        return unusable(options.key_file + " is not the key of the certificate " + options.cert_file,
                        Hint::client_key);
    }
    if (queue_has(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ)) {
        return unusable("the key " + options.key_file + " is encrypted and no passphrase was given",
                        Hint::key_passphrase);
    }
    if (queue_has(ERR_LIB_PEM, PEM_R_BAD_DECRYPT) || first == ERR_LIB_PROV || first == ERR_LIB_PKCS12) {
        return unusable("the passphrase does not open " + options.key_file, Hint::client_key);
    }
    if (queue_has(ERR_LIB_PEM, PEM_R_NO_START_LINE) || first == ERR_LIB_OSSL_DECODER) {
        return unusable("no private key in " + options.key_file + " (expected PEM)", Hint::client_key);
    }
    return unusable("cannot use " + options.key_file + ": " + queue_reason(), Hint::client_key);
}

Done set_ciphers(SSL_CTX* context, const TlsOptions& options) {
    // With a pre-shared key only ciphers that use it; those with forward secrecy first.
    // Keys given as here go with SHA-256 only; a server with a certificate too would choose another suite.
    const bool psk = !options.psk_key.empty();
    if (psk && options.ciphers.empty() && SSL_CTX_set_cipher_list(context, "kECDHEPSK:kDHEPSK:kPSK") != 1) {
        return unusable("the TLS library has no ciphers for pre-shared keys");
    }
    if (psk && options.ciphersuites.empty()) {
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
    }
    // With a server that shows no certificate there is nothing to verify.
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
        if (::write(user_data(ssl).shared->keylog.get(), whole.data(), whole.size()) < 0) return;
    } catch (const std::bad_alloc&) {
        return;
    }
}

Done open_keylog(SSL_CTX* context, Shared& shared) {
    const std::string& path = shared.options.keylog_file;
    if (path.empty()) return {};
    shared.keylog = Descriptor(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
    if (!shared.keylog) {
        const std::string why = errno == ENXIO ? "no program reads this pipe" : errno_text(errno);
        return unusable("cannot write " + path + ": " + why, Hint::keylog_file);
    }
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
    shared.context.reset(SSL_CTX_new(TLS_client_method()));
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
    if (shared.late_bundle.empty()) shared.copies.clear();
    return open_keylog(context, shared);
}

// A numeric address without the zone of a link-local one; empty for a name.
std::string numeric_address(const std::string& host) {
    std::string address = host.substr(0, host.find('%'));
    ASN1_OCTET_STRING* parsed = a2i_IPADDRESS(address.c_str());
    ERR_clear_error();
    if (parsed == nullptr) return {};
    ASN1_OCTET_STRING_free(parsed);
    return address;
}

bool expect_host(SSL* ssl, const std::string& host) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
    if (const std::string address = numeric_address(host); !address.empty()) {
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, address.c_str()) == 1;
    }
    // A final dot says that the name is complete; certificates and SNI don't have it.
    const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    // OpenSSL takes an empty name for "any", and a dot at the front for "any name below".
    if (name.empty() || name.starts_with('.') || name.find("..") != std::string::npos) return false;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // A name too long for SNI cannot be in a certificate either.
    SSL_set_tlsext_host_name(ssl, name.c_str());
    return X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1;
}

// RFC 9525 section 6.3: with alternative names of any kind the common name says nothing. OpenSSL still looks at it when
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
        try {
            return make(std::move(lower), std::move(peer));
        } catch (const std::bad_alloc&) {
            return std::unexpected(Error{ErrorCode::out_of_memory, 0, "out of memory"});
        }
    }

  private:
    std::expected<StreamPtr, Error> make(StreamPtr lower, TlsPeer peer) {
        SslPtr ssl(SSL_new(shared_->context.get()));
        if (!ssl) return unusable("the TLS library does not start: " + queue_reason());
        const TlsOptions& options = shared_->options;
        if (!expect_host(ssl.get(), peer.host)) {
            return unusable("'" + peer.host + "' is not a name that a certificate can be for");
        }
        auto data = std::make_shared<SslUserData>();
        data->shared = shared_;
        data->handshake_context.peer = std::move(peer);
        data->handshake_context.own_anchors = !options.ca_file.empty() || !options.ca_path.empty();
        data->handshake_context.certificate = !options.cert_file.empty();
        data->handshake_context.minimum = options.minimum;
        data->handshake_context.psk = !options.psk_key.empty();
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
    try {
        auto shared = std::make_shared<Shared>();
        shared->pipe_deadline = pipe_deadline;
        shared->options = options;
        if (auto done = set_up(*shared); !done) return std::unexpected(std::move(done.error()));
        return std::make_unique<Context>(std::move(shared));
    } catch (const std::bad_alloc&) {
        return std::unexpected(Error{ErrorCode::out_of_memory, 0, "out of memory"});
    }
}

}  // namespace

}  // namespace mqttc::net

extern "C" MQTTC_API bool mqttc_tls_open(std::uint64_t abi, const mqttc::TlsOptions& options,
                                         mqttc::Time pipe_deadline, mqttc::net::TlsResult& result) {
    if (abi != mqttc::net::tls_module_abi) return false;
    result = mqttc::net::open(options, pipe_deadline);
    return true;
}
