// mqtt_sub as a process, connected to the embedded broker.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>

#include "broker_thread.hpp"
#include "support/programs.hpp"

namespace mqttc::test {

/// The command line of mqtt_sub for this broker.
inline Command subscriber(const broker::BrokerThread& broker, const Words& options) {
    return client("mqtt_sub", broker.port(), options);
}

/// Waits until the broker has exactly `count` subscriptions.
inline bool wait_for_subscriptions(broker::BrokerThread& broker, std::size_t count = 1) {
    return broker.wait_until([count](broker::Broker& it) {
        std::size_t have = 0;
        for (const auto& [id, session] : it.sessions()) have += session->subscriptions.size();
        return have == count;
    });
}

/// A subscriber whose subscriptions the broker has.
class Subscribed {
  public:
    Subscribed(broker::BrokerThread& broker, const Words& options, std::size_t subscriptions = 1)
        : process(subscriber(broker, options)) {
        REQUIRE(wait_for_subscriptions(broker, subscriptions));
    }
    Process process;
};

}  // namespace mqttc::test
