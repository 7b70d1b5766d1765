// Certificates for one test: a CA in a temporary directory, and what it issues.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.hpp"

namespace mqttc::test {

// The fields of a certificate. Alternative names as OpenSSL writes them: "DNS:localhost", "IP:::1".
struct CertificateFields {
    std::string common_name = "localhost";
    std::vector<std::string> names = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
    int valid_from = -2;          // days from now
    int valid_until = 30;         // days from now
    std::string passphrase = {};  // not empty: the key's file is encrypted with it
    bool weak_key = false;        // RSA of 1,024 bits
    bool weak_signature = false;  // SHA-1
};

// Paths of PEM files.
struct KeyPair {
    std::string certificate;
    std::string key;
};

class Certificates {
  public:
    // Aborts the test program when OpenSSL fails.
    explicit Certificates(std::string_view authority = "mqttc Test CA");
    ~Certificates();
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    // Writes STEM.pem and STEM.key, issued by the CA.
    KeyPair issue(std::string_view stem, const CertificateFields& fields = {}) const;
    // The same, but self-signed.
    KeyPair self_signed(std::string_view stem, const CertificateFields& fields = {}) const;

    std::string ca_file() const { return dir_.file("ca.pem"); }
    // A directory with the CA certificate under its hashed name, for --capath.
    std::string ca_path() const { return dir_.file("hashed"); }
    const TempDir& dir() const { return dir_; }

  private:
    struct Authority;
    KeyPair write(std::string_view stem, const CertificateFields& fields, bool self_issued) const;

    TempDir dir_;
    std::unique_ptr<Authority> authority_;
};

}  // namespace mqttc::test
