// Keys and certificates in every form, trust anchors, names and revocation, with Debian's Mosquitto and OpenSSL's server.
#include <doctest/doctest.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/needs.hpp"
#include "support/port.hpp"
#include "support/programs.hpp"
#include "support/pty.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"
#include "tls_keys.hpp"
#include "tls_module.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

constexpr const char* openssl = "/usr/bin/openssl";
constexpr const char* softhsm = "/usr/bin/softhsm2-util";
constexpr const char* swtpm = "/usr/bin/swtpm";
constexpr const char* tpm2_tools = "/usr/bin/tpm2_createprimary";
constexpr const char* softhsm_module = "/usr/lib/softhsm/libsofthsm2.so";

// A root, an intermediate CA, the broker's certificate for broker.example by the latter, and a client's in several forms.
constexpr const char* script = R"(set -e
cd "$1"
umask 077
ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $ec -keyout root.key -out root.pem -subj /CN=Root -days 30 \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign,cRLSign
issue() { # NAME CA EXTENSIONS
    openssl req $ec -keyout $1.key -out $1.csr -subj /CN=$1
    printf '%b' "$3" > $1.ext
    openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -days 20 -out $1.pem -extfile $1.ext
}
issue middle root 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n'
issue server middle 'subjectAltName=DNS:broker.example\nbasicConstraints=CA:FALSE\n'
issue client root 'basicConstraints=CA:FALSE\n'
cat server.pem middle.pem > chain.pem
cat root.pem middle.pem > both.pem
openssl x509 -in client.pem -outform DER -out client.der
openssl pkcs8 -topk8 -in client.key -nocrypt -out client.p8
openssl pkcs8 -topk8 -in client.key -nocrypt -outform DER -out key.der
openssl ec -in client.key -outform DER -out short.der
openssl pkcs8 -topk8 -in client.key -passout pass:secret -outform DER -out locked.der
openssl pkcs8 -topk8 -in client.key -passout pass:secret -out locked.pem
openssl pkcs12 -export -in client.pem -inkey client.key -certfile root.pem -passout pass:secret -out client.p12
echo secret > pass; echo wrong > wrong; echo 1234 > pin
: > index.txt; echo 01 > crlnumber
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=10\n' > ca.cnf
crl() { openssl ca -config ca.cnf -gencrl -keyfile $1.key -cert $1.pem -out $2; }
ocsp() { # FILE OPTIONS
    openssl ocsp -index index.txt -rsigner middle.pem -rkey middle.key -CA middle.pem -issuer middle.pem \
        -cert server.pem -noverify -respout "$@"
}
crl root root.crl
crl middle middle.crl
cat root.crl middle.crl > good.crl
serial=$(openssl x509 -in server.pem -noout -serial | cut -d= -f2)
printf 'R\t400101000000Z\t260101000000Z\t%s\tunknown\t/CN=server\n' $serial > index.txt
ocsp revoked.ocsp -ndays 5
crl middle part
cat root.crl part > revoked.crl
printf 'V\t400101000000Z\t\t%s\tunknown\t/CN=server\n' $serial > index.txt
ocsp good.ocsp -ndays 5
ocsp fresh.ocsp
mkdir tokens
echo "directories.tokendir = $1/tokens" > softhsm.conf
# The broker runs as another user.
chmod a+r chain.pem both.pem server.key
chmod a+rx .
)";

class Pki {
  public:
    Pki() {
        const Result made = run(Command{.argv = {"/bin/sh", "-c", script, "sh", dir_.path().string()}});
        REQUIRE_MESSAGE(made.exit == ok, made.err);
    }
    std::string file(const char* name) const { return dir_.file(name); }

