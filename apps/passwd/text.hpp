// Text functions that the file parser and its callers share.
#pragma once

#include <string_view>

namespace mqttc::passwd {

/// `text` without spaces, tabs and carriage returns at both ends; a view into `text`.
[[nodiscard]] std::string_view trim_spaces(std::string_view text);

[[nodiscard]] bool is_control(char c);

/// True if `text` is well-formed UTF-8 (no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace mqttc::passwd
