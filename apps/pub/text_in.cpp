// Payloads written as text, by the option's encoding.
#include "text_in.hpp"

#include "base/encoding.hpp"

namespace mqttc::pub {

std::expected<void, std::string> decode(app::Encoding encoding, std::string_view text, std::string& out) {
    switch (encoding) {
        case app::Encoding::raw:
            out.assign(text);
            return {};
        case app::Encoding::hex:
            return decode_hex(text, out);
        case app::Encoding::base64:
            return decode_base64(text, out);
    }
    return {};
}

}  // namespace mqttc::pub
