// mqtt_sub as a process beside the embedded broker.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker_thread.hpp"
#include "support/process.hpp"

namespace mqttc::test {

using Words = std::vector<std::string>;

inline std::string text(const Words& words) {
    std::string all;
    for (const std::string& word : words) all += word + ' ';
    return all;
}

/// The command line of mqtt_sub for this broker.
inline Command subscriber(broker::BrokerThread& broker, const Words& options) {
    Command command{.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", std::to_string(broker.port())}};
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    command.unset = {"MQTT_URL",      "MQTT_HOST",       "MQTT_PORT", "MQTT_USERNAME",
                     "MQTT_PASSWORD", "XDG_CONFIG_HOME", "HOME"};
    return command;
}

/// Waits until the broker has as many subscriptions as that.
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

inline constexpr Exit ok{.code = 0};

}  // namespace mqttc::test
