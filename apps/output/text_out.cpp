// Bytes as text: hexadecimal and base64.
#include "text_out.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace mqttc::output {
namespace {

// Work is done in pieces so that a payload of any size needs no more than this much of the buffer at once.
constexpr std::size_t piece = 6 * 1024;
static_assert(piece % 3 == 0, "base64 pieces end on a whole group");

}  // namespace

void append_hex(TextBuffer& out, Bytes bytes, HexCase letters) {
    const HexPairs& pairs = hex_pairs(letters);
    while (!bytes.empty()) {
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        char* to = out.reserve(part.size() * 2);
        for (const std::uint8_t byte : part) {
            std::memcpy(to, pairs[byte].data(), 2);
            to += 2;
        }
        out.commit(part.size() * 2);
        bytes = bytes.subspan(part.size());
    }
}

void append_hex_grouped(TextBuffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator) {
    const HexPairs& pairs = hex_pairs(letters);
    std::size_t digits_left = group;
    while (!bytes.empty()) {
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        char* const start = out.reserve(part.size() * 4);
        char* to = start;
        for (const std::uint8_t byte : part) {
            for (const char digit : pairs[byte]) {
                if (digits_left == 0) {
                    *to++ = separator;
                    digits_left = group;
                }
                *to++ = digit;
                --digits_left;
            }
        }
        out.commit(static_cast<std::size_t>(to - start));
        bytes = bytes.subspan(part.size());
    }
}

std::size_t hex_grouped_size(std::size_t bytes, std::size_t group) {
    return bytes == 0 ? 0 : bytes * 2 + (bytes * 2 - 1) / group;
}

void append_base64(TextBuffer& out, Bytes bytes) {
    while (!bytes.empty()) {
        const Bytes part = bytes.first(std::min(bytes.size(), piece));
        const std::size_t size = base64_size(part.size());
        write_base64(part, out.reserve(size));
        out.commit(size);
        bytes = bytes.subspan(part.size());
    }
}

void append_number(TextBuffer& out, std::uint64_t number) {
    constexpr std::size_t longest = 20;
    char* const start = out.reserve(longest);
    out.commit(static_cast<std::size_t>(std::to_chars(start, start + longest, number).ptr - start));
}

}  // namespace mqttc::output
