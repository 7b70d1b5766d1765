// Bytes as text: hexadecimal, base64, and with control characters made visible.
#pragma once

#include <cstddef>
#include <string_view>

#include "buffer.hpp"
#include "mqttc/types.hpp"

namespace mqttc::sub {

enum class HexCase : bool { lower, upper };

void append_hex(Buffer& out, Bytes bytes, HexCase letters);
/// `separator` after every `group` digits, not at the end. `group` > 0.
void append_hex_grouped(Buffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator);
/// How many characters append_hex_grouped appends.
std::size_t hex_grouped_size(std::size_t bytes, std::size_t group);

/// RFC 4648 section 4, with padding.
void append_base64(Buffer& out, Bytes bytes);
constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

void append_number(Buffer& out, std::uint64_t number);

/// The length of the well-formed UTF-8 sequence (U+0000 to U+10FFFF without surrogates) at the start of
/// `text`, 1 to 4; 0 when there is none.
std::size_t utf8_sequence(std::string_view text);

enum class LineBreaks : bool { hide, keep };

/// True iff `text` holds a byte that append_visible would rewrite.
bool has_controls(std::string_view text, LineBreaks breaks);
/// For terminals: C0 and C1 control characters, DEL and bytes that are not UTF-8 appear as \xHH (a terminal
/// could obey them), or \n, \r, \t. With LineBreaks::keep newline and tab stay.
void append_visible(Buffer& out, std::string_view text, LineBreaks breaks);

}  // namespace mqttc::sub
