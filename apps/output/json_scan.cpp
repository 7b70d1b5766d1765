// Reads JSON token by token.
#include "json_scan.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "color.hpp"
#include "json_field.hpp"
#include "json_text.hpp"

namespace mqttc::output {
namespace {

constexpr bool is_high_surrogate(std::uint32_t unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(std::uint32_t unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

std::size_t put_utf8(std::uint32_t code, std::array<char, 4>& out) {
    std::size_t size = 0;
    const auto put = [&](std::uint32_t byte) { out[size++] = static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
        return size;
    }
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
    return size;
}

std::uint32_t read_unit(std::string_view digits) {
    std::uint32_t unit = 0;
    for (const char digit : digits.substr(0, 4))
        unit = unit << 4 | static_cast<std::uint32_t>(hex_value(digit));
    return unit;
}

inline const char* past_spaces(const char* at, const char* end) {
    // Most often there is none, and what follows is larger than all of them.
    if (at != end && static_cast<unsigned char>(*at) > ' ') return at;
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at;
}

// Where the number ends that starts at `at`; nullptr: there is none.
inline const char* number_end(const char* at, const char* end) {
    const auto take = [&](char a, char b) {
        if (at == end || (*at != a && *at != b)) return false;
        ++at;
        return true;
    };
    const auto take_digits = [&] {
        const char* const before = at;
        while (at != end && is_digit(*at)) ++at;
        return at != before;
    };
    take('-', '-');
    if (!take('0', '0') && !take_digits()) return nullptr;
    if (take('.', '.') && !take_digits()) return nullptr;
    if (!take('e', 'E')) return at;
    take('+', '-');
    return take_digits() ? at : nullptr;
}

}  // namespace

inline void JsonScanner::skip_spaces() {
    at_ = past_spaces(at_, text_end_);
}

JsonScanner::Token JsonScanner::next() {
    skip_spaces();
    start_ = at_;
    const char c = at_ != text_end_ ? *at_ : '\0';
    switch (expected_) {
        case Expected::comma_or_end:
            if (c != ',') return close();
            ++at_;
            skip_spaces();
            start_ = at_;
            return in_object_ ? key() : value();
        case Expected::colon:
            if (c != ':') return fail();
            ++at_;
            skip_spaces();
            start_ = at_;
            return value();
        case Expected::key_or_end:
            return c == '}' ? close() : key();
        case Expected::key:
            return key();
        case Expected::value_or_end:
            return c == ']' ? close() : value();
        case Expected::value:
            return value();
        case Expected::nothing:
            if (at_ != text_end_) return fail();
            end_ = at_;
            return Token::end;
        case Expected::failed:
            return fail();
    }
    return fail();
}

bool JsonScanner::colon_follows() const {
    const std::string_view rest(at_, text_end_);
    const std::size_t at = rest.find_first_not_of(" \n\r\t");
    return at != rest.npos && rest[at] == ':';
}

bool JsonScanner::skip() {
    const std::size_t outside = depth_ - 1;
    const char* const end = text_end_;
    // Not at_, which would be written for each character.
    const char* at = at_;
    has_space_ = has_escape_ = has_unusual_ = false;
    const auto more = [&] {
        const char* const token = past_spaces(at, end);
        if (token != at) has_space_ = true;
        at = token;
        return at != end;
    };
    const auto give_up = [&] { return fail() != Token::invalid; };
    for (bool opened = true;;) {
        if (!more()) return give_up();
        if (!opened || *at != (in_object_ ? '}' : ']')) {
            if (in_object_) {
                if (*at != '"') return give_up();
                at = string_end(at + 1);
                if (at == nullptr || !more() || *at != ':') return give_up();
                ++at;
                if (!more()) return give_up();
            }
            if (*at == '{' || *at == '[') {
                at_ = at;
                if (open(*at == '{') == Token::invalid) return false;
                at = at_;
                opened = true;
                continue;
            }
            if (*at == '"') {
                at = string_end(at + 1);
            } else if (*at == 't' || *at == 'f' || *at == 'n') {
                const std::string_view word = *at == 't' ? "true" : *at == 'f' ? "false" : "null";
                at = std::string_view(at, end).starts_with(word) ? at + word.size() : nullptr;
            } else {
                at = number_end(at, end);
            }
            if (at == nullptr) return give_up();
        }
        for (;;) {
            if (!more()) return give_up();
            if (*at == ',') break;
            start_ = at_ = at;
            if (close() == Token::invalid) return false;
            if (depth_ == outside) return true;
            at = at_;
        }
        ++at;
        opened = false;
    }
}

inline JsonScanner::Token JsonScanner::found(Token token, Expected next) {
    end_ = at_;
    expected_ = next;
    return token;
}

inline JsonScanner::Token JsonScanner::key() {
    return take_string() ? found(Token::key, Expected::colon) : fail();
}

inline JsonScanner::Token JsonScanner::value() {
    if (at_ == text_end_) return fail();
    const Expected next = depth_ == 0 ? Expected::nothing : Expected::comma_or_end;
    switch (*at_) {
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

inline std::uint64_t& JsonScanner::outer_word() {
    const std::size_t word = depth_ / word_bits;
    if (word < near_words) [[likely]]
        return near_[word];
    if (word - near_words == far_.size()) far_.push_back(0);
    return far_[word - near_words];
}

JsonScanner::Token JsonScanner::open(bool object) {
    if (depth_ == max_depth_) {
        too_deep_ = true;
        return fail();
    }
    const std::uint64_t bit = std::uint64_t{1} << depth_ % word_bits;
    std::uint64_t& word = outer_word();
    word = in_object_ ? word | bit : word & ~bit;
    in_object_ = object;
    ++depth_;
    ++at_;
    return object ? found(Token::begin_object, Expected::key_or_end)
                  : found(Token::begin_array, Expected::value_or_end);
}

JsonScanner::Token JsonScanner::close() {
    const bool object = in_object_;
    if (!take(object ? '}' : ']')) return fail();
    --depth_;
    in_object_ = (outer_word() >> depth_ % word_bits & 1) != 0;
    return found(object ? Token::end_object : Token::end_array,
                 depth_ == 0 ? Expected::nothing : Expected::comma_or_end);
}

JsonScanner::Token JsonScanner::fail() {
    expected_ = Expected::failed;
    end_ = start_;
    return Token::invalid;
}

inline bool JsonScanner::take(char c) {
    if (at_ == text_end_ || *at_ != c) return false;
    ++at_;
    return true;
}

bool JsonScanner::take_word(std::string_view word) {
    if (!std::string_view(at_, text_end_).starts_with(word)) return false;
    at_ += word.size();
    return true;
}

inline const char* JsonScanner::string_end(const char* at) {
    const char* const end = text_end_;
    while ((at = plain_end(at, end)) != end) {
        const auto c = static_cast<unsigned char>(*at);
        if (c == '"') [[likely]]
            return at + 1;
        if (c == '\\') {
            has_escape_ = true;
            at_ = at;
            if (!take_escape()) return nullptr;
            at = at_;
            continue;
        }
        if (c < 0x20) return nullptr;
        has_unusual_ = true;
        // A run of characters outside ASCII, or DEL.
        do {
            const std::size_t length = utf8_sequence({at, end});
            if (length == 0) return nullptr;
            at += length;
        } while (at != end && static_cast<unsigned char>(*at) >= 0x7f);
    }
    return nullptr;
}

inline bool JsonScanner::take_string() {
    has_escape_ = has_unusual_ = false;
    if (at_ == text_end_ || *at_ != '"') return false;
    const char* const after = string_end(at_ + 1);
    if (after != nullptr) at_ = after;
    return after != nullptr;
}

bool JsonScanner::take_escape() {
    ++at_;
    if (at_ == text_end_) return false;
    const char letter = *at_++;
    if (letter != 'u') return std::string_view("\"\\/bfnrt").find(letter) != std::string_view::npos;
    const std::uint32_t unit = take_unit();
    if (unit > 0xffff || is_low_surrogate(unit)) return false;
    if (!is_high_surrogate(unit)) return true;
    return take_word("\\u") && is_low_surrogate(take_unit());
}

std::uint32_t JsonScanner::take_unit() {
    if (text_end_ - at_ < 4) return UINT32_MAX;
    const std::string_view digits(at_, 4);
    if (!is_hex(digits)) return UINT32_MAX;
    at_ += 4;
    return read_unit(digits);
}

inline bool JsonScanner::take_number() {
    const char* const after = number_end(at_, text_end_);
    if (after != nullptr) at_ = after;
    return after != nullptr;
}

std::size_t take_json_escape(std::string_view& inside, std::array<char, 4>& out) {
    const char letter = inside[1];
    inside.remove_prefix(2);
    if (letter == 'u') {
        std::uint32_t code = read_unit(inside);
        inside.remove_prefix(4);
        if (is_high_surrogate(code)) {
            code = 0x10000 + ((code - 0xd800) << 10) + (read_unit(inside.substr(2)) - 0xdc00);
            inside.remove_prefix(6);
        }
        return put_utf8(code, out);
    }
    constexpr std::string_view letters = "bfnrt";
    constexpr std::string_view meanings = "\b\f\n\r\t";
    const std::size_t which = letters.find(letter);
    out[0] = which == std::string_view::npos ? letter : meanings[which];
    return 1;
}

void append_json_text(TextBuffer& out, std::string_view inside) {
    while (!inside.empty()) {
        const std::size_t plain = std::min(inside.find('\\'), inside.size());
        out.append(inside.substr(0, plain));
        inside.remove_prefix(plain);
        if (inside.empty()) return;
        std::array<char, 4> character;
        out.append({character.data(), take_json_escape(inside, character)});
    }
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
                if (!scan.colon_follows()) return put(json.substr(shown));
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