    /// What mqtt_pub does with a broker that has the certificate for broker.example. Words that begin with @ are files.
    using Environment = std::vector<std::pair<std::string, std::string>>;
    Result publish(std::uint16_t port, Words options, const Environment& environment = {}) const {
        return run(command(port, std::move(options), environment));
    }
    Command command(std::uint16_t port, Words options, const Environment& environment = {}) const {
        for (std::string& word : options)
            if (word.starts_with('@')) word = dir_.file(word.substr(1));
        Command command =
            client("mqtt_pub", port, Words{"-t", "a", "-m", "x", "--connect-timeout", "5"} + options);
        command.env.emplace_back("SOFTHSM2_CONF", file("softhsm.conf"));
        command.env.emplace_back("PKCS11_MODULE_PATH", softhsm_module);
        command.env.insert(command.env.end(), environment.begin(), environment.end());
        // libp11 leaves its methods behind when its engine is unloaded after an error. 99 as in tests/run.sh.
        if (std::ranges::any_of(options, [](const std::string& word) { return word.starts_with("pkcs11:"); }))
            command.env.emplace_back("ASAN_OPTIONS", "exitcode=99:detect_leaks=0");
        return command;
    }

  private:
    TempDir dir_;
};

class StrictBroker {
  public:
    explicit StrictBroker(const Pki& pki, const char* chain = "chain.pem", const char* key = "server.key")
        : broker_("cafile " + pki.file("both.pem") + "\ncertfile " + pki.file(chain) + "\nkeyfile " +
                  pki.file(key) + "\nrequire_certificate true\nallow_anonymous true\n") {}
    std::uint16_t port() const { return broker_.port(); }
    RealBroker& broker() { return broker_; }

  private:
    RealBroker broker_;
};

// Keys as in mqtt_pub(1), under --key, one of RSA and one with a password; their certificates; and a server with RSA
// 4096, which TPMs don't support.
constexpr const char* tpm_script = R"(set -e
cd "$1"
make() { # HANDLE NAME PASSWORD OPTIONS
    handle=$1; name=$2; password=$3; shift 3
    tpm2_createprimary -Q -C o -c key.ctx -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' "$@"
    tpm2_evictcontrol -Q -C o -c key.ctx $handle
    tpm2_flushcontext -t
    openssl req -provider tpm2 -provider default -propquery '?provider=tpm2' -new -key handle:$handle$password \
        -passin pass:secret -subj /CN=$name -out $name.csr
    openssl x509 -req -in $name.csr -CA root.pem -CAkey root.key -days 20 -out $name.pem
}
make 0x81000001 ec '' -G ecc
make 0x81000002 rsa '' -G rsa2048
make 0x81000003 locked '?pass' -G ecc -p secret
openssl req -newkey rsa:4096 -nodes -keyout rsa4096.key -out rsa4096.csr -subj /CN=server
openssl x509 -req -in rsa4096.csr -CA root.pem -CAkey root.key -days 20 -out rsa4096.pem -extfile server.ext
chmod a+r rsa4096.*
printf '%s\n' openssl_conf=a [a] ssl_conf=b [b] system_default=c [c] MaxProtocol=TLSv1.2 > tls12.cnf
)";

/// A TPM in software, for one program at a time.
class Tpm {
  public:
    explicit Tpm(const Pki& pki)
        : socket_(pki.file("tpm")),
          process_(Command{.argv = {swtpm, "socket", "--tpm2", "--tpmstate", "dir=" + pki.file("."),
                                    "--server", "type=unixio,path=" + socket_, "--ctrl",
                                    "type=unixio,path=" + socket_ + ".ctrl", "--flags",
                                    "not-need-init,startup-clear"}}) {
        const auto give_up = std::chrono::steady_clock::now() + default_timeout;
        while (!std::filesystem::exists(socket_ + ".ctrl") && std::chrono::steady_clock::now() < give_up)
            process_.wait_until([](auto&, auto&) { return false; }, std::chrono::milliseconds(10));
        const Result made =
            run(Command{.argv = {"/bin/sh", "-c", tpm_script, "sh", pki.file(".")}, .env = environment()});
        REQUIRE_MESSAGE(made.exit == ok, made.err);
    }
    Pki::Environment environment() const {
        const std::string tcti = "swtpm:path=" + socket_;
        return {{"TPM2TOOLS_TCTI", tcti}, {"TPM2OPENSSL_TCTI", tcti}};
    }

