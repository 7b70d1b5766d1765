// Error messages and exit codes when a TLS connection fails.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/temp_dir.hpp"
#include "tls_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

std::string date(int days_from_now) {
    const std::time_t then = std::time(nullptr) + static_cast<std::time_t>(days_from_now) * 24 * 3600;
    std::tm parts{};
    gmtime_r(&then, &parts);
    char text[16];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

void check_failure(std::uint16_t port, const Words& options, int code, const std::string& why) {
    CAPTURE(why);
    const Result result = publish(port, options + one_message);
    CHECK(result.exit.code == code);
    CHECK(result.err == "mqtt_pub: " + why + "\n");
}

/// A TLS handshake that fails.
void check_tls(std::uint16_t port, const Words& options, const std::string& why) {
    check_failure(port, options, 62, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": " + why);
}

/// A file or a setting that cannot be used; no connection is made.
void check_setting(const Words& options, const std::string& why) {
    check_failure(1, options, 1, why);
}

constexpr const char* no_psk =
    "the server does not accept the pre-shared key (check --psk-identity and the key)";

}  // namespace

TEST_CASE("expired certificates and certificates that are not yet valid") {
    const Certificates all;
    const Words trusting = {"--cafile", all.ca_file()};
    broker::BrokerThread expired(with_tls(server_with(
        all.issue("old", {.common_name = "broker.example", .valid_from = -30, .valid_until = -3}))));
    check_tls(expired.port(), trusting, "the certificate expired on " + date(-3) + " (CN=broker.example)");
    broker::BrokerThread early(with_tls(server_with(all.issue("new", {.valid_from = 3}))));
    check_tls(
        early.port(), trusting,
        "the certificate is not valid before " + date(3) + " (CN=localhost; is this machine's clock right?)");
}

TEST_CASE("certificates of an unknown issuer") {
    const std::string intermediate =
        " (if that is an intermediate CA, the server must send its certificate; ";
    const Certificates others("another CA");
    TlsBroker tls;
    check_tls(tls.port(), {"--cafile", others.ca_file()},
              "the certificate's issuer is not trusted: CN=mqttc Test CA" + intermediate +
                  "is it the right --cafile?)");
    check_tls(tls.port(), {"--tls-use-os-certs"},
              "the certificate's issuer is not trusted: CN=mqttc Test CA" + intermediate +
                  "give its CA certificate with --cafile)");
    const Certificates same_name;
    check_tls(
        tls.port(), {"--cafile", same_name.ca_file()},
        "the certificate's signature is not its issuer's: CN=mqttc Test CA (is it the right --cafile?)");
    broker::BrokerThread self_signed(with_tls(server_with(others.self_signed("self"))));
    check_tls(self_signed.port(), {"--cafile", others.ca_file()},
              "the certificate is self-signed and not trusted: CN=localhost (is it the right --cafile?)");
}

TEST_CASE("certificates of another host") {
    const Certificates all;
    broker::BrokerThread named(with_tls(server_with(
        all.issue("a", {.names = {"DNS:broker.example", "DNS:*.test.example", "IP:192.0.2.7"}}))));
    check_tls(named.port(), {"--cafile", all.ca_file()},
              "the certificate is for broker.example, *.test.example, 192.0.2.7, not for 127.0.0.1 (is the "
              "host right?)");
    // A common name is not compared with an address.
    broker::BrokerThread unnamed(with_tls(server_with(all.issue("b", {.common_name = "x", .names = {}}))));
    check_tls(unnamed.port(), {"--cafile", all.ca_file()},
              "the certificate is for CN=x, not for 127.0.0.1 (is the host right?)");
}

TEST_CASE("a server that requires a client certificate") {
    TlsBroker newest({.require_certificate = true});
    const std::string required = "the server requires a client certificate (--cert and --key)";
    check_tls(newest.port(), newest.trusting({}), required);
    const Certificates others("another CA");
    const auto stranger = others.issue("stranger");
    check_tls(newest.port(), newest.trusting({"--cert", stranger.certificate, "--key", stranger.key}),
              "the server rejects our certificate: its issuer is unknown to the server");
    const auto expired = newest.certificates.issue("old", {.valid_from = -9, .valid_until = -1});
    check_tls(newest.port(), newest.trusting({"--cert", expired.certificate, "--key", expired.key}),
              "the server rejects our certificate: it has expired");
}

TEST_CASE("a TLS 1.2 server that requires a client certificate") {
    TlsBroker older({.require_certificate = true, .maximum = TlsVersion::v1_2});
    check_tls(
        older.port(), older.trusting({}),
        "the server refuses the handshake: no cipher in common, or it requires a pre-shared key or a client "
        "certificate (--ciphers, --psk, --cert)");
}

TEST_CASE("pre-shared keys that do not match") {
    const TempDir dir;
    const auto keys = dir.write("psk", "me:00ff11\n");
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        broker::BrokerThread broker(with_tls({.psk_file = keys, .minimum = version, .maximum = version}));
        check_tls(broker.port(), {"--psk", "00ff12", "--psk-identity", "me"}, no_psk);
        check_tls(broker.port(), {"--psk", "00ff11", "--psk-identity", "you"}, no_psk);
    }
    TlsBroker no_keys;
    check_tls(no_keys.port(), {"--psk", "00ff12", "--psk-identity", "me"}, no_psk);
}

