// Running mqtt_pub in tests: no config file and no environment of the person who tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/process.hpp"

namespace mqttc::test {

inline Command pub_command(std::vector<std::string> arguments) {
    Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), program("mqtt_pub"));
    command.env = {{"HOME", "/nonexistent"}};
    command.unset = {"XDG_CONFIG_HOME", "MQTT_URL",      "MQTT_HOST",  "MQTT_PORT",
                     "MQTT_USERNAME",   "MQTT_PASSWORD", "MQTT_CAFILE"};
    return command;
}

/// To a broker on 127.0.0.1.
inline Command pub_command(std::uint16_t port, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-h", "127.0.0.1", "-p", std::to_string(port)});
    return pub_command(std::move(arguments));
}

inline Result publish(std::uint16_t port, std::vector<std::string> arguments, std::string input = {}) {
    Command command = pub_command(port, std::move(arguments));
    command.input = std::move(input);
    // Some publish a hundred thousand messages, under an emulator.
    return run(std::move(command), std::chrono::minutes(4));
}

/// Runs it and demands exit code 0 and silence.
inline void publish_ok(std::uint16_t port, std::vector<std::string> arguments, std::string input = {}) {
    const Result result = publish(port, std::move(arguments), std::move(input));
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(result.out.empty());
}

}  // namespace mqttc::test
