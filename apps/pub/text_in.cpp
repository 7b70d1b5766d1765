// Payloads written as text, by the option's encoding.
#include "text_in.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "number_format.hpp"

namespace mqttc::pub {
namespace {

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view other_digits = "+/-_";  // of base64, besides letters and numbers

std::unexpected<std::string> invalid_digit(const char* encoding, std::string_view text, std::size_t at) {
    return std::unexpected(std::string("invalid ") + encoding + " digit " + in_quotes(text.substr(at, 1)) +
                           " at character " + std::to_string(at + 1));
}

// What programs that print hex add to it: "01:02", "0x01 0x02", lines. The digits of a byte are not separated.
std::expected<void, std::string> decode_separated_hex(std::string_view text, std::string& out) {
    constexpr std::string_view separators = " \t\r\n:";
    std::string digits;
    digits.reserve(text.size());
    for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        if (end - at > 2 && text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'X')) at += 2;
        const std::string_view part = text.substr(at, end - at);
        const auto wrong = std::ranges::find_if(part, [](char c) { return hex_value(c) < 0; });
        if (wrong != part.end())
            return invalid_digit("hex", text, at + static_cast<std::size_t>(wrong - part.begin()));
        if (part.size() % 2 != 0)
            return std::unexpected(app::count_text(part.size(), "hex digit") + " at character " +
                                   std::to_string(at + 1) + ": two are needed for each byte");
        digits.append(part);
        at = end;
    }
    return decode_hex(digits, out);
}

// The other forms of base64: in lines, without padding, and with the letters for URLs (RFC 4648 section 5).
std::expected<void, std::string> decode_any_base64(std::string_view text, std::string& out) {
    std::string digits;
    digits.reserve(text.size() + 2);
    std::size_t last_digit = 0;
    std::size_t padding = 0;
    std::size_t first_padding = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (spaces.find(c) != spaces.npos) continue;
        if (c == '=') {
            if (padding++ == 0) first_padding = at;
        } else {
            const bool letter = lower(c) >= 'a' && lower(c) <= 'z';
            if (!letter && !is_digit(c) && other_digits.find(c) == other_digits.npos)
                return invalid_digit("base64", text, at);
            if (padding > 0) return invalid_digit("base64", text, first_padding);
            last_digit = at;
        }
        digits += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (padding > 2) return invalid_digit("base64", text, first_padding);
    const std::size_t written = digits.size();
    if (padding == 0 && digits.size() % 4 > 1) digits.append(4 - digits.size() % 4, '=');
    auto decoded = decode_base64(digits, out);
    if (decoded) return decoded;
    if (digits.size() % 4 != 0)
        return std::unexpected("it has " + app::count_text(written, "digit") +
                               ": base64 has groups of four, padded with '='");
    return std::unexpected(in_quotes(text.substr(last_digit, 1)) + " at character " +
                           std::to_string(last_digit + 1) + " has bits that belong to no byte");
}

}  // namespace

std::expected<void, std::string> decode(app::Encoding encoding, std::string_view text, std::string& out) {
    if (encoding == app::Encoding::raw) {
        out.assign(text);
        return {};
    }
    const bool hex = encoding == app::Encoding::hex;
    if (hex ? decode_hex(text, out) : decode_base64(text, out)) return {};
    return hex ? decode_separated_hex(text, out) : decode_any_base64(text, out);
}

}  // namespace mqttc::pub