  private:
    std::string socket_;
    Process process_;
};

constexpr const char* kept_certificate = "MQTTC_TEST_KEPT_CERTIFICATE";

/// What a program does that has a client in static storage: OpenSSL's own end comes first.
void keep_context(const char* certificate) {
    static net::TlsContextPtr kept;
    TlsOptions options;
    options.cert_file = certificate;
    options.key_file = "handle:0x81000001";
    options.verify = false;
    auto loaded = net::load_tls(options, std::chrono::steady_clock::now());
    REQUIRE(loaded);
    kept = std::move(*loaded);
}

struct Refusal {
    Words options;
    int code;
    const char* message;
};

/// Writes old.ocsp: a response without a next update, two days old.
void write_old_response(const Pki& pki) {
    using net::FreeWith;
    using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
    const Bio files[] = {Bio(BIO_new_file(pki.file("server.pem").c_str(), "r")),
                         Bio(BIO_new_file(pki.file("middle.pem").c_str(), "r")),
                         Bio(BIO_new_file(pki.file("middle.key").c_str(), "r")),
                         Bio(BIO_new_file(pki.file("old.ocsp").c_str(), "w"))};
    const net::CertificatePtr server(PEM_read_bio_X509(files[0].get(), nullptr, nullptr, nullptr));
    const net::CertificatePtr issuer(PEM_read_bio_X509(files[1].get(), nullptr, nullptr, nullptr));
    const net::KeyPtr key(PEM_read_bio_PrivateKey(files[2].get(), nullptr, nullptr, nullptr));
    const std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>> id(
        OCSP_cert_to_id(nullptr, server.get(), issuer.get()));
    const std::unique_ptr<ASN1_GENERALIZEDTIME, FreeWith<ASN1_GENERALIZEDTIME_free>> then(
        ASN1_GENERALIZEDTIME_adj(nullptr, std::time(nullptr), -2, 0));
    const std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
    OCSP_basic_add1_status(basic.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, then.get(), nullptr);
    REQUIRE(OCSP_basic_sign(basic.get(), issuer.get(), key.get(), EVP_sha256(), nullptr, 0) == 1);
    const std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>> response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    REQUIRE(i2d_OCSP_RESPONSE_bio(files[3].get(), response.get()) == 1);
}

const Words to_broker{"--server-name", "broker.example", "--cafile", "@both.pem"};
const Words own{"--cert", "@client.pem", "--key", "@client.key"};

void check_refusals(const Pki& pki, std::uint16_t port, const std::vector<Refusal>& refusals,
                    const Pki::Environment& environment = {}) {
    for (const Refusal& row : refusals) {
        CAPTURE(as_line(row.options));
        const Result result = pki.publish(port, row.options, environment);
        CHECK(result.exit.code == row.code);
        CHECK_MESSAGE(result.err.find(row.message) != std::string::npos, result.err);
    }
}

}  // namespace

