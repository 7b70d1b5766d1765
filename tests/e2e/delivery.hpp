// What the tests of delivery share: both programs on any port, numbered lines, and the account of what
// arrived.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/process.hpp"

namespace mqttc::test {

using Words = std::vector<std::string>;

/// Sanitizers take memory and time of their own, an emulator too (emulated()).
#ifdef MQTTC_SANITIZED
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
inline const std::size_t slack_kib = sanitized ? 64 * 1024 : emulated() ? 16 * 1024 : 1024;

/// mqtt_pub or mqtt_sub on 127.0.0.1, without config file and environment of the person who tests.
inline Command client(std::string_view name, std::uint16_t port, Words options) {
    Command command;
    command.argv = {program(name), "-h", "127.0.0.1", "-p", std::to_string(port)};
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    command.env = {{"HOME", "/nonexistent"}};
    command.unset = {"XDG_CONFIG_HOME", "MQTT_URL",      "MQTT_HOST",  "MQTT_PORT",
                     "MQTT_USERNAME",   "MQTT_PASSWORD", "MQTT_CAFILE"};
    return command;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

/// "0\n1\n…"
inline std::string numbered_lines(std::size_t count) {
    std::string lines;
    lines.reserve(count * 7);
    for (std::size_t i = 0; i < count; ++i) lines.append(std::to_string(i)).append("\n");
    return lines;
}

/// What became of numbered lines.
struct Account {
    std::size_t lost = 0;
    std::size_t duplicated = 0;  ///< arrivals beyond the first
    std::size_t late = 0;        ///< first arrivals behind a higher number
    std::size_t foreign = 0;     ///< lines that were never sent

    bool operator==(const Account&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Account& it) {
    return out << it.lost << " lost, " << it.duplicated << " duplicated, " << it.late << " late, "
               << it.foreign << " foreign";
}

inline Account account(std::string_view text, std::size_t count) {
    Account result;
    std::vector<bool> seen(count);
    std::size_t highest = 0;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        std::size_t number = count;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (error != std::errc() || end != line.data() + line.size() || number >= count) {
            ++result.foreign;
        } else if (seen[number]) {
            ++result.duplicated;
        } else {
            seen[number] = true;
            if (number < highest) ++result.late;
            highest = std::max(highest, number);
        }
    }
    result.lost = static_cast<std::size_t>(std::count(seen.begin(), seen.end(), false));
    return result;
}

/// The most memory, in KiB, that a running process has had.
inline std::size_t peak_kib(const Process& process) {
    std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
    std::string line;
    while (std::getline(status, line))
        if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
    return 0;
}

/// The processor time in seconds that a running process has used.
inline double cpu_seconds(const Process& process) {
    std::ifstream stat("/proc/" + std::to_string(process.pid()) + "/schedstat");
    std::uint64_t nanoseconds = 0;
    stat >> nanoseconds;
    return static_cast<double>(nanoseconds) / 1e9;
}

/// How long the end of the process is waited for, and how it ended.
struct Timed {
    Exit exit;
    std::chrono::milliseconds took{};
};
inline Timed wait_timed(Process& process) {
    const auto start = std::chrono::steady_clock::now();
    const Exit exit = process.wait();
    return {exit,
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)};
}

}  // namespace mqttc::test
