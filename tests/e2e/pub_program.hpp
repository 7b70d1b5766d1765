// Running mqtt_pub in tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "support/programs.hpp"

namespace mqttc::test {

inline Command pub_command(Words arguments) {
    return program_command("mqtt_pub", std::move(arguments));
}

/// To a broker on 127.0.0.1.
inline Command pub_command(std::uint16_t port, const Words& arguments) {
    return client("mqtt_pub", port, arguments);
}

inline Result publish(std::uint16_t port, const Words& arguments, std::string input = {}) {
    Command command = pub_command(port, arguments);
    command.input = std::move(input);
    // Some tests publish 100,000 messages under an emulator.
    return run(std::move(command), std::chrono::minutes(4));
}

/// Runs it; it must end with 0 and print nothing.
inline void publish_ok(std::uint16_t port, const Words& arguments, std::string input = {}) {
    const Result result = publish(port, arguments, std::move(input));
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(result.out.empty());
}

}  // namespace mqttc::test
