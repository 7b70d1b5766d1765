// Bytes for tests, written so that they can be commented: hex("10 0e" "0004 'MQTT'") and back.
#pragma once

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace mqttc::test {

/// Pairs of hex digits and text in single quotes; spaces are ignored. Anything else aborts: the test is wrong.
inline std::vector<std::uint8_t> hex(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    while (!text.empty()) {
        if (text[0] == ' ') {
            text.remove_prefix(1);
        } else if (text[0] == '\'') {
            const std::size_t end = text.find('\'', 1);
            if (end == std::string_view::npos) std::abort();
            bytes.insert(bytes.end(), text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(end));
            text.remove_prefix(end + 1);
        } else {
            if (text.size() < 2 || std::isxdigit(static_cast<unsigned char>(text[0])) == 0 ||
                std::isxdigit(static_cast<unsigned char>(text[1])) == 0)
                std::abort();
            bytes.push_back(
                static_cast<std::uint8_t>(std::stoi(std::string(text.substr(0, 2)), nullptr, 16)));
            text.remove_prefix(2);
        }
    }
    return bytes;
}

/// The bytes as pairs of hex digits, for messages and comparisons: "10 0e 00".
template <class ByteRange>
std::string to_hex(const ByteRange& bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto value : bytes) {
        const auto byte = static_cast<std::uint8_t>(value);
        if (!text.empty()) text += ' ';
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

}  // namespace mqttc::test
