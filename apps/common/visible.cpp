// Text that a terminal can't obey.
#include "visible.hpp"

namespace mqttc::app {
namespace {

// Of one character at the start that may be shown as it is, or 0.
std::size_t harmless_character(std::string_view text, LineBreaks breaks) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c < 0x20 || c == 0x7f) return breaks == LineBreaks::keep && (c == '\n' || c == '\t') ? 1 : 0;
    const std::size_t length = utf8_sequence(text);
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    return c1 ? 0 : length;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return i < text.size() && (at(i) & 0xc0) == 0x80; };
    if (text.empty()) return 0;
    const unsigned char lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4 || !tail(1)) return 0;
    if (lead < 0xe0) return 2;
    const unsigned char second = at(1);
    if (lead < 0xf0) {
        const bool overlong = lead == 0xe0 && second < 0xa0;
        const bool surrogate = lead == 0xed && second >= 0xa0;
        return !overlong && !surrogate && tail(2) ? 3 : 0;
    }
    const bool overlong = lead == 0xf0 && second < 0x90;
    const bool beyond = lead == 0xf4 && second >= 0x90;
    return !overlong && !beyond && tail(2) && tail(3) ? 4 : 0;
}

std::size_t harmless_length(std::string_view text, LineBreaks breaks) {
    std::size_t length = 0;
    while (length < text.size()) {
        const std::size_t one = harmless_character(text.substr(length), breaks);
        if (one == 0) break;
        length += one;
    }
    return length;
}

SpelledByte::SpelledByte(char byte) : text_{'\\'}, length_(2) {
    constexpr std::string_view digits = "0123456789abcdef";
    switch (byte) {
        case '\n':
            text_[1] = 'n';
            break;
        case '\r':
            text_[1] = 'r';
            break;
        case '\t':
            text_[1] = 't';
            break;
        default:
            text_[1] = 'x';
            text_[2] = digits[static_cast<unsigned char>(byte) >> 4];
            text_[3] = digits[static_cast<unsigned char>(byte) & 0x0f];
            length_ = 4;
    }
}

std::string visible(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_visible(out, text, LineBreaks::hide);
    return out;
}

}  // namespace mqttc::app
