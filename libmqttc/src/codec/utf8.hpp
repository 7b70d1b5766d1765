// The fast half of MQTT's UTF-8 rules: most strings are ASCII, of which eight bytes are checked at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/utf8.hpp"
#include "mqttc/topic.hpp"

namespace mqttc::codec {

namespace detail {

inline std::uint32_t load4(const char* at) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// For bytes below 0x80: the top bit of each byte is set iff the byte is not 0. No carry leaves a byte.
inline std::uint64_t nonzero(std::uint64_t word) {
    return word + 0x7f * each_byte;
}

/// True iff all eight bytes are ASCII and none is NUL, nor + or # where those are forbidden.
template <bool wildcards_allowed>
inline bool word_ok(std::uint64_t word) {
    std::uint64_t good = ~word & nonzero(word);
    // '+' and '#' differ in one bit: without it both are '#'.
    static_assert(('+' & ~0x08) == '#');
    if constexpr (!wildcards_allowed) good &= nonzero((word & (0xf7 * each_byte)) ^ ('#' * each_byte));
    return (good & (0x80 * each_byte)) == 0x80 * each_byte;
}

template <bool wildcards_allowed>
inline bool plain_ascii(std::string_view text) {
    const char* at = text.data();
    const std::size_t size = text.size();
    if (size >= 8) {
        for (std::size_t i = 0; i + 8 < size; i += 8) {
            if (!word_ok<wildcards_allowed>(load8(at + i))) return false;
        }
        return word_ok<wildcards_allowed>(load8(at + size - 8));
    }
    if (size >= 4) {
        const std::uint64_t front = load4(at);
        return word_ok<wildcards_allowed>(front | std::uint64_t{load4(at + size - 4)} << 32);
    }
    if (size == 0) return true;
    const auto byte = [at](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
    return word_ok<wildcards_allowed>(byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16 |
                                      ('a' * each_byte) << 24);
}

}  // namespace detail

/// valid_utf8, fast for ASCII.
inline bool text_ok(std::string_view text) {
    return detail::plain_ascii<true>(text) || valid_utf8(text);
}

/// True: a valid topic name, as most are. False: it may be valid or not.
inline bool plain_name(std::string_view text) {
    return detail::plain_ascii<false>(text);
}

}  // namespace mqttc::codec
