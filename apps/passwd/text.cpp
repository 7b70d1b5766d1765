// Spaces, control characters and UTF-8.
#include "text.hpp"

#include "common/visible.hpp"

namespace mqttc::passwd {

std::string_view trim_spaces(std::string_view text) {
    constexpr std::string_view spaces = " \t\r";
    const auto first = text.find_first_not_of(spaces);
    if (first == text.npos) return text.substr(text.size());
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = app::utf8_sequence(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace mqttc::passwd
