// Payloads written as text, by the option's encoding.
#include "text_in.hpp"

#include "base/encoding.hpp"

namespace mqttc::pub {
namespace {

constexpr std::string_view spaces = " \t\r\n";

// What programs that print hex add to it: "01:02", "0x01 0x02", lines.
std::string plain_hex(std::string_view text) {
    constexpr std::string_view separators = " \t\r\n:";
    std::string digits;
    digits.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool first = i == 0 || separators.find(text[i - 1]) != separators.npos;
        const bool prefix = text.substr(i, 2) == "0x" || text.substr(i, 2) == "0X";
        if (first && prefix && i + 2 < text.size()) {
            ++i;
        } else if (separators.find(text[i]) == separators.npos) {
            digits += text[i];
        }
    }
    return digits;
}

// The other forms of base64: in lines, without padding, and with the letters for URLs (RFC 4648 section 5).
std::string plain_base64(std::string_view text) {
    std::string digits;
    digits.reserve(text.size() + 2);
    for (const char c : text) {
        if (spaces.find(c) == spaces.npos) digits += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (digits.find('=') == digits.npos && digits.size() % 4 > 1) digits.append(4 - digits.size() % 4, '=');
    return digits;
}

}  // namespace

std::expected<void, std::string> decode(app::Encoding encoding, std::string_view text, std::string& out) {
    if (encoding == app::Encoding::raw) {
        out.assign(text);
        return {};
    }
    const bool hex = encoding == app::Encoding::hex;
    const auto decode_plain = hex ? decode_hex : decode_base64;
    if (auto decoded = decode_plain(text, out)) return decoded;
    return decode_plain(hex ? plain_hex(text) : plain_base64(text), out);
}

}  // namespace mqttc::pub
