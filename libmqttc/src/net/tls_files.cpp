// Inside the module: files of certificates and keys.
#include "tls_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "tls_keys.hpp"

namespace mqttc::net {

namespace {

// How often signals are checked while a pipe gives a certificate or a key.
constexpr std::chrono::milliseconds pipe_step{50};
constexpr std::size_t max_from_pipe = std::size_t{16} * 1024 * 1024;

// 0, or why the file cannot be read.
int readable(const std::string& path) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char byte = 0;
    return !fd || ::read(fd.get(), &byte, 1) < 0 ? errno : 0;
}

// OpenSSL would wait for a pipe's writer without limit, so the content of a pipe is copied first.
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

// Loading the bundle takes 30 to 40 ms, the directory 0.1 ms: each certificate is read when it is needed.
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

Done load_revocation_list(SSL_CTX* context, Shared& shared) {
    const std::string& path = shared.options.crl_file;
    if (path.empty()) return {};
    const auto file = usable_file(path, Hint::crl_file, shared);
    if (!file) return std::unexpected(file.error());
    X509_LOOKUP* lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(context), X509_LOOKUP_file());
    const int format = is_pem(*file) ? X509_FILETYPE_PEM : X509_FILETYPE_ASN1;
    if (lookup == nullptr || X509_load_crl_file(lookup, file->c_str(), format) < 1)
        return unusable("no revocation list (CRL) in " + path, Hint::crl_file);
    // On the connection's own parameters: certificates that sign OCSP responses are verified without it.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context),
                                X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return {};
}

int give_passphrase(char* into, int size, int, void* shared) {
    const auto phrase = static_cast<Shared*>(shared)->options.key_passphrase.view();
    if (phrase.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(into, phrase.data(), phrase.size());
    return phrase.empty() ? -1 : static_cast<int>(phrase.size());
}

std::unexpected<Error> wrong_key(const TlsOptions& options) {
    return unusable(options.key_file + " is not the key of the certificate " + options.cert_file,
                    Hint::client_key);
}

// One of the two: a URI, a PEM file, or a DER or PKCS#12 file at `path`, called `name` in messages.
std::expected<KeyStore, Error> read_form(const std::string& path, const std::string& name, Shared& shared,
                                         Hint hint) {
    std::string usable = path;
    if (!is_store_uri(name)) {
        auto file = usable_file(path, hint, shared);
        if (!file) return std::unexpected(std::move(file.error()));
        usable = std::move(*file);
    }
    Secret& passphrase = shared.options.key_passphrase;
    auto found = is_store_uri(name) ? read_store_uri(name, passphrase, hint, library_of(shared))
                                    : read_key_file(usable, name, passphrase, hint);
    return found;
}

// Certificate and key that are not both PEM files. The paths are those of copies when they come from pipes.
Done load_other_forms(SSL_CTX* context, Shared& shared, const std::string& certificate_path,
                      const std::string& key_path) {
    const TlsOptions& options = shared.options;
    auto own = read_form(certificate_path, options.cert_file, shared, Hint::client_certificate);
    KeyPtr key;
    if (own && !options.engine.empty()) {
        auto loaded = engine_key(options.engine, options.key_file, shared.options.key_passphrase);
        if (!loaded) return std::unexpected(std::move(loaded.error()));
        key = std::move(*loaded);
    } else if (own && options.key_file == options.cert_file && own->key) {
        key = std::move(own->key);
    } else if (own) {
        auto loaded = read_form(key_path, options.key_file, shared, Hint::client_key);
        if (!loaded) return std::unexpected(std::move(loaded.error()));
        key = std::move(loaded->key);
    }
    shared.options.key_passphrase.wipe();
    if (!own) return std::unexpected(std::move(own.error()));
    if (own->certificates.empty())
        return unusable("no certificate in " + options.cert_file, Hint::client_certificate);
    if (!key) return unusable("no private key in " + options.key_file, Hint::client_key);
    if (SSL_CTX_use_certificate(context, own->certificates.front().get()) != 1)
        return no_certificate(options.cert_file, Hint::client_certificate);
    for (std::size_t i = 1; i < own->certificates.size(); ++i)
        SSL_CTX_add1_chain_cert(context, own->certificates[i].get());
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
        return wrong_key(options);
    return {};
}

}  // namespace

std::unexpected<Error> unusable(std::string why, Hint hint) {
    ERR_clear_error();
    return std::unexpected(Error{ErrorCode::tls_config, 0, std::move(why), hint});
}

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
    // A certificate that the user names is trusted whatever its issuer: an intermediate CA, or the server's own.
    // OpenSSL cannot check revocation lists with that.
    if ((!options.ca_file.empty() || !options.ca_path.empty()) && options.crl_file.empty())
        X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (auto done = load_revocation_list(context, shared); !done) return done;
    const bool nothing_else = options.ca_file.empty() && options.ca_path.empty() && options.psk_key.empty();
    if (options.system_store || nothing_else) return load_system_store(context, shared);
    return {};
}

Done load_own_certificate(SSL_CTX* context, Shared& shared) {
    const TlsOptions& options = shared.options;
    if (options.cert_file.empty()) return {};
    if (!options.engine.empty() || is_store_uri(options.cert_file) || is_store_uri(options.key_file))
        return load_other_forms(context, shared, options.cert_file, options.key_file);
    const auto certificate = usable_file(options.cert_file, Hint::client_certificate, shared);
    if (!certificate) return std::unexpected(certificate.error());
    // One pipe may give both.
    const auto key = options.key_file == options.cert_file
                         ? certificate
                         : usable_file(options.key_file, Hint::client_key, shared);
    if (!key) return std::unexpected(key.error());
    if (!is_pem(*certificate) || !is_pem(*key)) return load_other_forms(context, shared, *certificate, *key);
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
        return wrong_key(options);
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

}  // namespace mqttc::net
