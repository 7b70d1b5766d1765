// Writes JSON that is valid whatever bytes it is given, and a message as one JSON object (%j).
#include "json_out.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "mqttc/property.hpp"
#include "text_out.hpp"

namespace mqttc::output {
namespace {

// What to do with a byte inside a string.
enum class ByteKind : std::uint8_t { plain, escape, high };

constexpr std::array<ByteKind, 256> byte_kinds() {
    std::array<ByteKind, 256> kinds{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
        kinds[byte] = byte < 0x20 || byte == '"' || byte == '\\' ? ByteKind::escape
                      : byte >= 0x80                             ? ByteKind::high
                                                                 : ByteKind::plain;
    }
    return kinds;
}
constexpr auto kinds = byte_kinds();

constexpr ByteKind kind_of(char c) {
    return kinds[static_cast<unsigned char>(c)];
}

/// True iff all eight bytes are plain.
bool word_plain(const char* at) {
    constexpr std::uint64_t top_bits = 0x80 * each_byte;
    const std::uint64_t word = load8(at);
    // Without their top bits no sum of bytes carries into the next one: each top bit of a sum then means "at least
    // 0x20" or "not this character".
    const std::uint64_t low = word & ~top_bits;
    const std::uint64_t plain = ~word & (low + (0x80 - 0x20) * each_byte) &
                                ((low ^ '"' * each_byte) + 0x7f * each_byte) &
                                ((low ^ '\\' * each_byte) + 0x7f * each_byte);
    return (plain & top_bits) == top_bits;
}

/// How many bytes at the front are plain.
std::size_t plain_front(std::string_view text) {
    constexpr std::size_t step = 8;
    std::size_t at = 0;
    while (text.size() - at >= step && word_plain(text.data() + at)) at += step;
    // The rest, with some seen before.
    if (text.size() - at < step && text.size() >= step && word_plain(text.data() + text.size() - step))
        return text.size();
    while (at < text.size() && kind_of(text[at]) == ByteKind::plain) ++at;
    return at;
}

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
        const std::size_t plain = plain_front(text);
        if (terminal_) {
            append_visible_delete(text.substr(0, plain));
        } else {
            out_.append(text.substr(0, plain));
        }
        text.remove_prefix(plain);
        if (text.empty()) break;
        if (kind_of(text[0]) == ByteKind::escape) {
            append_escape(out_, text[0]);
            text.remove_prefix(1);
            continue;
        }
        // A run of characters outside ASCII is copied as a whole.
        std::size_t run = 0;
        while (run < text.size() && kind_of(text[run]) == ByteKind::high) {
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
            const auto low_bits = [&](std::size_t i) { return static_cast<unsigned>(text[i]) & 0x3fU; };
            run = utf8_sequence(text);
            append_unicode_escape(out_, run == 2 ? 0x80U | low_bits(1)
                                                 : (static_cast<unsigned>(text[0]) & 0xfU) << 12U |
                                                       low_bits(1) << 6U | low_bits(2));
        }
        text.remove_prefix(run);
    }
}

void JsonWriter::append_visible_delete(std::string_view ascii) {
    while (!ascii.empty()) {
        const std::size_t plain = std::min(ascii.find('\x7f'), ascii.size());
        out_.append(ascii.substr(0, plain));
        ascii.remove_prefix(plain);
        if (ascii.empty()) break;
        append_unicode_escape(out_, 0x7f);
        ascii.remove_prefix(1);
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
            json.plain_key(info.name);
            return json.number(property.number);
        case PropertyType::variable_byte: {
            std::size_t count = 0;
            for (const Property& other : all) count += other.id == property.id;
            json.plain_key(info.name);
            if (count == 1) return json.number(property.number);
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
        const PropertyInfo* info = find_property(id);
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
    json.plain_key("qos");
    json.number(static_cast<unsigned>(message.qos));
    json.plain_key("retain");
    json.raw(message.retain ? "true" : "false");
    json.plain_key("payloadlen");
    json.number(message.payload.size());
    if (message.qos != Qos::at_most_once) {
        json.plain_key("mid");
        json.number(message.packet_id);
    }
    write_properties(json, message.properties);
}

}  // namespace

void write_message_json(JsonWriter& json, const Publish& message, std::string_view time) {
    write_head(json, message, time);
    if (message.payload.empty()) {
        json.plain_key("payload");
        json.raw("null");
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
