// Implementation of certificates.hpp, with OpenSSL.
#include "support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace mqttc::test {

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

void must(bool well, const char* what) {
    if (well) return;
    std::fprintf(stderr, "cannot make a certificate: %s\n", what);
    std::abort();
}

Key make_key(bool weak = false) {
    Key key(weak ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256"), EVP_PKEY_free);
    must(key != nullptr, "key");
    return key;
}

File create(const std::string& path) {
    File file(std::fopen(path.c_str(), "w"), std::fclose);
    must(file != nullptr, path.c_str());
    return file;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    must(extension != nullptr, value.c_str());
    must(X509_add_ext(certificate, extension, -1) == 1, value.c_str());
    X509_EXTENSION_free(extension);
}

Certificate make_certificate(const CertificateFields& fields, EVP_PKEY* key, X509* issuer,
                             EVP_PKEY* issuer_key, bool authority) {
    static long serial = 0;
    Certificate made(X509_new(), X509_free);
    must(made != nullptr, "memory");
    X509* it = made.get();
    constexpr long seconds_of_a_day = 24L * 3600;
    X509_set_version(it, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(it), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(it), fields.valid_from * seconds_of_a_day);
    X509_gmtime_adj(X509_getm_notAfter(it), fields.valid_until * seconds_of_a_day);
    X509_set_pubkey(it, key);
    const auto* name = reinterpret_cast<const unsigned char*>(fields.common_name.c_str());
    if (!fields.common_name.empty())
        X509_NAME_add_entry_by_NID(X509_get_subject_name(it), NID_commonName, MBSTRING_UTF8, name, -1, -1, 0);
    X509* by = issuer == nullptr ? it : issuer;
    X509_set_issuer_name(it, X509_get_subject_name(by));
    extend(it, by, NID_subject_key_identifier, "hash");
    extend(it, by, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    std::string names;
    for (const std::string& each : fields.names) names += (names.empty() ? "" : ",") + each;
    if (!names.empty()) extend(it, by, NID_subject_alt_name, names);
    must(X509_sign(it, issuer_key, fields.weak_signature ? EVP_sha1() : EVP_sha256()) > 0, "signature");
    return made;
}

}  // namespace

struct Certificates::Authority {
    Key key;
    Certificate certificate;
};

Certificates::Certificates(std::string_view authority) {
    Key key = make_key();
    const CertificateFields fields{.common_name = std::string(authority), .names = {}};
    Certificate certificate = make_certificate(fields, key.get(), nullptr, key.get(), true);
    must(PEM_write_X509(create(ca_file()).get(), certificate.get()) == 1, "ca.pem");
    char name[32];
    std::snprintf(name, sizeof name, "/%08lx.0", X509_subject_name_hash(certificate.get()));
    std::filesystem::create_directory(ca_path());
    std::filesystem::copy_file(ca_file(), ca_path() + name);
    authority_ = std::make_unique<Authority>(std::move(key), std::move(certificate));
}

Certificates::~Certificates() = default;

KeyPair Certificates::issue(std::string_view stem, const CertificateFields& fields) const {
    return write(stem, fields, false);
}

KeyPair Certificates::self_signed(std::string_view stem, const CertificateFields& fields) const {
    return write(stem, fields, true);
}

KeyPair Certificates::write(std::string_view stem, const CertificateFields& fields, bool self_issued) const {
    const KeyPair paths{dir_.file(std::string(stem) + ".pem"), dir_.file(std::string(stem) + ".key")};
    const Key key = make_key(fields.weak_key);
    const Certificate certificate = self_issued
                                        ? make_certificate(fields, key.get(), nullptr, key.get(), false)
                                        : make_certificate(fields, key.get(), authority_->certificate.get(),
                                                           authority_->key.get(), false);
    must(PEM_write_X509(create(paths.certificate).get(), certificate.get()) == 1, "certificate");
    const bool encrypted = !fields.passphrase.empty();
    std::string phrase = fields.passphrase;
    must(PEM_write_PKCS8PrivateKey(
             create(paths.key).get(), key.get(), encrypted ? EVP_aes_256_cbc() : nullptr,
             encrypted ? phrase.data() : nullptr, static_cast<int>(phrase.size()), nullptr, nullptr) == 1,
         "key");
    // Programs warn of keys that other users can read.
    std::filesystem::permissions(paths.key,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return paths;
}

}  // namespace mqttc::test
