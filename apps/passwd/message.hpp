// The one writer of messages to the user.
#pragma once

#include <string_view>

namespace mqttc::passwd {

/// Writes "mqtt_passwd: TEXT" and a newline to stderr, in one write. TEXT is made visible().
void say(std::string_view text);

/// Writes all of `text` to stdout. Returns false iff that failed.
[[nodiscard]] bool print(std::string_view text);

}  // namespace mqttc::passwd
