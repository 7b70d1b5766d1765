// Messages over TLS, with each way to authenticate server and client.
#include <doctest/doctest.h>

#include "payload_transfer.hpp"
#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"
#include "tls_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

bool maps_openssl(const Process& process) {
    const std::string maps = read_file("/proc/" + std::to_string(process.pid()) + "/maps");
    REQUIRE(maps.find("mqtt_pub") != std::string::npos);
    return maps.find("libssl") != std::string::npos || maps.find("libcrypto") != std::string::npos;
}

}  // namespace

TEST_CASE("10 MB are published and received at every QoS in both TLS versions") {
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        TlsBroker tls({.minimum = version, .maximum = version});
        check_transfer({.subscriber = subscriber(tls.broker, tls.trusting({"-d"})),
                        .publisher = pub_command(tls.port(), tls.trusting({}))});
        CHECK(tls.broker.violations().empty());
    }
}

TEST_CASE("many small messages arrive in order") {
    TlsBroker tls;
    std::string lines;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) lines += std::to_string(i) + "\n";
    Process receiver(
        subscriber(tls.broker, tls.trusting({"-t", "n", "-q", "1", "-C", std::to_string(count), "-d"})));
    REQUIRE(receiver.wait_err("SUBACK"));
    publish_ok(tls.port(), tls.trusting({"-t", "n", "-q", "1", "-l"}), lines);
    CHECK(receiver.wait() == Exit{.code = 0});
    CHECK(receiver.out() == lines);
}

TEST_CASE("the server is verified by name, by IPv4 address and with a hashed CA directory") {
    TlsBroker tls;
    const auto port = std::to_string(tls.port());
    publish_ok(tls.port(), tls.trusting(one_message));
    CHECK(run(pub_command(Words{"-h", "localhost", "-p", port} + tls.trusting(one_message))).exit.code == 0);
    CHECK(run(pub_command(Words{"-L", "mqtts://localhost:" + port + "/a", "-m", "x"} + tls.trusting({})))
              .exit.code == 0);
    publish_ok(tls.port(), Words{"--capath", tls.certificates.ca_path()} + one_message);
}

TEST_CASE("the server is verified by its IPv6 address" * needs_ipv6()) {
    TlsBroker tls;
    const auto port = tls.broker.ask([&](broker::Broker& it) {
        REQUIRE(it.listen({.address = "::1", .make_stream = tls_factory(server_with(tls.server))}));
        return it.listeners().back()->port();
    });
    const auto result =
        run(pub_command(Words{"-h", "::1", "-p", std::to_string(port)} + tls.trusting(one_message)));
    CHECK(result.err.empty());
    CHECK(result.exit.code == 0);
}

TEST_CASE("without --cafile the CA store of the system is used, wherever it is") {
    TlsBroker tls;
    Command command = pub_command(tls.port(), Words{"--tls-use-os-certs"} + one_message);
    command.unset.insert(command.unset.end(), {"SSL_CERT_DIR", "SSL_CERT_FILE"});
    command.env.emplace_back("SSL_CERT_DIR", tls.certificates.ca_path());
    CHECK(run(command).exit.code == 0);
    command.env.back() = {"SSL_CERT_FILE", tls.certificates.ca_file()};
    CHECK(run(command).exit.code == 0);
    // With both, a CA may be in either.
    const Certificates others("another CA");
    command.env.emplace_back("SSL_CERT_DIR", others.ca_path());
    CHECK(run(command).exit.code == 0);
    command.env = {{"HOME", "/nonexistent"},
                   {"SSL_CERT_FILE", others.ca_file()},
                   {"SSL_CERT_DIR", tls.certificates.ca_path()}};
    CHECK(run(command).exit.code == 0);
    command.env = {
        {"HOME", "/nonexistent"}, {"SSL_CERT_FILE", others.ca_file()}, {"SSL_CERT_DIR", others.ca_path()}};
    CHECK(run(command).exit.code == 62);
    command.env = {{"HOME", "/nonexistent"}, {"SSL_CERT_FILE", "/nonexistent"}};
    const auto missing = run(command);
    CHECK(missing.exit.code == 1);
    CHECK(missing.err == "mqtt_pub: SSL_CERT_FILE: cannot read /nonexistent: no such file or directory\n");
}