TEST_CASE("certificates and keys in DER and PKCS#12, and URIs of OpenSSL's store" * needs_mosquitto() *
          needs_program(openssl, "openssl is not installed")) {
    const Pki pki;
    const StrictBroker broker(pki);
    const Words pass{"--key-passphrase-file", "@pass"};
    for (const Words& options :
         std::vector<Words>{own,
                            {"--cert", "@client.der", "--key", "@key.der"},
                            {"--cert", "@client.pem", "--key", "@key.der"},
                            {"--cert", "@client.pem", "--key", "@short.der"},
                            {"--cert", "@client.der", "--key", "@client.key"},
                            Words{"--cert", "@client.pem", "--key", "@locked.pem"} + pass,
                            Words{"--cert", "@client.der", "--key", "@locked.der"} + pass,
                            Words{"--cert", "@client.p12", "--key", "@client.p12"} + pass,
                            Words{"--cert", "@client.pem", "--key", "@client.p12"} + pass,
                            {"--cert", "@client.pem", "--key", "file:" + pki.file("client.key")}}) {
        CAPTURE(as_line(options));
        const Result result = pki.publish(broker.port(), to_broker + options);
        CHECK(result.exit == ok);
        CHECK(result.err.empty());
    }
    // The broker requires one.
    CHECK(pki.publish(broker.port(), to_broker).exit.code == 62);
    const Words wrong{"--key-passphrase-file", "@wrong"};
    check_refusals(
        pki, broker.port(),
        {{to_broker + Words{"--cert", "@client.p12", "--key", "@client.p12"} + wrong, 1,
          "the passphrase does not open it"},
         {to_broker + Words{"--cert", "@client.der", "--key", "@locked.der"} + wrong, 1,
          "the passphrase does not open it"},
         {to_broker + Words{"--cert", "@client.der", "--key", "@locked.der"}, 1, "use --key-passphrase-file"},
         {to_broker + Words{"--cert", "@client.p12", "--key", "@client.p12"}, 1, "use --key-passphrase-file"},
         {to_broker + Words{"--cert", "@client.der", "--key", "@server.key"}, 1,
          "is not the key of the certificate"},
         {to_broker + Words{"--cert", "@key.der", "--key", "@key.der"}, 1, "no certificate in "},
         {to_broker + Words{"--cert", "@client.pem", "--key", "@client.der"}, 1, "no private key in "},
         {to_broker + Words{"--cert", "@client.pem", "--key", "nonsense:x"}, 1, "cannot use nonsense:x"}});
}

TEST_CASE("a key in a PKCS#11 token, by URI and by engine" * needs_mosquitto() *
          needs_program(openssl, "openssl is not installed") *
          needs_program(softhsm, "softhsm2 is not installed")) {
    const Pki pki;
    const std::pair<std::string, std::string> conf{"SOFTHSM2_CONF", pki.file("softhsm.conf")};
    for (const Words& words : std::vector<Words>{
             {softhsm, "--init-token", "--free", "--label", "t", "--pin", "1234", "--so-pin", "5678"},
             {softhsm, "--import", pki.file("client.p8"), "--token", "t", "--label", "k", "--id", "01",
              "--pin", "1234"}})
        REQUIRE(run(Command{.argv = words, .env = {conf}}).exit == ok);
    const StrictBroker broker(pki);
    const Words certificate = to_broker + Words{"--cert", "@client.pem"};
    const Words engine{"--tls-engine", "pkcs11", "--keyform", "engine"};
    const Words pin{"--key-passphrase-file", "@pin"};
    for (const Words& options : std::vector<Words>{
             Words{"--key", "pkcs11:token=t;object=k"} + pin,
             {"--key", "pkcs11:token=t;object=k;pin-value=1234"},
             engine + Words{"--key", "pkcs11:token=t;object=k"} + pin,
             engine + Words{"--key", "pkcs11:token=t;object=k", "--tls-engine-kpass-sha1", "1234"}}) {
        CAPTURE(as_line(options));
        const Result result = pki.publish(broker.port(), certificate + options);
        CHECK(result.exit == ok);
        CHECK(result.err.empty());
    }
    check_refusals(
        pki, broker.port(),
        {{certificate + Words{"--key", "pkcs11:token=t;object=none"} + pin, 1, "no such object"},
         {certificate + Words{"--key", "pkcs11:token=t;object=none?pin-value=9876&x=y"}, 1,
          "object=none?pin-value=&x=y: "},
         {certificate + Words{"--key", "pkcs11:token=t;object=none?pin-value=9876"}, 1,
          "object=none?pin-value=: "},
         {to_broker + Words{"--cert", "@server.pem", "--key", "pkcs11:token=t;object=k?pin-value=1234"}, 1,
          "object=k?pin-value= is not the key of the certificate"},
         {certificate + Words{"--key", "k", "--tls-engine", "nosuch", "--keyform", "engine"}, 1,
          "it is not installed"},
         {certificate + Words{"--key", "k", "--tls-engine", "pkcs11"}, 1, "--tls-engine needs --keyform"}});
    // Nothing asks for a missing PIN on the terminal: neither signals nor time limits would end that.
    const Words key{"--key", "pkcs11:token=t;object=k"};
    for (const Words& options : {key, engine + key}) {
        CAPTURE(as_line(options));
        PtyProcess terminal(pki.command(broker.port(), certificate + options));
        REQUIRE(terminal.expect("mqtt_pub: --key: cannot use "));
        CHECK(terminal.wait() == Exit{.code = 1});
        CHECK_FALSE(has(terminal.screen(), "PIN:"));
    }
}

