// What the tests of delivery share: which of the numbered lines arrived, and what a process used.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/needs.hpp"
#include "support/payloads.hpp"
#include "support/programs.hpp"

namespace mqttc::test {

/// What sanitizers and an emulator add to the memory of a program.
inline const std::size_t slack_kib = sanitized ? 64 * 1024 : emulated() ? 16 * 1024 : 1024;

/// What became of numbered lines.
struct Arrivals {
    std::size_t lost = 0;
    std::size_t duplicated = 0;  ///< arrivals beyond the first
    std::size_t late = 0;        ///< first arrivals after a higher number
    std::size_t unexpected = 0;  ///< lines that were never sent

    bool operator==(const Arrivals&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Arrivals& it) {
    return out << it.lost << " lost, " << it.duplicated << " duplicated, " << it.late << " late, "
               << it.unexpected << " unexpected";
}

inline Arrivals count_arrivals(std::string_view text, std::size_t count) {
    Arrivals result;
    std::vector<bool> seen(count);
    std::size_t highest = 0;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        std::size_t number = count;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (error != std::errc() || end != line.data() + line.size() || number >= count) {
            ++result.unexpected;
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

/// The peak memory of a running process in KiB.
inline std::size_t peak_kib(const Process& process) {
    std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
    std::string line;
    while (std::getline(status, line))
        if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
    return 0;
}

/// The processor time in seconds of all child processes that have ended.
inline double children_cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// How a process ended, and after how long.
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
