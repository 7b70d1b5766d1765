// Our programs over TLS against Debian's Mosquitto, and its clients against our broker.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "support/certificates.hpp"
#include "support/port.hpp"
#include "support/process.hpp"
#include "support/real_broker.hpp"
#include "tls_server.hpp"

using namespace mqttc;
using namespace mqttc::test;
using Words = std::vector<std::string>;

namespace {

bool missing() {
    if (RealBroker::available()) return false;
    MESSAGE("skipped: mosquitto is not installed");
    return true;
}

Words operator+(Words first, const Words& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

std::string noise(std::size_t size) {
    std::mt19937_64 generator(11);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(generator());
    return bytes;
}

bool said_so(Process& receiver, const std::string&) {
    return receiver.wait_err("SUBACK");
}

/// 10 MB there and back at each QoS. `subscribed` waits until the broker has the subscription.
void check_delivery(const TempDir& dir, const std::string& pub, const Words& sub, const Words& to,
                    const std::function<bool(Process&, const std::string& client)>& subscribed = said_so) {
    static const std::string payload = noise(10'000'000);
    const auto file = dir.write("payload", payload);
    for (const std::string qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        Command command{.argv = sub + to +
                                Words{"-i", "receiver" + qos, "-t", "big", "-q", qos, "-C", "1", "-N"}};
        command.stdout_file = dir.file("received");
        Process receiver(command);
        REQUIRE(subscribed(receiver, "receiver" + qos));
        const Result sent = run(Command{.argv = Words{pub} + to + Words{"-t", "big", "-q", qos, "-f", file}});
        CHECK(sent.err.empty());
        CHECK(sent.exit == Exit{.code = 0});
        CHECK(receiver.wait() == Exit{.code = 0});
        CHECK(read_file(dir.file("received")) == payload);
    }
}

Words our_subscriber() {
    return {program("mqtt_sub"), "-d"};
}

}  // namespace

TEST_CASE("10 MB over TLS through Mosquitto, with client certificates") {
    if (missing()) return;
    const Certificates all;
    const auto server = all.issue("server");
    const auto client = all.issue("client", {.common_name = "sensor", .names = {}});
    const RealBroker broker("cafile " + all.ca_file() + "\ncertfile " + server.certificate + "\nkeyfile " +
                            server.key + "\nrequire_certificate true\nallow_anonymous true\n");
    const Words to = Words{"-h", "127.0.0.1", "-p", std::to_string(broker.port()), "--cafile", all.ca_file()};
    check_delivery(all.dir(), program("mqtt_pub"), our_subscriber(),
                   to + Words{"--cert", client.certificate, "--key", client.key});

    const Result refused = run(Command{.argv = Words{program("mqtt_pub")} + to + Words{"-t", "a", "-n"}});
    CHECK(refused.exit.code == 62);
    CHECK(refused.err == "mqtt_pub: cannot connect to 127.0.0.1:" + std::to_string(broker.port()) +
                             ": the server requires a client certificate (--cert and --key)\n");
}

TEST_CASE("10 MB over TLS-PSK through Mosquitto") {
    if (missing()) return;
    const TempDir dir;
    const RealBroker broker("psk_hint hint\npsk_file " + dir.write("psk", "me:00ff11\n") +
                            "\nallow_anonymous true\n");
    const Words to = Words{"-h", "127.0.0.1", "-p", std::to_string(broker.port())};
    check_delivery(dir, program("mqtt_pub"), our_subscriber(),
                   to + Words{"--psk", "00ff11", "--psk-identity", "me"});
}

TEST_CASE("Mosquitto's clients reach the tests' broker over TLS") {
    if (missing()) return;
    const Certificates all;
    const auto server = all.issue("server");
    const auto factory = broker::make_tls_factory({.cert_file = server.certificate, .key_file = server.key});
    REQUIRE(factory.has_value());
    broker::Options options;
    options.listeners.push_back({.make_stream = *factory});
    broker::BrokerThread broker(options);
    const Words to = Words{"-h", "127.0.0.1", "-p", std::to_string(broker.port()), "--cafile", all.ca_file()};
    check_delivery(all.dir(), mosquitto_pub_path, {mosquitto_sub_path}, to,
                   [&](Process&, const std::string& client) {
                       return broker.wait_until([&](broker::Broker& it) {
                           return std::ranges::any_of(it.sessions(), [&](const auto& each) {
                               return each.first == client && !each.second->subscriptions.empty();
                           });
                       });
                   });
    CHECK(broker.violations().empty());
}

TEST_CASE("a terminator of TLS stands before the broker") {
    constexpr const char* socat = "/usr/bin/socat";
    if (missing()) return;
    if (!is_executable(socat)) {
        MESSAGE("skipped: socat is not installed");
        return;
    }
    const Certificates all;
    const auto server = all.issue("server");
    const RealBroker broker;
    const std::uint16_t port = free_port();
    Process terminator(Command{.argv = {socat, "-d", "-d",
                                        "OPENSSL-LISTEN:" + std::to_string(port) +
                                            ",bind=127.0.0.1,fork,verify=0,cert=" + server.certificate +
                                            ",key=" + server.key,
                                        "TCP:127.0.0.1:" + std::to_string(broker.port())}});
    REQUIRE(terminator.wait_err("listening on"));
    check_delivery(all.dir(), program("mqtt_pub"), our_subscriber(),
                   Words{"-h", "127.0.0.1", "-p", std::to_string(port), "--cafile", all.ca_file()});
}