TEST_CASE("no common TLS version, cipher or ALPN protocol") {
    TlsBroker old({.maximum = TlsVersion::v1_2});
    check_tls(old.port(), old.trusting({"--tls-version", "tlsv1.3"}),
              "the server has no TLS version in common with us (--tls-version)");
    // The server's key is not RSA.
    check_tls(
        old.port(), old.trusting({"--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"}),
        "the server refuses the handshake: no cipher in common, or it requires a pre-shared key or a client "
        "certificate (--ciphers, --psk, --cert)");
    TlsBroker picky({.alpn = "mqtt"});
    check_tls(picky.port(), picky.trusting({"--tls-alpn", "x-amzn-mqtt-ca"}),
              "the server does not accept the application protocol (--tls-alpn)");
}

TEST_CASE("TLS to a broker without TLS, and no TLS to a broker with TLS") {
    TlsBroker tls;
    broker::BrokerThread plain;
    check_tls(plain.port(), tls.trusting({}),
              "the server closed the connection in the TLS handshake (does it speak TLS on this port?)");
    check_failure(
        tls.port(), {}, 64,
        "cannot connect to 127.0.0.1:" + std::to_string(tls.port()) +
            ": the server closed the connection before CONNACK (is it an MQTT broker? if it requires "
            "TLS: --tls-use-os-certs or --cafile)");
}

TEST_CASE("unusable certificate files are reported before connecting") {
    const TempDir dir;
    const Certificates all;
    const auto none = dir.file("none");
    const auto rubbish = dir.write("rubbish", "no PEM\n");
    check_setting({"--cafile", none}, "--cafile: cannot read " + none + ": no such file or directory");
    check_setting({"--cafile", rubbish}, "--cafile: no certificate in " + rubbish + " (expected PEM)");
    check_setting({"--cafile", dir.path()},
                  "--cafile: cannot read " + dir.path().string() + ": is a directory");
    for (const char* name : {"mqtt_pub", "mqtt_sub"}) {
        const Words message = name == std::string_view("mqtt_pub") ? Words{"-m", "x"} : Words{};
        Command by_variable = client(name, 1, Words{"-t", "a"} + message);
        by_variable.env.emplace_back("MQTT_CAFILE", none);
        CHECK(run(std::move(by_variable)).err == std::string(name) +
                                                     ": environment variable MQTT_CAFILE: cannot read " +
                                                     none + ": no such file or directory\n");
    }
    check_setting({"--capath", none}, "--capath: cannot read " + none + ": no such file or directory");
    check_setting({"--capath", dir.path()}, "--capath: no certificate with a hashed name in " +
                                                dir.path().string() + " (run: openssl rehash " +
                                                dir.path().string() + ")");
    const auto own = all.issue("own");
    const auto other = all.issue("other");
    check_setting({"--cert", none, "--key", own.key},
                  "--cert: cannot read " + none + ": no such file or directory");
    check_setting({"--cert", own.certificate, "--key", none},
                  "--key: cannot read " + none + ": no such file or directory");
    check_setting({"--cert", rubbish, "--key", own.key},
                  "--cert: no certificate in " + rubbish + " (expected PEM)");
    check_setting({"--cert", own.certificate, "--key", rubbish},
                  "--key: no private key in " + rubbish + " (expected PEM)");
    check_setting({"--cert", own.certificate, "--key", other.key},
                  "--key: " + other.key + " is not the key of the certificate " + own.certificate);
    const auto locked = all.issue("locked", {.passphrase = "right"});
    check_setting({"--cert", locked.certificate, "--key", locked.key, "--key-passphrase-file",
                   dir.write("phrase", "wrong\n")},
                  "--key: the passphrase does not open " + locked.key);
}

TEST_CASE("settings that are unknown to the TLS library are reported") {
    const TempDir dir;
    const auto nowhere = dir.file("nowhere/keys");
    check_setting({"--ciphers", "ROT13"},
                  "--ciphers: the TLS library knows no cipher of 'ROT13' that encrypts and authenticates");
    check_setting({"--ciphers", "aNULL:eNULL:@SECLEVEL=0"},
                  "--ciphers: the TLS library knows no cipher of 'aNULL:eNULL:@SECLEVEL=0' that encrypts and "
                  "authenticates");
    check_setting({"--tls13-ciphers", "ROT13"},
                  "--tls13-ciphers: the TLS library does not know the cipher suites 'ROT13'");
    check_setting({"--tls-keylog", nowhere},
                  "--tls-keylog: cannot write " + nowhere + ": no such file or directory");
    check_setting({"--psk", std::string(2000, 'a'), "--psk-identity", "me"},
                  "--psk: the key is longer than 512 bytes");
    check_setting({"--psk", "aa", "--psk-identity", std::string(300, 'i')},
                  "--psk-identity: the PSK identity is longer than 255 bytes");
}

