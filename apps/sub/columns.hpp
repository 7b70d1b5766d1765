// How wide a text is on a terminal, and as much of it as fits.
#pragma once

#include <cstddef>
#include <string_view>

#include "text_buffer.hpp"

namespace mqttc::sub {

/// The length of the escape sequence (CSI) that `text` starts with.
std::size_t escape_sequence_length(std::string_view text);
/// How many columns of a terminal `text` takes; escape sequences (CSI) take none.
std::size_t display_width(std::string_view text);
/// Appends as much of `text` as fits in `columns`, and an ellipsis where it was cut. Escape sequences are
/// kept, and of many characters without a width in a row only the first.
void append_clipped(output::TextBuffer& out, std::string_view text, std::size_t columns);

}  // namespace mqttc::sub
