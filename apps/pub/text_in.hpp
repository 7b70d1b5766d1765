// Bytes written as text: hexadecimal and base64 back to bytes.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "options.hpp"

namespace mqttc::pub {

/// Replaces `out` with the bytes that `text` encodes. Error: what is wrong and at which character (the first is 1).
std::expected<void, std::string> decode(app::Encoding encoding, std::string_view text, std::string& out);

}  // namespace mqttc::pub
