// Inside the module: certificates and keys that are not PEM files: DER, PKCS#12, URIs of OpenSSL's store, and keys of
// OpenSSL engines.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "tls_stream.hpp"

namespace mqttc::net {

using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;

/// What a file or URI holds.
struct KeyStore {
    std::vector<CertificatePtr> certificates;  ///< the own one first, if there is a key; then others
    KeyPtr key;
};

/// A message without the PINs of URIs pkcs11: in it (RFC 7512).
std::string without_pin(std::string text);

/// Whether `name` is a URI such as pkcs11:token=... or handle:0x81000001, and not the name of a file.
bool is_store_uri(const std::string& name);
/// Whether the file is not DER or PKCS#12: PEM, perhaps after text, or unreadable.
bool is_pem(const std::string& path);

/// Reads a PEM, DER or PKCS#12 file at `path`, called `name` in messages.
std::expected<KeyStore, Error> read_key_file(const std::string& path, const std::string& name,
                                             Secret& passphrase, Hint hint);
/// Reads what a URI names, with the providers of `library`; pkcs11: loads its provider or its engine.
std::expected<KeyStore, Error> read_store_uri(const std::string& uri, Secret& passphrase, Hint hint,
                                              OSSL_LIB_CTX* library);
/// The key `id` of the engine.
std::expected<KeyPtr, Error> engine_key(const std::string& engine, const std::string& id, Secret& pin);

}  // namespace mqttc::net
