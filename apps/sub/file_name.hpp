// --save: how text that comes from the broker is written in a file's name.
//
// Nothing that is put here can make a component that is empty, begins with a dot or a dash, holds a slash, a
// NUL or a control character, or is longer than max_level bytes. Two texts are never written alike.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "text_buffer.hpp"

namespace mqttc::sub {

/// Longer levels are cut and get a hash of the whole.
inline constexpr std::size_t max_level = 120;
/// So many levels of a topic become folders; what follows is one level.
inline constexpr std::size_t max_topic_folders = 32;

/// To be asked before names are made: whether the library is there that hashes long levels. Error: why not.
std::expected<void, std::string> check_file_names();

/// Control characters, bytes that are not UTF-8, '/', '%', a backslash and a leading '.' or '-' are written %XX.
/// Empty text is nothing.
void append_file_part(TextBuffer& out, std::string_view text);
/// The same with each level of a topic as a component; an empty level is "%_".
void append_file_topic(TextBuffer& out, std::string_view topic);

}  // namespace mqttc::sub
