// The programs under test as commands: without config files and environment variables of the user who runs the tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/process.hpp"

namespace mqttc::test {

using Words = std::vector<std::string>;

inline constexpr Exit ok{.code = 0};

inline Words operator+(Words first, const Words& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// The words as one line, for messages.
inline std::string as_line(const Words& words) {
    std::string line;
    for (const std::string& word : words) line += word + ' ';
    return line;
}

/// A program of this build ("mqtt_pub"), or the one of that path.
inline Command program_command(std::string_view name, Words arguments) {
    arguments.insert(arguments.begin(), name.starts_with('/') ? std::string(name) : program(name));
    return {.argv = std::move(arguments),
            .env = {{"HOME", "/nonexistent"}, {"TERM", "xterm"}},
            .unset = {"XDG_CONFIG_HOME", "NO_COLOR", "CLICOLOR_FORCE", "MQTT_URL", "MQTT_HOST", "MQTT_PORT",
                      "MQTT_USERNAME", "MQTT_PASSWORD", "MQTT_CAFILE"}};
}

/// A client, ours or Mosquitto's, of a broker on 127.0.0.1.
inline Command client(std::string_view name, std::uint16_t port, const Words& options) {
    return program_command(name, Words{"-h", "127.0.0.1", "-p", std::to_string(port)} + options);
}

}  // namespace mqttc::test
