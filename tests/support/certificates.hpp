// Certificates for one test: an authority of its own in a folder of its own, and what it issues.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.hpp"

namespace mqttc::test {

// What a certificate says. The names are as OpenSSL writes them: "DNS:localhost", "IP:::1".
struct CertificateWish {
    std::string common_name = "localhost";
    std::vector<std::string> names = {"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
    int valid_from = -2;          // days from now
    int valid_until = 30;         // days from now
    std::string passphrase = {};  // not empty: the key's file is encrypted with it
};

// Paths of PEM files.
struct KeyPair {
    std::string certificate;
    std::string key;
};

class Certificates {
  public:
    // Aborts the test program when OpenSSL fails: nothing could be tested then.
    explicit Certificates(std::string_view authority = "mqttc Test CA");
    ~Certificates();
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    // Writes STEM.pem and STEM.key, issued by the authority.
    KeyPair issue(std::string_view stem, const CertificateWish& wish = {}) const;
    // The same, but nobody vouches for it.
    KeyPair self_signed(std::string_view stem, const CertificateWish& wish = {}) const;

    std::string ca_file() const { return dir_.file("ca.pem"); }
    // A folder with the authority under its hashed name, as --capath wants it.
    std::string ca_path() const { return dir_.file("hashed"); }
    const TempDir& dir() const { return dir_; }

  private:
    struct Authority;
    KeyPair write(std::string_view stem, const CertificateWish& wish, bool signed_by_itself) const;

    TempDir dir_;
    std::unique_ptr<Authority> authority_;
};

}  // namespace mqttc::test
