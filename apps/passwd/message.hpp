// Output of the program: messages on stderr, text on stdout.
#pragma once

#include <string_view>

namespace mqttc::passwd {

/// Writes "mqtt_passwd: TEXT" and a newline to stderr in one write, with control characters in TEXT escaped.
void say(std::string_view text);

/// Writes `text` to stdout. Returns false if that failed.
[[nodiscard]] bool print(std::string_view text);

}  // namespace mqttc::passwd
