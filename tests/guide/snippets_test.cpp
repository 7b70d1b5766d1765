// Tests of the programs whose parts are shown in the guide (packaging/reference.md): each does what the guide says.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "support/certificates.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"
#include "tls_server.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Broker;
using broker::BrokerThread;

namespace {

Result run_shown(const std::string& name, std::vector<std::string> arguments, std::string input = {}) {
    Command command{
        .argv = {GUIDE_FOLDER + name}, .env = {{"MQTTC_TLS_MODULE", TLS_MODULE}}, .input = std::move(input)};
    for (auto& one : arguments) command.argv.push_back(std::move(one));
    return run(std::move(command));
}

std::vector<std::string> payloads_at(BrokerThread& broker) {
    std::vector<std::string> texts;
    for (const auto& one : broker.received()) texts.emplace_back(as_text(one.message->payload));
    return texts;
}

std::string plain_url(const BrokerThread& broker) {
    return "mqtt://127.0.0.1:" + std::to_string(broker.port());
}

}  // namespace

TEST_CASE("guide, layers: the same message with each layer") {
    BrokerThread broker;
    const Result result = run_shown("layers", {plain_url(broker)});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.out == "session: 14 bytes to write\nsession: 27 bytes to write\ncodec: 27 bytes\n");
    CHECK(result.err.empty());
    CHECK(payloads_at(broker) == std::vector<std::string>{"19.5"});
}

TEST_CASE("guide, TLS and errors: a certificate of the client, and a remedy for each error") {
    const Certificates certificates;
    const KeyPair server = certificates.issue("server");
    auto factory = broker::make_tls_factory({.cert_file = server.certificate,
                                             .key_file = server.key,
                                             .ca_file = certificates.ca_file(),
                                             .require_certificate = true});
    REQUIRE(factory);
    broker::Options options;
    options.listeners.push_back({.make_stream = std::move(*factory)});
    BrokerThread broker(std::move(options));
    const std::string url = "mqtts://localhost:" + std::to_string(broker.port());
    const KeyPair client = certificates.issue("client");

    const Result good = run_shown("tls", {url, certificates.ca_file(), client.certificate, client.key});
    CHECK(good.exit == Exit{.code = 0});
    CHECK(good.err.empty());
    CHECK(payloads_at(broker) == std::vector<std::string>{"19.5"});

    const Certificates others;
    const Result stranger = run_shown("tls", {url, others.ca_file(), client.certificate, client.key});
    CHECK(stranger.exit == Exit{.code = 1});
    CHECK(stranger.err.find("(the second argument must be the CA of this broker)\n") != std::string::npos);
    const Result bare = run_shown("tls", {url, certificates.ca_file()});
    CHECK(bare.exit == Exit{.code = 1});
    CHECK(bare.err.find("(the broker requires a client certificate: give its file and its key)\n") !=
          std::string::npos);
    CHECK(run_shown("tls", {url, "/no/such/file"}).exit == Exit{.code = 2});
}

TEST_CASE("guide, MQTT 5 properties: what is sent is read again") {
    BrokerThread broker;
    const Result result = run_shown("properties", {plain_url(broker)});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.out.starts_with("home/kitchen/temp of type text/plain\n"));
    CHECK(result.out.find("  user-property: 0 sensor kitchen\n") != std::string::npos);
    CHECK(result.out.find("  message-expiry-interval: 3600") != std::string::npos);
    CHECK(broker.violations().empty());
}

TEST_CASE("guide, requests: the answer arrives") {
    BrokerThread broker;
    const Result result = run_shown("request", {plain_url(broker)});
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.out == "you said hello\n");
    CHECK(result.err.empty());
    CHECK(broker.violations().empty());
}

TEST_CASE("guide, threads: calls from another thread wait for the broker") {
    BrokerThread broker;
    const Result result = run_shown("blocking", {plain_url(broker)}, "one\ntwo\nthree\n");
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(payloads_at(broker) == std::vector<std::string>{"one", "two", "three"});
    CHECK(broker.violations().empty());
}

TEST_CASE(
    "guide, outages: what was not acknowledged when the program was killed is sent by its next run, once") {
    BrokerThread broker;
    const TempDir directory;
    const std::string file = directory.file("session");
    broker.set([](broker::Behaviour& it) { it.answer_publish = false; });
    {
        Process first(Command{.argv = {GUIDE_FOLDER + std::string("spool"), plain_url(broker), file},
                              .input = "one\ntwo\nthree\n"});
        REQUIRE(broker.wait_until([](Broker& it) {
            std::size_t held = 0;
            for (const auto& [id, session] : it.sessions()) held += session->received.size();
            return held == 3;
        }));
        first.send_signal(SIGKILL);
        static_cast<void>(first.wait());
        REQUIRE(broker.wait_for_clients(0));
    }
    broker.set([](broker::Behaviour& it) { it.answer_publish = true; });
    const Result second = run_shown("spool", {plain_url(broker), file}, "four\n");
    CHECK(second.exit == Exit{.code = 0});
    CHECK(second.err.empty());
    // The broker had the first three: it is sent them again with DUP and the same identifiers, and forwards each once.
    std::string seen;
    for (const auto& one : broker.received())
        seen += std::string(as_text(one.message->payload)) + (one.dup ? " again, " : ", ");
    CHECK(seen == "one, two, three, one again, two again, three again, four, ");
    // Nothing is left for a third run.
    CHECK(run_shown("spool", {plain_url(broker), file}).exit == Exit{.code = 0});
    CHECK(broker.received().size() == 7);
    CHECK(broker.violations().empty());
}
