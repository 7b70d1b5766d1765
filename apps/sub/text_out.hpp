// Bytes as text: hexadecimal, base64, and with control characters made visible.
#pragma once

#include <cstddef>
#include <string_view>

#include "mqttc/types.hpp"
#include "text_buffer.hpp"
#include "visible.hpp"

namespace mqttc::sub {

enum class HexCase : bool { lower, upper };

void append_hex(TextBuffer& out, Bytes bytes, HexCase letters);
/// `separator` after every `group` digits, not at the end. `group` > 0.
void append_hex_grouped(TextBuffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator);
/// How many characters append_hex_grouped appends.
std::size_t hex_grouped_size(std::size_t bytes, std::size_t group);

/// RFC 4648 section 4, with padding.
void append_base64(TextBuffer& out, Bytes bytes);
constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

void append_number(TextBuffer& out, std::uint64_t number);

using app::append_visible;
using app::has_controls;
using app::LineBreaks;
using app::utf8_sequence;

}  // namespace mqttc::sub
