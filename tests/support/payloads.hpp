// Payloads for tests, and what the tests count in output.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace mqttc::test {

/// The same in each run.
inline std::string random_bytes(std::size_t size) {
    std::mt19937_64 generator(4711);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(generator());
    return bytes;
}

/// Each byte once.
inline std::string all_bytes() {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    return bytes;
}

/// "0\n1\n…"
inline std::string numbered_lines(std::size_t count) {
    std::string lines;
    lines.reserve(count * 7);
    for (std::size_t i = 0; i < count; ++i) lines.append(std::to_string(i)).append("\n");
    return lines;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

}  // namespace mqttc::test
