// The language of -F: from text to steps.
#include <optional>

#include "format.hpp"
#include "text_out.hpp"

namespace mqttc::sub {

// Reads one sequence at a time: % [-] [0] [width] [. precision [separator]] letter, @ letter, \ letter.
struct Format::Parser {
    std::string_view text;
    std::size_t at = 0;
    Format& format;

    bool end() const { return at == text.size(); }

    std::string wrong(std::size_t start, std::string_view why) const {
        TextBuffer shown;
        append_visible(shown, text.substr(start, at - start + (end() ? 0 : 1)), LineBreaks::hide);
        std::string message = "format sequence '";
        message.append(shown.view()).append("' ").append(why);
        return message;
    }

    // nullopt: larger than max_field_width.
    std::optional<std::uint32_t> number() {
        std::uint32_t value = 0;
        while (!end() && text[at] >= '0' && text[at] <= '9') {
            value = value * 10 + static_cast<std::uint32_t>(text[at] - '0');
            if (value > max_field_width) return std::nullopt;
            ++at;
        }
        return value;
    }

    bool accept(char c) {
        if (end() || text[at] != c) return false;
        ++at;
        return true;
    }

    // The character between groups of hex digits, when one stands in front of an x.
    char separator() {
        if (at + 1 >= text.size() || (text[at + 1] != 'x' && text[at + 1] != 'X')) return ' ';
        const auto c = static_cast<unsigned char>(text[at]);
        const bool punctuation = c > ' ' && c < 0x7f && c != '%' && !(c >= '0' && c <= '9') &&
                                 !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!punctuation) return ' ';
        ++at;
        return static_cast<char>(c);
    }

    static std::optional<Kind> kind_of(char letter) {
        switch (letter) {
            case 'A':
                return Kind::topic_alias;
            case 'b':
                return Kind::base64;
            case 'C':
                return Kind::content_type;
            case 'D':
                return Kind::correlation_data;
            case 'd':
                return Kind::payload_double;
            case 'E':
                return Kind::message_expiry;
            case 'F':
                return Kind::payload_format;
            case 'f':
                return Kind::payload_float;
            case 'I':
                return Kind::iso_time;
            case 'j':
                return Kind::json;
            case 'J':
                return Kind::json_payload;
            case 'l':
                return Kind::payload_length;
            case 'm':
                return Kind::packet_id;
            case 'P':
                return Kind::user_properties;
            case 'p':
                return Kind::payload;
            case 'q':
                return Kind::qos;
            case 'R':
                return Kind::response_topic;
            case 'r':
                return Kind::retain;
            case 'S':
                return Kind::subscription_identifier;
            case 't':
                return Kind::topic;
            case 'U':
                return Kind::unix_time;
            case 'x':
                return Kind::hex_lower;
            case 'X':
                return Kind::hex_upper;
            default:
                return std::nullopt;
        }
    }

    static constexpr std::string_view incomplete =
        "is incomplete: a literal % is written %%, @ is @@, \\ is \\\\";
    static constexpr std::string_view unknown =
        "is unknown: %% %t %p %x %X %b %f %d %l %q %r %m %j %J %I %U %A %C %D %E %F %P %R %S exist; a "
        "literal % is %%";
    static constexpr std::string_view unknown_escape =
        "is unknown: \\\\ \\0 \\a \\e \\n \\r \\t \\v exist; a literal \\ is \\\\";

    std::expected<void, std::string> percent() {
        const std::size_t start = at++;
        Step step;
        step.left = accept('-');
        step.zero = accept('0');
        const auto width = number();
        if (!width) return std::unexpected(wrong(start, "has a width above 1000000"));
        step.width = *width;
        if (accept('.')) {
            const auto precision = number();
            if (!precision) return std::unexpected(wrong(start, "has a precision above 1000000"));
            step.precision = static_cast<std::int32_t>(*precision);
            step.separator = *precision > 0 ? separator() : ' ';
        }
        if (end()) return std::unexpected(wrong(start, incomplete));
        if (text[at] == '%') {
            format.add_literal("%");
        } else if (const auto kind = kind_of(text[at])) {
            if (format.options_.file_name && (*kind == Kind::json || *kind == Kind::json_payload))
                return std::unexpected(wrong(start, "can't be part of a file's name"));
            step.kind = *kind;
            format.needs_time_ |= *kind == Kind::iso_time || *kind == Kind::unix_time ||
                                  *kind == Kind::json || *kind == Kind::json_payload;
            format.needs_json_ |= *kind == Kind::json_payload;
            format.steps_.push_back(step);
        } else {
            return std::unexpected(wrong(start, unknown));
        }
        ++at;
        return {};
    }

    std::expected<void, std::string> time() {
        const std::size_t start = at++;
        if (end()) return std::unexpected(wrong(start, incomplete));
        if (text[at] == '@') {
            format.add_literal("@");
        } else {
            Step step{.kind = text[at] == 'N' ? Kind::nanoseconds : Kind::strftime, .separator = text[at]};
            if (step.kind == Kind::strftime) {
                step.text = format.clock_.texts.size();
                format.clock_.texts.emplace_back();
            }
            format.needs_time_ = true;
            format.steps_.push_back(step);
        }
        ++at;
        return {};
    }

    std::expected<void, std::string> escape() {
        const std::size_t start = at++;
        if (end()) return std::unexpected(wrong(start, incomplete));
        static constexpr std::string_view letters = "\\0aenrtv";
        static constexpr std::string_view meanings("\\\0\a\033\n\r\t\v", 8);
        const std::size_t which = letters.find(text[at]);
        if (which == std::string_view::npos) return std::unexpected(wrong(start, unknown_escape));
        format.add_literal(meanings.substr(which, 1));
        ++at;
        return {};
    }
};

void Format::add_literal(std::string_view text) {
    if (steps_.empty() || steps_.back().kind != Kind::literal) {
        steps_.push_back({.kind = Kind::literal, .text = literals_.size()});
    }
    literals_.append(text);
    steps_.back().length += text.size();
}

std::expected<Format, std::string> Format::compile(std::string_view text, FormatOptions options) {
    Format format;
    format.options_ = options;
    Parser parser{.text = text, .format = format};
    while (!parser.end()) {
        std::expected<void, std::string> done;
        switch (text[parser.at]) {
            case '%':
                done = parser.percent();
                break;
            case '@':
                done = parser.time();
                break;
            case '\\':
                done = parser.escape();
                break;
            default: {
                const std::size_t next = std::min(text.find_first_of("%@\\", parser.at), text.size());
                format.add_literal(text.substr(parser.at, next - parser.at));
                parser.at = next;
            }
        }
        if (!done) return std::unexpected(done.error());
    }
    return format;
}

}  // namespace mqttc::sub
