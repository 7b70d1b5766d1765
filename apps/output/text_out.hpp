// Bytes as text in the output buffer: hexadecimal and base64.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/encoding.hpp"
#include "mqttc/types.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

void append_hex(TextBuffer& out, Bytes bytes, HexCase letters);
/// `separator` after every `group` digits, not at the end. `group` > 0.
void append_hex_grouped(TextBuffer& out, Bytes bytes, HexCase letters, std::size_t group, char separator);
/// How many characters append_hex_grouped appends.
std::size_t hex_grouped_size(std::size_t bytes, std::size_t group);

/// RFC 4648 section 4, with padding.
void append_base64(TextBuffer& out, Bytes bytes);

void append_number(TextBuffer& out, std::uint64_t number);

}  // namespace mqttc::output
