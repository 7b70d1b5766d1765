// UTF-8 as MQTT wants it (MQTT 5.0 section 1.5.4; the table is Unicode's 3-7 of well-formed byte sequences).
#include "utf8.hpp"

namespace mqttc {

namespace {

/// The bytes of the character at the front of `at`, 0 when it is not well-formed or is U+0000.
std::size_t character_size(const unsigned char* at, std::size_t available) {
    const auto continues = [=](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return i < available && at[i] >= low && at[i] <= high;
    };
    const unsigned lead = at[0];
    if (lead < 0x80) return lead == 0 ? 0 : 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;   // below: overlong
        const unsigned high = lead == 0xed ? 0x9f : 0xbf;  // above: surrogates
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned low = lead == 0xf0 ? 0x90 : 0x80;   // below: overlong
        const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;  // above: over U+10FFFF
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

bool valid_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t i = 0;
    while (i < text.size()) {
        if (text.size() - i >= 8 && codec::detail::word_ok<true>(codec::detail::load8(text.data() + i))) {
            i += 8;
            continue;
        }
        const std::size_t size = character_size(at + i, text.size() - i);
        if (size == 0) return false;
        i += size;
    }
    return true;
}

std::string codec::visible(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    std::string shown;
    for (std::size_t i = 0; i < text.size();) {
        const unsigned byte = at[i];
        std::size_t size = character_size(at + i, text.size() - i);
        const bool c1_control = byte == 0xc2 && size == 2 && at[i + 1] < 0xa0;
        if (size > 0 && byte >= 0x20 && byte != 0x7f && !c1_control) {
            shown += text.substr(i, size);
        } else {
            size = 1;
            shown.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 0x0f]);
        }
        i += size;
    }
    return shown;
}

}  // namespace mqttc
