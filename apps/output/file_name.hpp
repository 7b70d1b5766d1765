// --save: how text from the broker is written in a file name.
//
// No text can make a component that is empty, starts with a dot or a dash, contains a slash, a NUL or a control
// character, or is longer than max_level bytes. Different texts are written differently.
#pragma once

#include <cstddef>
#include <string_view>

#include "text_buffer.hpp"

namespace mqttc::output {

/// Longer levels are cut, and a hash of all of it is appended.
inline constexpr std::size_t max_level = 120;
/// This many levels of a topic become directories; what follows is one level.
inline constexpr std::size_t max_topic_directories = 32;

/// Control characters, bytes that are not UTF-8, '/', '%', a backslash and a leading '.' or '-' are written %XX.
/// Empty text is nothing. `whole` is hashed when `text` is cut: `text` itself, or what it is the encoded start of.
void append_file_part(TextBuffer& out, std::string_view text, std::string_view whole);
/// The same with each level of a topic as a component; an empty level is "%_".
void append_file_topic(TextBuffer& out, std::string_view topic);

}  // namespace mqttc::output