TEST_CASE("a certificate with alternative names is not accepted by its common name") {
    const Certificates all;
    broker::BrokerThread broker(
        with_tls(server_with(all.issue("server", {.common_name = "localhost", .names = {"IP:192.0.2.1"}}))));
    const Result result =
        publish(broker.port(), Words{"-h", "localhost", "--cafile", all.ca_file()} + one_message);
    CHECK(result.exit.code == 62);
    CHECK(result.err.find("the certificate is for 192.0.2.1, not for localhost") != std::string::npos);
}

TEST_CASE("keys and signatures that are too weak are reported with the option that accepts them") {
    const Certificates all;
    const std::string remedy = "--ciphers DEFAULT@SECLEVEL=0 accepts it)";
    const Words lowered = {"--ciphers", "DEFAULT@SECLEVEL=0"};
    const auto short_key = all.issue("short", {.weak_key = true});
    for (const KeyPair& weak : {short_key, all.issue("sha1", {.weak_signature = true})}) {
        CAPTURE(weak.certificate);
        auto options = server_with(weak);
        options.weak = true;
        broker::BrokerThread broker(with_tls(options));
        check_tls(broker.port(), {"--cafile", all.ca_file()},
                  "the certificate has a key or signature that is too weak (CN=localhost; " + remedy);
        CHECK(publish(broker.port(), Words{"--cafile", all.ca_file()} + lowered + one_message).exit.code ==
              0);
    }
    const Words ours = {"--cafile", all.ca_file(), "--cert", short_key.certificate, "--key", short_key.key};
    check_setting(
        ours, "the key or signature of the certificate " + short_key.certificate + " is too weak (" + remedy);
    check_failure(1, ours + lowered, 61,
                  "cannot connect to 127.0.0.1:1: connection refused (is a broker running there?)");
}

TEST_CASE("ciphers without certificates are used only with --insecure") {
    const Certificates all;
    broker::BrokerThread anonymous(with_tls({.maximum = TlsVersion::v1_2, .weak = true}));
    for (const char* ciphers : {"HIGH:@SECLEVEL=0", "ALL:@SECLEVEL=0", "aNULL:HIGH:@SECLEVEL=0"}) {
        CAPTURE(ciphers);
        const Words options = {"--ciphers", ciphers};
        const Result verified =
            publish(anonymous.port(), options + Words{"--cafile", all.ca_file()} + one_message);
        CHECK(verified.exit.code == 62);
        CHECK(publish(anonymous.port(), options + Words{"--insecure"} + one_message).exit.code == 0);
    }
    CHECK(anonymous.connects().size() == 3);
}

TEST_CASE("a FIFO that nothing is written to or read from is reported, and signals end the wait") {
    const TempDir dir;
    const auto fifo = dir.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const Certificates all;
    const auto own = all.issue("own");
    check_setting({"--cafile", all.ca_file(), "--tls-keylog", fifo},
                  "--tls-keylog: cannot write " + fifo + ": no program reads this pipe");
    const auto waits_for = [&](const Words& options, const std::string& option) {
        const Result result = publish(1, options + one_message);
        CHECK(result.exit.code == 1);
        // How long depends on what was read before.
        CHECK(
            has(result.err, option + ": cannot read " + fifo + ": nothing was written to this pipe within "));
    };
    waits_for({"--cafile", all.ca_file(), "--cert", own.certificate, "--key", fifo}, "--key");
    waits_for({"--cafile", fifo, "-W", "0.5"}, "--cafile");
    Process process(pub_command(1, Words{"--cafile", fifo} + one_message));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const auto before = std::chrono::steady_clock::now();
    process.send_signal(SIGTERM);
    static_cast<void>(process.wait());
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(3));
}

TEST_CASE("a FIFO with a colon in its name is read as a file, and not waited for without end") {
    const Certificates all;
    const auto own = all.issue("own");
    REQUIRE(::mkfifo(all.dir().file("own:fifo").c_str(), 0600) == 0);
    for (const auto& [option, certificate, key] : {std::array<std::string, 3>{"--cert", "own:fifo", own.key},
                                                   {"--key", own.certificate, "own:fifo"}}) {
        CAPTURE(option);
        Command command = pub_command(
            1,
            Words{"--cafile", all.ca_file(), "--cert", certificate, "--key", key, "-W", "0.5"} + one_message);
        command.directory = all.dir().path();
        const Result result = run(std::move(command));
        CHECK(result.exit.code == 1);
        CHECK(has(result.err, option + ": cannot read own:fifo: nothing was written to this pipe within "));
    }
}

TEST_CASE("a TLS module that other users can change is not loaded") {
    const TempDir dir;
    std::filesystem::create_directory(dir.file("open"));
    std::filesystem::permissions(dir.file("open"), std::filesystem::perms::all);
    const auto module = dir.file("open/mqttc-tls.so");
    std::ofstream(module) << "not loaded";
    Command command = pub_command(1, Words{"--tls-use-os-certs"} + one_message);
    command.env.emplace_back("MQTTC_TLS_MODULE", module);
    const auto result = run(command);
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_pub: TLS module " + module + " is not loaded: other users can change " +
                            dir.file("open/") +
                            " (it must belong to root or to you, and no other user may write it)\n");
}
