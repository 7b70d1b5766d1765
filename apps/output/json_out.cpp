// Writes JSON that is valid whatever bytes it is given, and a message as one JSON object (%j).
#include "json_out.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "json_text.hpp"
#include "mqttc/property.hpp"
#include "text_out.hpp"

namespace mqttc::output {
namespace {

void append_unicode_escape(TextBuffer& out, unsigned code) {
    const std::uint8_t bytes[2] = {static_cast<std::uint8_t>(code >> 8), static_cast<std::uint8_t>(code)};
    out.append("\\u");
    append_hex(out, bytes, HexCase::lower);
}

void append_escape(TextBuffer& out, char c) {
    switch (c) {
        case '"':
            return out.append("\\\"");
        case '\\':
            return out.append("\\\\");
        case '\b':
            return out.append("\\b");
        case '\f':
            return out.append("\\f");
        case '\n':
            return out.append("\\n");
        case '\r':
            return out.append("\\r");
        case '\t':
            return out.append("\\t");
        default:
            append_unicode_escape(out, static_cast<unsigned char>(c));
    }
}

}  // namespace

void JsonWriter::escaped(std::string_view text) {
    while (!text.empty()) {
        const char* const plain = plain_end(text.data(), text.data() + text.size());
        const auto size = static_cast<std::size_t>(plain - text.data());
        if (size == text.size()) return out_.append(text);
        out_.append(text.substr(0, size));
        text.remove_prefix(size);
        if (static_cast<unsigned char>(text[0]) < 0x80) {
            if (text[0] == '\x7f' && !terminal_) {
                out_.push_back(text[0]);
            } else {
                append_escape(out_, text[0]);
            }
            text.remove_prefix(1);
            continue;
        }
        // A run of characters outside ASCII is copied as a whole.
        std::size_t run = 0;
        while (run < text.size() && static_cast<unsigned char>(text[run]) >= 0x80) {
            const std::size_t length = utf8_sequence(text.substr(run));
            if (length == 0 || (terminal_ && starts_with_wide_control(text.substr(run)))) break;
            run += length;
        }
        if (run > 0) {
            out_.append(text.substr(0, run));
        } else if (utf8_sequence(text) == 0) {
            out_.append("\xef\xbf\xbd");
            run = 1;
        } else {
            run = utf8_sequence(text);
            append_unicode_escape(out_, utf8_code(text.substr(0, run)));
        }
        text.remove_prefix(run);
    }
}

// A key or string of JSON without its closing quote, its escapes resolved and made again where they are needed.
void JsonWriter::string_token(const JsonScanner& scan) {
    out_.push_back('"');
    std::string_view inside = scan.inside();
    while (!inside.empty()) {
        const std::size_t plain =
            scan.has_escape() ? std::min(inside.find('\\'), inside.size()) : inside.size();
        escaped(inside.substr(0, plain));
        inside.remove_prefix(plain);
        if (inside.empty()) break;
        std::array<char, 4> character;
        escaped({character.data(), take_json_escape(inside, character)});
    }
}

bool JsonWriter::value(JsonScanner& scan, JsonScanner::Token token) {
    using Token = JsonScanner::Token;
    if (!pretty_) {
        before_value();
        return compact_value(scan, token);
    }
    for (std::size_t open = 0;; token = scan.next()) {
        switch (token) {
            case Token::begin_object:
                begin_object();
                ++open;
                break;
            case Token::begin_array:
                begin_array();
                ++open;
                break;
            case Token::end_object:
                end_object();
                --open;
                break;
            case Token::end_array:
                end_array();
                --open;
                break;
            case Token::key:
                before_key();
                string_token(scan);
                after_key();
                continue;
            case Token::string:
                before_value();
                string_token(scan);
                out_.push_back('"');
                break;
            case Token::number:
            case Token::word:
                raw(scan.token());
                break;
            case Token::end:
            case Token::invalid:
                return false;
        }
        if (open == 0) return true;
    }
}

// Text that is written like this already is copied as it is: from `copy_from` on all but what was appended.
bool JsonWriter::compact_value(JsonScanner& scan, JsonScanner::Token token) {
    using Token = JsonScanner::Token;
    if (token == Token::begin_object || token == Token::begin_array) {
        const JsonScanner before = scan;
        const char* const start = scan.token().data();
        if (!scan.skip()) return false;
        if (!scan.has_space() && !scan.has_escape() && !(terminal_ && scan.has_unusual())) {
            out_.append({start, scan.token().data() + 1});
            return true;
        }
        scan = before;
    }
    const char* copy_from = scan.token().data();
    const char* copy_to = copy_from;
    const auto append_until = [&](const char* end) {
        out_.append({copy_from, static_cast<std::size_t>(end - copy_from)});
    };
    for (std::size_t open = 0;; token = scan.next()) {
        const std::string_view text = scan.token();
        const char* const start = text.data();
        const char* const end = start + text.size();
        // Between two tokens there is a comma, a colon or neither, and spaces.
        const std::string_view between(copy_to, start);
        if (!between.empty() && between != "," && between != ":") {
            append_until(copy_to);
            if (between.find(',') != between.npos) out_.push_back(',');
            if (between.find(':') != between.npos) out_.push_back(':');
            copy_from = start;
        }
        copy_to = end;
        switch (token) {
            case Token::begin_object:
            case Token::begin_array:
                ++open;
                break;
            case Token::end_object:
            case Token::end_array:
                --open;
                break;
            case Token::key:
            case Token::string:
                if (scan.has_escape() || (terminal_ && scan.has_unusual())) {
                    append_until(text.data());
                    string_token(scan);
                    copy_from = end - 1;
                }
                if (token == Token::key) continue;
                break;
            case Token::number:
            case Token::word:
                break;
            case Token::end:
            case Token::invalid:
                return false;
        }
        if (open > 0) continue;
        append_until(end);
        return true;
    }
}

void JsonWriter::indent() {
    out_.push_back('\n');
    const std::size_t levels = std::min(depth_, max_json_indentation);
    out_.fill(terminal_ ? levels * 2 : levels, terminal_ ? ' ' : '\t');
}

void JsonWriter::before_value() {
    if (after_key_) {
        after_key_ = false;
    } else if (depth_ > 0) {
        if (!first_) out_.append(pretty_ ? ", " : ",");
        first_ = false;
    }
}

void JsonWriter::begin(char open) {
    before_value();
    out_.push_back(open);
    ++depth_;
    first_ = true;
}

void JsonWriter::end_object() {
    --depth_;
    if (pretty_) indent();
    out_.push_back('}');
    first_ = false;
}

void JsonWriter::end_array() {
    --depth_;
    out_.push_back(']');
    first_ = false;
}

void JsonWriter::before_key() {
    if (!first_) out_.push_back(',');
    first_ = false;
    if (pretty_) indent();
    after_key_ = true;
}

void JsonWriter::key(std::string_view name) {
    before_key();
    out_.push_back('"');
    escaped(name);
    after_key();
}

void JsonWriter::after_key() {
    out_.append("\":");
    if (pretty_) out_.push_back(terminal_ ? ' ' : '\t');
}

void JsonWriter::plain_key(std::string_view name, std::string_view suffix) {
    before_key();
    constexpr std::size_t around = 4;
    char* const start = out_.reserve(name.size() + suffix.size() + around);
    char* to = start;
    *to++ = '"';
    to = std::copy(name.begin(), name.end(), to);
    to = std::copy(suffix.begin(), suffix.end(), to);
    *to++ = '"';
    *to++ = ':';
    if (pretty_) *to++ = terminal_ ? ' ' : '\t';
    out_.commit(static_cast<std::size_t>(to - start));
}

void JsonWriter::string(std::string_view text) {
    before_value();
    out_.push_back('"');
    escaped(text);
    out_.push_back('"');
}

void JsonWriter::number(std::uint64_t number) {
    before_value();
    append_number(out_, number);
}

void JsonWriter::raw(std::string_view text) {
    before_value();
    out_.append(text);
}

void JsonWriter::bytes_member(std::string_view name, std::string_view bytes) {
    plain_key(name);
    if (is_utf8(bytes)) return string(bytes);
    before_value();
    out_.push_back('"');
    append_base64(out_, as_bytes(bytes));
    out_.push_back('"');
    plain_key(name, "_encoding");
    string("base64");
}

namespace {

void write_property(JsonWriter& json, const PropertiesView& all, const Property& property,
                    const PropertyInfo& info) {
    switch (info.type) {
        case PropertyType::byte:
        case PropertyType::two_byte:
        case PropertyType::four_byte:
            return json.number_member(info.name, property.number);
        case PropertyType::variable_byte: {
            std::size_t count = 0;
            for (const Property& other : all) count += other.id == property.id;
            if (count == 1) return json.number_member(info.name, property.number);
            json.plain_key(info.name);
            json.begin_array();
            for (const Property& other : all) {
                if (other.id == property.id) json.number(other.number);
            }
            return json.end_array();
        }
        case PropertyType::utf8:
        case PropertyType::binary:
            return json.bytes_member(info.name, property.text);
        case PropertyType::utf8_pair:
            json.plain_key("user-properties");
            json.begin_array();
            for (const Property& other : all) {
                if (other.id != property.id) continue;
                json.begin_object();
                json.key(other.name);
                json.string(other.text);
                json.end_object();
            }
            return json.end_array();
    }
}

// In the order of the packet; a repeated property is at the position of its first one.
void write_properties(JsonWriter& json, const PropertiesView& properties) {
    if (properties.empty()) return;
    json.plain_key("properties");
    json.begin_object();
    std::uint64_t seen = 0;
    for (const Property& property : properties) {
        const auto id = static_cast<std::uint8_t>(property.id);
        const PropertyInfo* info = find_property(property.id);
        const std::uint64_t bit = std::uint64_t{1} << (id & 63);
        if (info == nullptr || (seen & bit) != 0) continue;
        seen |= bit;
        write_property(json, properties, property, *info);
    }
    json.end_object();
}

void write_head(JsonWriter& json, const Publish& message, std::string_view time) {
    json.begin_object();
    json.plain_key("tst");
    json.string(time);
    json.bytes_member("topic", message.topic);
    json.number_member("qos", static_cast<unsigned>(message.qos));
    json.flag_member("retain", message.retain);
    json.number_member("payloadlen", message.payload.size());
    if (message.qos != Qos::at_most_once) json.number_member("mid", message.packet_id);
    write_properties(json, message.properties);
}

}  // namespace

void write_message_json(JsonWriter& json, const Publish& message, std::string_view time) {
    write_head(json, message, time);
    if (message.payload.empty()) {
        json.raw_member("payload", "null");
    } else {
        json.bytes_member("payload", as_text(message.payload));
    }
    json.end_object();
}

bool write_message_json_payload(JsonWriter& json, const Publish& message, std::string_view time) {
    write_head(json, message, time);
    json.plain_key("payload");
    if (message.payload.empty()) {
        json.raw("null");
    } else if (!write_checked_json(json, as_text(message.payload)).empty()) {
        return false;
    }
    json.end_object();
    return true;
}

}  // namespace mqttc::output
