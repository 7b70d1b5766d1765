// Reads JSON token by token.
#include "json_scan.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "color.hpp"
#include "json_field.hpp"

namespace mqttc::output {
namespace {

std::uint32_t hex_digit(char c) {
    if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
    const char letter = lower(c);
    return letter >= 'a' && letter <= 'f' ? static_cast<std::uint32_t>(letter - 'a') + 10 : UINT32_MAX;
}

constexpr bool is_high_surrogate(std::uint32_t unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(std::uint32_t unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

void append_utf8(TextBuffer& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
    }
    put(0x80 | (code & 0x3f));
}

std::uint32_t read_unit(std::string_view digits) {
    std::uint32_t unit = 0;
    for (const char digit : digits.substr(0, 4)) unit = unit << 4 | hex_digit(digit);
    return unit;
}

}  // namespace

JsonScanner::Token JsonScanner::next() {
    if (failed_) return Token::invalid;
    skip_spaces();
    start_ = end_ = at_;
    if (expected_ == Expected::comma_or_end) {
        if (!take(',')) return close();
        expected_ = in_object() ? Expected::key : Expected::value;
        skip_spaces();
        start_ = at_;
    }
    const bool may_end = expected_ == Expected::value_or_end || expected_ == Expected::key_or_end;
    if (may_end && at_ < text_.size() && (text_[at_] == ']' || text_[at_] == '}')) return close();
    switch (expected_) {
        case Expected::nothing:
            return at_ == text_.size() ? Token::end : fail();
        case Expected::key:
        case Expected::key_or_end: {
            if (!take_string()) return fail();
            end_ = at_;
            skip_spaces();
            if (!take(':')) return fail();
            expected_ = Expected::value;
            return Token::key;
        }
        default:
            return value();
    }
}

JsonScanner::Token JsonScanner::value() {
    if (at_ == text_.size()) return fail();
    const Expected next = depth_ == 0 ? Expected::nothing : Expected::comma_or_end;
    switch (text_[at_]) {
        case '{':
            return open(true);
        case '[':
            return open(false);
        case '"':
            return take_string() ? found(Token::string, next) : fail();
        case 't':
            return take_word("true") ? found(Token::word, next) : fail();
        case 'f':
            return take_word("false") ? found(Token::word, next) : fail();
        case 'n':
            return take_word("null") ? found(Token::word, next) : fail();
        default:
            return take_number() ? found(Token::number, next) : fail();
    }
}

JsonScanner::Token JsonScanner::open(bool object) {
    if (depth_ == max_json_depth) return fail();
    const std::uint64_t bit = std::uint64_t{1} << depth_ % 64;
    std::uint64_t& word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
    ++at_;
    return object ? found(Token::begin_object, Expected::key_or_end)
                  : found(Token::begin_array, Expected::value_or_end);
}

JsonScanner::Token JsonScanner::close() {
    const bool object = in_object();
    if (!take(object ? '}' : ']')) return fail();
    --depth_;
    return found(object ? Token::end_object : Token::end_array,
                 depth_ == 0 ? Expected::nothing : Expected::comma_or_end);
}

JsonScanner::Token JsonScanner::found(Token token, Expected next) {
    end_ = at_;
    expected_ = next;
    return token;
}

JsonScanner::Token JsonScanner::fail() {
    failed_ = true;
    end_ = start_;
    return Token::invalid;
}

bool JsonScanner::take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
}

bool JsonScanner::take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
}

void JsonScanner::skip_spaces() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
        ++at_;
}

bool JsonScanner::take_string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return true;
        }
        if (c == '\\') {
            if (!take_escape()) return false;
        } else if (static_cast<unsigned char>(c) < 0x80) {
            if (static_cast<unsigned char>(c) < 0x20) return false;
            ++at_;
        } else {
            const std::size_t length = utf8_sequence(text_.substr(at_, 4));
            if (length == 0) return false;
            at_ += length;
        }
    }
    return false;
}

bool JsonScanner::take_escape() {
    ++at_;
    if (at_ == text_.size()) return false;
    const char letter = text_[at_++];
    if (letter != 'u') return std::string_view("\"\\/bfnrt").find(letter) != std::string_view::npos;
    const std::uint32_t unit = take_unit();
    if (unit > 0xffff || is_low_surrogate(unit)) return false;
    if (!is_high_surrogate(unit)) return true;
    return take_word("\\u") && is_low_surrogate(take_unit());
}

std::uint32_t JsonScanner::take_unit() {
    const std::string_view digits = text_.substr(at_, 4);
    if (digits.size() < 4) return UINT32_MAX;
    for (const char digit : digits) {
        if (hex_digit(digit) > 0xf) return UINT32_MAX;
    }
    at_ += 4;
    return read_unit(digits);
}

bool JsonScanner::take_digits() {
    const std::size_t before = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > before;
}

bool JsonScanner::take_number() {
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return take_digits();
}

void append_json_text(TextBuffer& out, std::string_view token) {
    token = token.substr(1, token.size() - 2);
    while (!token.empty()) {
        const std::size_t plain = std::min(token.find('\\'), token.size());
        out.append(token.substr(0, plain));
        token.remove_prefix(plain);
        if (token.empty()) return;
        const char letter = token[1];
        token.remove_prefix(2);
        if (letter == 'u') {
            std::uint32_t code = read_unit(token);
            token.remove_prefix(4);
            if (is_high_surrogate(code)) {
                code = 0x10000 + ((code - 0xd800) << 10) + (read_unit(token.substr(2)) - 0xdc00);
                token.remove_prefix(6);
            }
            append_utf8(out, code);
        } else {
            constexpr std::string_view letters = "bfnrt";
            constexpr std::string_view meanings = "\b\f\n\r\t";
            const std::size_t which = letters.find(letter);
            out.push_back(which == std::string_view::npos ? letter : meanings[which]);
        }
    }
}

bool json_key_is(std::string_view token, std::string_view name) {
    const std::string_view inside = token.substr(1, token.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return inside == name;
    TextBuffer text;
    append_json_text(text, token);
    return text.view() == name;
}

bool may_highlight(std::string_view payload) {
    const std::size_t first = payload.find_first_not_of(" \n\r\t");
    return first != std::string_view::npos && (payload[first] == '{' || payload[first] == '[') &&
           payload.size() <= max_field_payload;
}

void append_highlighted(TextBuffer& out, std::string_view json, bool terminal) {
    const auto put = [&](std::string_view text) {
        if (terminal) {
            append_escaped(out, text, LineBreaks::keep);
        } else {
            out.append(text);
        }
    };
    JsonScanner scan(json);
    std::size_t shown = 0;
    for (;;) {
        std::string_view color;
        switch (scan.next()) {
            case JsonScanner::Token::end:
            case JsonScanner::Token::invalid:
                return put(json.substr(shown));
            case JsonScanner::Token::key:
                color = app::color::key;
                break;
            case JsonScanner::Token::string:
                color = app::color::text;
                break;
            case JsonScanner::Token::number:
                color = app::color::number;
                break;
            case JsonScanner::Token::word:
                color = app::color::word;
                break;
            default:
                continue;
        }
        put(json.substr(shown, scan.position() - shown));
        out.append(color);
        put(scan.token());
        out.append(app::color::plain);
        shown = scan.position() + scan.token().size();
    }
}

}  // namespace mqttc::output
