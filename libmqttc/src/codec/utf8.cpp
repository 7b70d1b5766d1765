// UTF-8 as MQTT requires it: well-formed, without U+0000 (MQTT 5.0 section 1.5.4).
#include "utf8.hpp"

namespace mqttc {

bool valid_utf8(std::string_view text) {
    return is_utf8(text) && text.find('\0') == text.npos;
}

}  // namespace mqttc
