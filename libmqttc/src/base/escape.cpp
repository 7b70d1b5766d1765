// Which bytes are escaped, and how.
#include "base/escape.hpp"

#include "base/encoding.hpp"
#include "base/utf8.hpp"

namespace mqttc {
namespace {

// The length of one character at the start that can be printed unchanged, or 0.
std::size_t printable_character(std::string_view text, LineBreaks breaks) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c < 0x20 || c == 0x7f) return breaks == LineBreaks::keep && (c == '\n' || c == '\t') ? 1 : 0;
    if (c < 0x80) return 1;
    return starts_with_wide_control(text) ? 0 : utf8_sequence(text);
}

}  // namespace

std::size_t printable_prefix(std::string_view text, LineBreaks breaks) {
    std::size_t length = 0;
    while (length < text.size()) {
        const std::size_t one = printable_character(text.substr(length), breaks);
        if (one == 0) break;
        length += one;
    }
    return length;
}

EscapedByte::EscapedByte(char byte) : text_{'\\'}, length_(2) {
    constexpr std::string_view named = "\n\r\t";
    if (const std::size_t at = named.find(byte); at != std::string_view::npos) {
        text_[1] = "nrt"[at];
        return;
    }
    const auto& pair = hex_pairs(HexCase::lower)[static_cast<unsigned char>(byte)];
    text_ = {'\\', 'x', pair[0], pair[1]};
    length_ = 4;
}

std::string escape_controls(std::string_view text, std::size_t most) {
    std::string out;
    if (text.size() <= most) {
        append_escaped(out, text, LineBreaks::hide);
        return out;
    }
    // Not within a character: up to three bytes continue one.
    for (int i = 0; i < 3 && most > 0 && (text[most] & '\xc0') == '\x80'; ++i) --most;
    append_escaped(out, text.substr(0, most), LineBreaks::hide);
    return out.append("\xe2\x80\xa6 (").append(std::to_string(text.size())).append(" bytes)");
}

std::string in_quotes(std::string_view text) {
    return "'" + escape_controls(text) + "'";
}

}  // namespace mqttc
