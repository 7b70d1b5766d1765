// The language of -F: from text to steps.
#include <algorithm>
#include <array>
#include <optional>

#include "base/escape.hpp"
#include "format.hpp"
#include "text_out.hpp"

namespace mqttc::output {

// What follows a %.
struct Format::Letter {
    char letter;
    Kind kind;
    PropertyId property{};

    static const Letter* find(char letter) {
        static constexpr std::array letters{
            Letter{'A', Kind::number_property, PropertyId::topic_alias},
            Letter{'b', Kind::base64},
            Letter{'C', Kind::text_property, PropertyId::content_type},
            Letter{'D', Kind::text_property, PropertyId::correlation_data},
            Letter{'d', Kind::payload_double},
            Letter{'E', Kind::number_property, PropertyId::message_expiry_interval},
            Letter{'F', Kind::number_property, PropertyId::payload_format_indicator},
            Letter{'f', Kind::payload_float},
            Letter{'I', Kind::iso_time},
            Letter{'i', Kind::rfc3339_time},
            Letter{'J', Kind::json_payload},
            Letter{'j', Kind::json},
            Letter{'l', Kind::payload_length},
            Letter{'m', Kind::packet_id},
            Letter{'P', Kind::user_properties},
            Letter{'p', Kind::payload},
            Letter{'q', Kind::qos},
            Letter{'R', Kind::text_property, PropertyId::response_topic},
            Letter{'r', Kind::retain},
            Letter{'S', Kind::number_property, PropertyId::subscription_identifier},
            Letter{'t', Kind::topic},
            Letter{'U', Kind::unix_time},
            Letter{'X', Kind::hex_upper},
            Letter{'x', Kind::hex_lower},
        };
        const auto* const found = std::ranges::find(letters, letter, &Letter::letter);
        return found == letters.end() ? nullptr : found;
    }
};

// Reads one sequence at a time: % [-] [0] [width] [. precision [separator]] letter or {path}, @ letter, \ letter.
struct Format::Parser {
    std::string_view text;
    std::size_t at = 0;
    Format& format;

    bool end() const { return at == text.size(); }

    std::string wrong(std::size_t start, std::string_view why) const {
        TextBuffer shown;
        append_escaped(shown, text.substr(start, at - start + (end() ? 0 : 1)), LineBreaks::hide);
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

    // The character between groups of hex digits, when one precedes an x.
    char separator() {
        if (at + 1 >= text.size() || (text[at + 1] != 'x' && text[at + 1] != 'X')) return ' ';
        const auto c = static_cast<unsigned char>(text[at]);
        const bool punctuation = c > ' ' && c < 0x7f && c != '%' && c != '{' && !(c >= '0' && c <= '9') &&
                                 !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!punctuation) return ' ';
        ++at;
        return static_cast<char>(c);
    }

    static constexpr std::string_view incomplete =
        "is incomplete: a literal % is written %%, @ is @@, \\ is \\\\";
    static constexpr std::string_view unknown =
        "is unknown: %% %t %p %x %X %b %f %d %l %q %r %m %j %J %I %i %U %A %C %D %E %F %P %R %S "
        "%{path} exist; a literal % is %%";
    static constexpr std::string_view unknown_escape =
        "is unknown: \\\\ \\0 \\a \\e \\n \\r \\t \\v exist; a literal \\ is \\\\";

    // A path up to its closing brace. \} is a brace in a name; other escapes are the path's own.
    std::expected<void, std::string> field(std::size_t start, Step step) {
        std::string path;
        for (++at; !end() && text[at] != '}'; ++at) {
            if (text[at] == '\\' && at + 1 < text.size()) {
                if (text[++at] != '}') path += '\\';
            }
            path += text[at];
        }
        if (end()) return std::unexpected(wrong(start, "has no closing brace, as in %{sensors.0.temp}"));
        auto parsed = FieldPath::parse(path);
        if (!parsed) return std::unexpected(wrong(start, "is not a path: ") + parsed.error());
        step.kind = Kind::field;
        step.text = format.paths_.size();
        format.paths_.push_back(std::move(*parsed));
        format.steps_.push_back(step);
        return {};
    }

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
        if (text[at] == '{') {
            if (auto done = field(start, step); !done) return done;
        } else if (text[at] == '%') {
            format.add_literal("%");
        } else if (const Letter* const known = Letter::find(text[at])) {
            const Kind kind = known->kind;
            const bool json = kind == Kind::json || kind == Kind::json_payload;
            if (format.options_.file_name && json)
                return std::unexpected(wrong(start, "cannot be part of a file name"));
            // mosquitto_sub ignores the width here.
            if (known->property == PropertyId::correlation_data) step = {};
            step.kind = kind;
            step.property = known->property;
            format.needs_time_ |=
                json || kind == Kind::iso_time || kind == Kind::rfc3339_time || kind == Kind::unix_time;
            format.needs_json_ |= kind == Kind::json_payload;
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
    for (const FieldPath& path : format.paths_) format.fields_.push_back({.path = &path});
    return format;
}

}  // namespace mqttc::output
