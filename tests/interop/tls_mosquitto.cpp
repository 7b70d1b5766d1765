// Our programs over TLS with Debian's Mosquitto, and its clients with the embedded broker.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "e2e/payload_transfer.hpp"
#include "support/certificates.hpp"
#include "support/needs.hpp"
#include "support/port.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"
#include "tls_server.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

constexpr const char* socat = "/usr/bin/socat";

}  // namespace

TEST_CASE("10 MB over TLS through Mosquitto, with client certificates" * needs_mosquitto()) {
    const Certificates all;
    const auto server = all.issue("server");
    const auto client = all.issue("client", {.common_name = "sensor", .names = {}});
    const RealBroker broker("cafile " + all.ca_file() + "\ncertfile " + server.certificate + "\nkeyfile " +
                            server.key + "\nrequire_certificate true\nallow_anonymous true\n");
    const Words to = Words{"-h", "127.0.0.1", "-p", std::to_string(broker.port()), "--cafile", all.ca_file()};
    const Words with_certificate = to + Words{"--cert", client.certificate, "--key", client.key};
    check_transfer({.subscriber = program_command("mqtt_sub", Words{"-d"} + with_certificate),
                    .publisher = program_command("mqtt_pub", with_certificate)});

    const Result refused = run(Command{.argv = Words{program("mqtt_pub")} + to + Words{"-t", "a", "-n"}});
    CHECK(refused.exit.code == 62);
    CHECK(refused.err == "mqtt_pub: cannot connect to 127.0.0.1:" + std::to_string(broker.port()) +
                             ": the server requires a client certificate (--cert and --key)\n");
}

TEST_CASE("10 MB over TLS-PSK through Mosquitto" * needs_mosquitto()) {
    const TempDir dir;
    const RealBroker broker("psk_hint hint\npsk_file " + dir.write("psk", "me:00ff11\n") +
                            "\nallow_anonymous true\n");
    const Words key{"--psk", "00ff11", "--psk-identity", "me"};
    check_transfer({.subscriber = client("mqtt_sub", broker.port(), Words{"-d"} + key),
                    .publisher = client("mqtt_pub", broker.port(), key)});
}

TEST_CASE("10 MB over TLS between Mosquitto's clients and the embedded broker" * needs_mosquitto()) {
    const Certificates all;
    const auto server = all.issue("server");
    const auto factory = broker::make_tls_factory({.cert_file = server.certificate, .key_file = server.key});
    REQUIRE(factory.has_value());
    broker::Options options;
    options.listeners.push_back({.make_stream = *factory});
    broker::BrokerThread broker(options);
    const Words to = Words{"-h", "127.0.0.1", "-p", std::to_string(broker.port()), "--cafile", all.ca_file()};
    check_transfer({.subscriber = program_command(mosquitto_sub_path, to),
                    .publisher = program_command(mosquitto_pub_path, to),
                    .subscribed = [&](Process&, const std::string& client_id) {
                        return broker.wait_until([&](broker::Broker& it) {
                            return std::ranges::any_of(it.sessions(), [&](const auto& each) {
                                return each.first == client_id && !each.second->subscriptions.empty();
                            });
                        });
                    }});
    CHECK(broker.violations().empty());
}

TEST_CASE("10 MB over TLS to socat, which forwards them to Mosquitto without TLS" * needs_mosquitto() *
          needs_program(socat, "socat is not installed")) {
    const Certificates all;
    const auto server = all.issue("server");
    const RealBroker broker;
    const std::uint16_t port = free_port();
    Process forwarder(Command{.argv = {socat, "-d", "-d",
                                       "OPENSSL-LISTEN:" + std::to_string(port) +
                                           ",bind=127.0.0.1,fork,verify=0,cert=" + server.certificate +
                                           ",key=" + server.key,
                                       "TCP:127.0.0.1:" + std::to_string(broker.port())}});
    REQUIRE(forwarder.wait_err("listening on"));
    const Words to = {"-h", "127.0.0.1", "-p", std::to_string(port), "--cafile", all.ca_file()};
    check_transfer({.subscriber = program_command("mqtt_sub", Words{"-d"} + to),
                    .publisher = program_command("mqtt_pub", to)});
}
