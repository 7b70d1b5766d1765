// Bytes written as text: hexadecimal and base64 back to bytes.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "options.hpp"

namespace mqttc::pub {

/// Replaces what `out` holds by the bytes that `text` stands for. Hexadecimal: digits in both cases, an even
/// number of them, nothing between. Base64: RFC 4648 section 4, with padding. Error: what is wrong and at
/// which character (the first one is 1), for people.
std::expected<void, std::string> decode(app::Encoding encoding, std::string_view text, std::string& out);

}  // namespace mqttc::pub