TEST_CASE("a key in a TPM" * needs_mosquitto() * needs_program(openssl, "openssl is not installed") *
          needs_program(swtpm, "swtpm is not installed") *
          needs_program(tpm2_tools, "tpm2-tools is not installed")) {
    if (const char* certificate = std::getenv(kept_certificate)) return keep_context(certificate);
    const Pki pki;
    const Tpm tpm(pki);
    StrictBroker broker(pki);
    const StrictBroker rsa_broker(pki, "rsa4096.pem", "rsa4096.key");
    const Words pass{"--key-passphrase-file", "@pass"};
    const Words ec{"--cert", "@ec.pem", "--key", "handle:0x81000001"};
    const Words locked{"--cert", "@locked.pem", "--key", "handle:0x81000003"};
    Pki::Environment tls12 = tpm.environment();
    tls12.emplace_back("OPENSSL_CONF", pki.file("tls12.cnf"));
    for (const std::uint16_t port : {broker.port(), rsa_broker.port()}) {
        for (const Pki::Environment& environment : {tpm.environment(), tls12}) {
            const std::string keylog = pki.file("keylog");
            std::filesystem::remove(keylog);
            for (const Words& options :
                 {ec, Words{"--cert", "@rsa.pem", "--key", "handle:0x81000002", "--crlfile", "@good.crl"},
                  locked + pass}) {
                CAPTURE(as_line(options));
                const Result result =
                    pki.publish(port, to_broker + options + Words{"--tls-keylog", keylog}, environment);
                CHECK(result.exit == ok);
                CHECK(result.err.empty());
            }
            // The label is that of TLS 1.2.
            CHECK(has(read_file(keylog), "CLIENT_RANDOM ") == (environment == tls12));
        }
    }
    check_refusals(
        pki, broker.port(),
        {{to_broker + Words{"--cert", "@ec.pem", "--key", "handle:0x8100ffff"}, 1,
          "--key: cannot use handle:0x8100ffff: the TPM has nothing there (to list its keys: tpm2_getcap"},
         {to_broker + Words{"--cert", "@ec.pem", "--key", "handle:key"}, 1, "it is not a handle such as"},
         {to_broker + Words{"--cert", "@rsa.pem", "--key", "handle:0x81000001"}, 1,
          "is not the key of the certificate"},
         {to_broker + locked, 62, "the TPM refuses to sign: the key's password is missing or wrong"}},
        tpm.environment());
    check_refusals(pki, broker.port(), {{to_broker + ec, 1, "the TPM cannot be opened (is this user in"}},
                   {{"TPM2OPENSSL_TCTI", "swtpm:path=/nonexistent"}});
    check_refusals(pki, broker.port(),
                   {{to_broker + ec, 1, "provider tpm2 is not installed (Debian's package"}},
                   {{"OPENSSL_MODULES", "/nonexistent"}});

    // Each connection opens the TPM again.
    Command command = client(
        "mqtt_sub", broker.port(),
        Words{"-t", "a", "-d", "--reconnect-delay", "0.1", "--server-name", "broker.example", "--cafile",
              pki.file("both.pem"), "--cert", pki.file("ec.pem"), "--key", "handle:0x81000001"});
    for (const auto& variable : tpm.environment()) command.env.push_back(variable);
    Process subscriber(std::move(command));
    REQUIRE(subscriber.wait_err("SUBACK"));
    broker.broker().stop();
    broker.broker().start();
    CHECK(subscriber.wait_until([](const std::string&, const std::string& err) {
        return has(std::string_view(err).substr(err.find("SUBACK") + 1), "SUBACK");
    }));

    Pki::Environment keeping = tpm.environment();
    keeping.emplace_back(kept_certificate, pki.file("ec.pem"));
    keeping.emplace_back("ASAN_OPTIONS", "exitcode=99:detect_leaks=0");
    const Result kept = run(Command{.argv = {"/proc/self/exe", "-tc=a key in a TPM"}, .env = keeping});
    CHECK(kept.exit == ok);
    CHECK(has(kept.out, "1 passed"));
}

