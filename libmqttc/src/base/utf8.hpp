// UTF-8: the one decoder (Unicode's table 3-7 of well-formed byte sequences).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mqttc {

/// A byte in each byte of a word, for work on eight bytes at a time.
inline constexpr std::uint64_t each_byte = 0x0101'0101'0101'0101U;

/// The eight bytes at `at` as one word.
inline std::uint64_t load8(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// The top bit of each byte of the word that is printable ASCII, from space to '~'.
inline std::uint64_t printable_ascii(std::uint64_t word) {
    constexpr std::uint64_t top_bits = 0x80 * each_byte;
    // Without their top bits no sum of bytes carries into the next one: each top bit of a sum then means "at least 0x20" or
    // "not DEL".
    const std::uint64_t low = word & ~top_bits;
    return ~word & (low + (0x80 - 0x20) * each_byte) & ((low ^ 0x7f * each_byte) + 0x7f * each_byte) &
           top_bits;
}

/// The length of the well-formed sequence (U+0000 to U+10FFFF without surrogates) at the start of `text`, 1 to 4; 0 when
/// there is none.
inline std::size_t utf8_sequence(std::string_view text) {
    const auto continues = [text](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return i < text.size() && static_cast<unsigned char>(text[i]) >= low &&
               static_cast<unsigned char>(text[i]) <= high;
    };
    if (text.empty()) return 0;
    const unsigned lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return 1;
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

/// The character of a well-formed sequence.
inline std::uint32_t utf8_code(std::string_view sequence) {
    const unsigned lead = static_cast<unsigned char>(sequence[0]);
    std::uint32_t code = sequence.size() == 1 ? lead : lead & (0x7fU >> sequence.size());
    for (const char c : sequence.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3fU);
    return code;
}

/// True iff `text` starts with a control character outside ASCII: C1 (U+0080 to U+009F), or one that changes the
/// direction of writing, breaks lines or is invisible (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069,
/// U+FEFF), after which a terminal may show a line in another order.
inline bool starts_with_wide_control(std::string_view text) {
    if (text.size() < 2) return false;
    const auto next = static_cast<unsigned char>(text[1]);
    if (text[0] == '\xc2') return next - 0x80U < 0x20;
    if (text[0] == '\xd8') return next == 0x9c;
    if (text.size() < 3) return false;
    const auto last = static_cast<unsigned char>(text[2]);
    if (text[0] == '\xef') return next == 0xbb && last == 0xbf;
    if (text[0] != '\xe2') return false;
    if (next == 0x80) return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
    return next == 0x81 && last >= 0xa6 && last <= 0xa9;
}

/// True iff all of `text` is well-formed.
inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const bool ascii =
            text.size() >= sizeof(std::uint64_t) && (load8(&text.front()) & (0x80 * each_byte)) == 0;
        const std::size_t length = ascii ? sizeof(std::uint64_t) : utf8_sequence(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace mqttc