TEST_CASE("client certificates work with a plain and with an encrypted key") {
    TlsBroker tls({.require_certificate = true});
    const auto plain = tls.certificates.issue("client", {.common_name = "sensor", .names = {}});
    publish_ok(tls.port(),
               tls.trusting(Words{"--cert", plain.certificate, "--key", plain.key} + one_message));

    const auto locked = tls.certificates.issue("locked", {.names = {}, .passphrase = "open sesame"});
    const Words key = {"--cert", locked.certificate, "--key", locked.key};
    const auto phrase = tls.certificates.dir().write("phrase", "open sesame\n");
    publish_ok(tls.port(), tls.trusting(key + Words{"--key-passphrase-file", phrase} + one_message));

    PtyProcess asked(pub_command(tls.port(), tls.trusting(key + one_message)));
    REQUIRE(asked.expect("Passphrase of " + locked.key + ": "));
    CHECK_FALSE(asked.echo());
    asked.send("open sesame\n");
    CHECK(asked.wait() == Exit{.code = 0});
    CHECK(asked.screen().find("sesame") == std::string::npos);
}

TEST_CASE("a key can be read from a pipe") {
    TlsBroker tls({.require_certificate = true});
    const auto own = tls.certificates.issue("client", {.names = {}});
    Command command = pub_command(
        tls.port(), tls.trusting(Words{"--cert", own.certificate, "--key", "/dev/stdin"} + one_message));
    command.input = read_file(own.key);
    const Result result = run(command);
    CHECK(result.err == "");
    CHECK(result.exit == Exit{.code = 0});
}

TEST_CASE("a pre-shared key works in both TLS versions") {
    const TempDir dir;
    const auto keys = dir.write("psk", "me:00ff11\n");
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        broker::BrokerThread broker(with_tls({.psk_file = keys, .minimum = version, .maximum = version}));
        publish_ok(broker.port(), Words{"--psk", "00ff11", "--psk-identity", "me"} + one_message);
        // An odd number of digits means a leading zero.
        publish_ok(broker.port(), Words{"--psk", "0Ff11", "--psk-identity", "me"} + one_message);
        const auto key = dir.write("key", "00ff11\n");
        publish_ok(broker.port(), Words{"--psk-file", key, "--psk-identity", "me"} + one_message);
    }
}

TEST_CASE("a pre-shared key works with a server that also has a certificate") {
    const TempDir dir;
    TlsBroker tls({.psk_file = dir.write("psk", "me:00ff11\n")});
    publish_ok(tls.port(), Words{"--psk", "00ff11", "--psk-identity", "me"} + one_message);
    publish_ok(tls.port(), tls.trusting(one_message));
}

TEST_CASE("TLS version, ciphers and ALPN can be chosen") {
    TlsBroker tls({.alpn = "x-amzn-mqtt-ca"});
    publish_ok(tls.port(), tls.trusting(Words{"--tls-alpn", "x-amzn-mqtt-ca", "--tls-version", "tlsv1.3",
                                              "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"} +
                                        one_message));
    TlsBroker old({.maximum = TlsVersion::v1_2});
    publish_ok(old.port(), old.trusting(Words{"--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"} + one_message));
}

TEST_CASE("--tls-keylog writes the keys of the session") {
    TlsBroker tls;
    const auto log = tls.certificates.dir().file("keys");
    publish_ok(tls.port(), tls.trusting(Words{"--tls-keylog", log} + one_message));
    const auto written = read_file(log);
    CHECK(written.find("CLIENT_HANDSHAKE_TRAFFIC_SECRET ") != std::string::npos);
    CHECK(written.find("CLIENT_TRAFFIC_SECRET_0 ") != std::string::npos);
}

TEST_CASE("--insecure accepts any certificate, with a warning") {
    TlsBroker tls;
    const auto result = publish(tls.port(), Words{"--insecure"} + one_message);
    CHECK(result.exit.code == 0);
    CHECK(result.err == "mqtt_pub: warning: --insecure: the broker's certificate is not verified\n");
}

TEST_CASE("OpenSSL is loaded only for TLS") {
    TlsBroker tls;
    broker::BrokerThread plain;
    Command command = pub_command(plain.port(), {"-t", "a", "-l"});
    command.keep_stdin_open = true;
    Process without(command);
    REQUIRE(plain.wait_for_clients(1));
    CHECK_FALSE(maps_openssl(without));

    command = pub_command(tls.port(), tls.trusting({"-t", "a", "-l"}));
    command.keep_stdin_open = true;
    Process with(command);
    REQUIRE(tls.broker.wait_for_clients(1));
    CHECK(maps_openssl(with));
}

TEST_CASE("a missing TLS module is reported with its package") {
    TlsBroker tls;
    Command command = pub_command(tls.port(), tls.trusting(one_message));
    command.env.emplace_back("MQTTC_TLS_MODULE", "/nonexistent/mqttc-tls.so");
    const auto result = run(command);
    CHECK(result.exit.code == 1);
    CHECK(result.err ==
          "mqtt_pub: TLS module /nonexistent/mqttc-tls.so not found: it is in the package "
          "libmqttc" MQTTC_ABI_VERSION
          " "
          "(MQTTC_TLS_MODULE may name it)\n");
}