TEST_CASE("trust anchors, the server's name, and revocation lists" * needs_mosquitto() *
          needs_program(openssl, "openssl is not installed")) {
    const Pki pki;
    const StrictBroker broker(pki);
    const Words name{"--server-name", "broker.example"};
    for (const Words& options : std::vector<Words>{{"--cafile", "@root.pem"},
                                                   {"--cafile", "@middle.pem"},
                                                   {"--cafile", "@server.pem"},
                                                   {"--cafile", "@root.pem", "--crlfile", "@good.crl"},
                                                   {"--cafile", "@both.pem", "--crlfile", "@good.crl"}}) {
        CAPTURE(as_line(options));
        CHECK(pki.publish(broker.port(), own + name + options).exit == ok);
    }
    const Words trusting = own + to_broker;
    check_refusals(
        pki, broker.port(),
        {{own + Words{"--cafile", "@both.pem"}, 62, "is for broker.example, not for 127.0.0.1"},
         {trusting + Words{"--server-name", "other.example"}, 62, "not for other.example"},
         {own + name + Words{"--cafile", "@client.pem"}, 62, "is not trusted"},
         {trusting + Words{"--crlfile", "@revoked.crl"}, 62, "the certificate has been revoked (CN=server)"},
         {trusting + Words{"--crlfile", "@middle.crl"}, 62, "no revocation list (CRL) of CN=Root"},
         {trusting + Words{"--crlfile", "@both.pem"}, 1, "--crlfile: no revocation list (CRL) in "},
         {trusting + Words{"--crlfile", "/nonexistent"}, 1, "--crlfile: cannot read /nonexistent"},
         {trusting + Words{"--ocsp", "require"}, 62, "the server sent no OCSP response"}});
}

TEST_CASE("--ocsp require reads the response that the server staples" *
          needs_program(openssl, "openssl is not installed")) {
    const Pki pki;
    write_old_response(pki);
    const auto publish_with = [&](const char* response, const char* version) {
        const std::uint16_t port = free_port();
        Process server(
            Command{.argv = {openssl, "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
                             pki.file("server.pem"), "-cert_chain", pki.file("middle.pem"), "-key",
                             pki.file("server.key"), "-status_file", pki.file(response), "-rev"}});
        REQUIRE(server.wait_out("ACCEPT"));
        return pki.publish(port, to_broker + Words{"--ocsp", "require", "--tls-version", version});
    };
    // One good response for each version: no broker speaks there, so that it takes 5 s and another exit code.
    for (const auto& [version, good] : {std::pair{"tlsv1.2", "good.ocsp"}, {"tlsv1.3", "fresh.ocsp"}}) {
        const Result accepted = publish_with(good, version);
        CHECK_MESSAGE(accepted.exit.code != 62, accepted.err);
        CHECK(accepted.exit.code != 0);
        for (const auto& [bad, message] :
             {std::pair{"revoked.ocsp", "the certificate has been revoked (OCSP)"},
              {"old.ocsp", "the server's OCSP response is out of date"}}) {
            const Result result = publish_with(bad, version);
            CHECK(result.exit.code == 62);
            CHECK_MESSAGE(has(result.err, message), result.err);
        }
    }
}
