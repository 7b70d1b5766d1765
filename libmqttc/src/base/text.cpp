// Errors of the system and durations in words.
#include "base/text.hpp"

#include <cstring>

namespace mqttc {

std::string errno_text(int number) {
    const char* known = strerrordesc_np(number);
    if (known == nullptr) return "error " + std::to_string(number);
    std::string text = known;
    // "I/O error" keeps its capitals.
    if (text.size() > 1 && lower(text[1]) == text[1] && text[1] >= 'a') text[0] = lower(text[0]);
    return text;
}

std::string seconds_text(std::chrono::nanoseconds duration) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    std::string text = std::to_string(milliseconds / 1000);
    if (const auto rest = milliseconds % 1000; rest != 0) {
        text.append(".").append(std::to_string(1000 + rest).substr(1));
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text.append(" s");
}

}  // namespace mqttc
