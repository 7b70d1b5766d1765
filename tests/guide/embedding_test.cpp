// Tests of the example programs in the loops of other libraries, with a worker thread, and between two brokers.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "support/certificates.hpp"
#include "support/needs.hpp"
#include "support/process.hpp"
#include "tls_server.hpp"
#include "websocket_server.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Broker;
using broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

std::string example(const std::string& name) {
    return GUIDE_FOLDER + name;
}

bool wait_for_subscriber(BrokerThread& broker) {
    return broker.wait_until([](Broker& it) {
        if (it.clients() != 1) return false;
        for (const auto& [id, session] : it.sessions()) {
            if (!session->subscriptions.empty()) return true;
        }
        return false;
    });
}

void restart(BrokerThread& broker) {
    broker.stop_accepting();
    broker.drop_connections();
    REQUIRE(broker.wait_for_clients(0));
    REQUIRE(broker.resume_accepting());
}

/// The program prints what is published, over TLS and a restart of the broker, and ends when it is told to.
void run_in_loop(const std::string& program, bool websocket = false) {
    const Certificates certificates;
    const KeyPair server = certificates.issue("server");
    auto factory = broker::make_tls_factory({.cert_file = server.certificate, .key_file = server.key});
    REQUIRE(factory);
    broker::Options options;
    options.listeners.push_back(
        {.make_stream = websocket ? broker::websocket_on(std::move(*factory)) : std::move(*factory)});
    BrokerThread broker(std::move(options));
    Process process(Command{
        .argv = {example(program),
                 (websocket ? "wss://localhost:" : "mqtts://localhost:") + std::to_string(broker.port()),
                 certificates.ca_file()},
        .env = {{"MQTTC_TLS_MODULE", TLS_MODULE}}});
    REQUIRE(wait_for_subscriber(broker));
    broker.publish("home/a", "one", Qos::at_least_once);
    CHECK(process.wait_out("one\n"));
    restart(broker);
    REQUIRE(wait_for_subscriber(broker));
    broker.publish("home/b", "two", Qos::at_least_once);
    CHECK(process.wait_out("two\n"));
    broker.publish("home/b", "stop", Qos::at_least_once);
    CHECK(process.wait() == Exit{.code = 0});
    CHECK(process.out() == "one\ntwo\nstop\n");
    CHECK(process.err().empty());
    CHECK(broker.violations().empty());
}

Needs needs_loop(const char* name, const char* reason) {
    return needs_program((GUIDE_FOLDER + std::string(name)).c_str(), reason);
}

}  // namespace

TEST_CASE("a client runs in a loop of poll(2), over TLS and a restart of the broker") {
    run_in_loop("loop_poll");
}

TEST_CASE("a client runs in a loop of poll(2), over WebSocket and TLS") {
    run_in_loop("loop_poll", true);
}

TEST_CASE("a client runs in GLib's main loop, over TLS and a restart of the broker" *
          needs_loop("loop_glib", "libglib2.0-dev is not installed")) {
    run_in_loop("loop_glib");
}

TEST_CASE("a client runs in a loop of libuv, over TLS and a restart of the broker" *
          needs_loop("loop_libuv", "libuv1-dev is not installed")) {
    run_in_loop("loop_libuv");
}

TEST_CASE("a client runs in an io_context of Boost.Asio, over TLS and a restart of the broker" *
          needs_loop("loop_asio", "libboost-dev is not installed")) {
    run_in_loop("loop_asio");
}

TEST_CASE("readings of a worker thread are all delivered in their order, over restarts of the broker") {
    BrokerThread broker;
    Process process(
        Command{.argv = {example("worker"), "mqtt://127.0.0.1:" + std::to_string(broker.port())}});
    for (std::size_t i = 1; i <= 3; ++i) {
        REQUIRE(broker.wait_for_received(i * 20));
        restart(broker);
    }
    REQUIRE(broker.wait_for_received(100));
    process.send_signal(SIGINT);
    CHECK(process.wait() == Exit{.code = 0});
    CHECK(process.err().empty());
    std::size_t next = 0;
    for (const auto& one : broker.received()) {
        const auto number = std::stoul(std::string(as_text(one.message->payload)));
        CHECK(number <= next);  // QoS 1 may send one again
        next = std::max<std::size_t>(next, number + 1);
    }
    CHECK(next >= 97);
    CHECK(broker.violations().empty());
}

TEST_CASE("a bridge loses and doubles none of 100,000 QoS 2 messages while both connections break") {
    constexpr std::size_t count = 100'000;
    constexpr std::size_t cuts = 20;
    BrokerThread from;
    BrokerThread to;
    Process process(Command{.argv = {example("bridge"), "mqtt://127.0.0.1:" + std::to_string(from.port()),
                                     "mqtt://127.0.0.1:" + std::to_string(to.port())}});
    REQUIRE(wait_for_subscriber(from));
    from.ask([](Broker& it) {
        for (std::size_t i = 0; i < count; ++i)
            it.publish("in/x", std::to_string(i), Qos::exactly_once, false);
        return true;
    });
    for (std::size_t cut = 1; cut < cuts; ++cut) {
        REQUIRE(to.wait_until([&](Broker& it) { return it.received().size() >= cut * (count / cuts); }, 60s));
        (cut % 2 == 0 ? from : to).drop_connections();
    }
    REQUIRE(to.wait_until([](Broker& it) { return it.received().size() >= count; }, 60s));
    std::size_t next = 0;
    std::size_t wrong = 0;
    for (const auto& one : to.received()) {
        if (as_text(one.message->payload) != std::to_string(next++)) ++wrong;
    }
    CHECK(next == count);
    CHECK(wrong == 0);
    CHECK(process.running());
    CHECK(from.violations().empty());
    CHECK(to.violations().empty());
}
