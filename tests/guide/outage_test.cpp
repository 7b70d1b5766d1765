// What mqttc(3) says about outages: with clean_start false the broker keeps the messages, in each version of MQTT.
#include <doctest/doctest.h>
#include <poll.h>

#include <functional>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "mqttc/client.hpp"

using namespace mqttc;
using broker::Broker;
using broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

/// Turns until `condition` holds, at most ten seconds.
bool turn_until(Client& client, const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        const auto goes_on = client.turn();
        REQUIRE(goes_on);
        pollfd polled{.fd = client.descriptor(), .events = POLLIN, .revents = 0};
        ::poll(&polled, 1, 10);
    }
    return true;
}

/// What arrives of a message before, one during and one after an outage of the broker.
std::vector<std::string> arrive(ProtocolVersion version, bool clean_start) {
    BrokerThread broker;
    ClientOptions options;
    options.endpoint.host = "127.0.0.1";
    options.endpoint.port = broker.port();
    options.session.version = version;
    options.session.client_id = "outage";
    options.session.clean_start = clean_start;
    options.reconnect.min_delay = options.reconnect.max_delay = 10ms;
    ClientHandler no_events;
    Client client(std::move(options), no_events);
    std::vector<std::string> arrived;
    bool subscribed = false;
    REQUIRE(client.subscribe(
        {.filter = "a", .qos = Qos::at_least_once},
        [&](const Publish& message) { arrived.emplace_back(as_text(message.payload)); },
        [&](ReasonCode code) { subscribed = code == 1; }));
    REQUIRE(turn_until(client, [&] { return subscribed; }));
    broker.publish("a", "before", Qos::at_least_once);
    REQUIRE(turn_until(client, [&] { return arrived.size() == 1; }));

    broker.stop_accepting();
    broker.drop_connections();
    REQUIRE(turn_until(client, [&] { return !client.session().connected(); }));
    REQUIRE(broker.wait_for_clients(0));
    broker.publish("a", "during", Qos::at_least_once);
    REQUIRE(broker.resume_accepting());
    REQUIRE(turn_until(client, [&] { return client.session().connected(); }));
    // In 3.x a clean session's subscription is made again.
    REQUIRE(turn_until(client, [&] {
        return broker.ask([](Broker& it) {
            const auto* session = it.sessions().find("outage");
            return session != nullptr && !session->subscriptions.empty();
        });
    }));
    broker.publish("a", "after", Qos::at_least_once);
    REQUIRE(turn_until(client, [&] { return !arrived.empty() && arrived.back() == "after"; }));
    client.disconnect();
    CHECK(broker.violations().empty());
    return arrived;
}

const std::vector<std::string> all{"before", "during", "after"};

}  // namespace

TEST_CASE("a message sent during an outage arrives in MQTT 3.1.1 with clean_start false") {
    CHECK(arrive(ProtocolVersion::v311, false) == all);
}

TEST_CASE("a message sent during an outage arrives in MQTT 5 with clean_start false") {
    CHECK(arrive(ProtocolVersion::v5, false) == all);
}

TEST_CASE("a message sent during an outage arrives in MQTT 3.1 with clean_start false") {
    CHECK(arrive(ProtocolVersion::v31, false) == all);
}

TEST_CASE("a client of MQTT 5 that runs misses nothing with a clean start either, one of 3.1.1 does") {
    CHECK(arrive(ProtocolVersion::v5, true) == all);
    CHECK(arrive(ProtocolVersion::v311, true) == std::vector<std::string>{"before", "after"});
}
