// Messages as JSON objects. A payload that is an object or a number, and strings without escapes, are taken from the line
// as they are written.
#include "json_lines.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/escape.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"
#include "mqttc/property.hpp"
#include "mqttc/topic.hpp"
#include "option_values.hpp"
#include "property_option.hpp"
#include "text_in.hpp"
#include "time_text.hpp"

namespace mqttc::pub {
namespace {

using output::JsonScanner;
using Token = JsonScanner::Token;

// A string between its quotes, in the line.
struct JsonText {
    std::string_view inside;
    bool escaped = false;
};

// The string's characters: in the line if it has no escapes, else in `buffer`.
std::string_view text_of(const JsonText& text, output::TextBuffer& buffer) {
    if (!text.escaped) return text.inside;
    buffer.clear();
    output::append_json_text(buffer, text.inside);
    return buffer.view();
}

// A number without sign, fraction and exponent.
std::optional<std::uint64_t> natural(std::string_view digits) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
}

enum class Field : std::uint8_t {
    unknown,
    topic,
    topic_encoding,
    payload,
    payload_encoding,
    payload_length,
    qos,
    retain,
    properties,
    tst,
};
struct FieldInfo {
    std::string_view name;
    Field field;
    std::string_view expected;  // "NAME is not ..."; empty: any value is taken or ignored
};
constexpr std::array<FieldInfo, 9> fields{{
    {"topic", Field::topic, "a string"},
    {"topic_encoding", Field::topic_encoding, "base64 or hex"},
    {"payload", Field::payload, ""},
    {"payload_encoding", Field::payload_encoding, "base64 or hex"},
    {"payloadlen", Field::payload_length, ""},
    {"qos", Field::qos, "0, 1 or 2"},
    {"retain", Field::retain, "true or false"},
    {"properties", Field::properties, "an object"},
    {"tst", Field::tst, "a string"},
}};
constexpr FieldInfo unknown_field{"", Field::unknown, ""};
constexpr std::string_view user_properties = "user-properties";
constexpr std::string_view encoding_suffix = "_encoding";

std::optional<app::Encoding> encoding_named(std::string_view name) {
    if (name == "base64") return app::Encoding::base64;
    if (name == "hex") return app::Encoding::hex;
    return std::nullopt;
}

// These belong to the connection on which a message was received.
bool belongs_to_connection(PropertyId id) {
    return id == PropertyId::topic_alias || id == PropertyId::subscription_identifier;
}

}  // namespace

class JsonLines::Reader {
  public:
    explicit Reader(JsonRules rules) : rules_(std::move(rules)) {}

    std::expected<void, std::string> read(std::string_view line, InputMessage& message);

  private:
    enum class Level : std::uint8_t { outside, message, properties, user_list, user_pair };

    // What is forgotten when a line starts.
    struct Line {
        Level level = Level::outside;
        Level pair_parent = Level::properties;
        const FieldInfo* field = &unknown_field;

        std::optional<JsonText> topic;
        std::optional<app::Encoding> topic_encoding;
        JsonText payload;
        bool payload_is_text = false;  // a string, or null, which has no characters
        std::string_view raw_payload;  // as it is written in the line
        std::optional<app::Encoding> payload_encoding;
        std::optional<std::uint64_t> payload_length;
        std::optional<Qos> qos;
        std::optional<bool> retain;
        std::optional<std::int64_t> time;
        bool has_properties = false;

        const PropertyInfo* property = nullptr;  // of the last key; nullptr: user properties
        bool is_encoding = false;                // the key is that of its encoding
        std::optional<JsonText> property_text;   // waits for its encoding
        std::optional<app::Encoding> property_encoding;
    };

    bool fail(std::string what) {
        wrong_ = std::move(what);
        return false;
    }
    bool wrong_property_value() {
        if (line_.level == Level::user_pair)
            return fail("user-properties: the value of " + in_quotes(name_) + " is not a string");
        if (line_.property == nullptr && !line_.is_encoding)
            return fail("user-properties is not a list of objects");
        return fail(std::string(name_) + ": its value is not allowed");
    }
    bool is_not(std::string_view what) { return fail(std::string(name_) + " is not " + std::string(what)); }
    bool is_field(Field field) const { return line_.level == Level::message && line_.field->field == field; }
    /// False: there is no valid message; `wrong_` is empty if the text is not JSON. The same for those below.
    bool take(JsonScanner& scan, Token token);
    bool key(const JsonText& text);
    bool word(std::string_view text);
    bool number(std::string_view digits);
    bool string(const JsonText& text, std::string_view raw);
    bool other_value(std::string_view raw);
    bool open(JsonScanner& scan, bool object);
    bool open_in_message(JsonScanner& scan, bool object);
    bool close();
    bool property_key(std::string_view name);
    bool field_text(const JsonText& text, std::string_view raw);
    bool property_text(const JsonText& text);
    bool finish_property();
    bool add(std::expected<void, CodecError> added, std::string_view name);
    std::optional<std::string_view> decoded(std::string_view text, std::optional<app::Encoding> encoding,
                                            std::string& buffer, std::string_view name);
    std::unexpected<std::string> explain(std::string_view line);
    std::expected<void, std::string> conclude(InputMessage& message);

    JsonRules rules_;
    Line line_;
    std::string wrong_;
    std::string_view name_;  // of the last key, for messages and user properties

    // These keep their memory from line to line.
    output::TextBuffer name_text_;
    output::TextBuffer topic_text_;
    output::TextBuffer payload_text_;
    output::TextBuffer value_text_;
    std::string topic_decoded_;
    std::string payload_decoded_;
    std::string value_decoded_;
    Properties properties_;
};

std::expected<void, std::string> JsonLines::Reader::read(std::string_view line, InputMessage& message) {
    line_ = {};
    wrong_.clear();
    properties_.clear();
    JsonScanner scan(line, JsonScanner::any_depth);
    for (;;) {
        const Token token = scan.next();
        if (token == Token::end) return conclude(message);
        if (!take(scan, token)) return explain(line);
    }
}

std::unexpected<std::string> JsonLines::Reader::explain(std::string_view line) {
    if (wrong_.empty() || line.find('\0') != line.npos) wrong_ = output::json_syntax_error(line);
    // The first line of what mqtt_sub indents.
    if (line == "{") wrong_.append(" (one object a line: without --pretty)");
    return std::unexpected(std::move(wrong_));
}

bool JsonLines::Reader::take(JsonScanner& scan, Token token) {
    switch (token) {
        case Token::key:
            return key({scan.inside(), scan.has_escape()});
        case Token::string:
            return string({scan.inside(), scan.has_escape()}, scan.token());
        case Token::number:
            return number(scan.token());
        case Token::word:
            return word(scan.token());
        case Token::begin_object:
            return open(scan, true);
        case Token::begin_array:
            return open(scan, false);
        case Token::end_object:
        case Token::end_array:
            return close();
        case Token::end:
        case Token::invalid:
            break;
    }
    return false;
}

bool JsonLines::Reader::property_key(std::string_view name) {
    line_.is_encoding = name.ends_with(encoding_suffix);
    if (line_.is_encoding) name.remove_suffix(encoding_suffix.size());
    const PropertyInfo* before = line_.property;
    if (!line_.is_encoding && name == user_properties) {
        if (!finish_property()) return false;
        line_.property = nullptr;
        return true;
    }
    const PropertyInfo* info = find_property(name);
    if (info == nullptr || info->type == PropertyType::utf8_pair)
        return fail("properties: unknown MQTT 5 property " + in_quotes(name));
    if ((info->packets & packet_bit(PacketType::publish)) == 0)
        return fail("properties: " + in_quotes(name) + " is not a property of PUBLISH");
    if (info != before && !finish_property()) return false;
    line_.property = info;
    return true;
}

bool JsonLines::Reader::key(const JsonText& text) {
    name_ = text_of(text, name_text_);
    if (line_.level == Level::properties) return property_key(name_);
    if (line_.level != Level::message) return true;
    const auto* const known = std::ranges::find(fields, name_, &FieldInfo::name);
    // Only --replay needs the time.
    const bool ignored = known == fields.end() || (known->field == Field::tst && !rules_.need_time);
    line_.field = ignored ? &unknown_field : known;
    return true;
}

// A value that is not the usual one of its field. `raw`: how it is written, for a payload.
bool JsonLines::Reader::other_value(std::string_view raw) {
    if (line_.level == Level::outside) return fail("it is not an object");
    if (line_.level != Level::message) return wrong_property_value();
    if (!line_.field->expected.empty()) return is_not(line_.field->expected);
    if (line_.field->field == Field::payload) {
        line_.payload_is_text = false;
        line_.raw_payload = raw;
    }
    return true;
}

bool JsonLines::Reader::word(std::string_view text) {
    if (text == "null" && line_.level == Level::message) {
        if (is_field(Field::topic)) line_.topic.reset();
        if (is_field(Field::payload)) {
            line_.payload = {};
            line_.payload_is_text = true;
            line_.raw_payload = text;
        }
        return true;
    }
    if (text == "null" || !is_field(Field::retain)) return other_value(text);
    line_.retain = text == "true";
    return true;
}

bool JsonLines::Reader::number(std::string_view digits) {
    const auto value = natural(digits);
    if (!value) return other_value(digits);
    if (is_field(Field::qos) && *value <= 2) {
        line_.qos = static_cast<Qos>(*value);
    } else if (is_field(Field::retain) && *value <= 1) {
        line_.retain = *value == 1;
    } else if (is_field(Field::payload_length)) {
        line_.payload_length = value;
    } else if (line_.level == Level::properties && line_.property != nullptr && !line_.is_encoding &&
               !app::is_text(line_.property->type)) {
        if (belongs_to_connection(line_.property->id)) return true;
        if (*value > UINT32_MAX) return wrong_property_value();
        return add(properties_.add(line_.property->id, static_cast<std::uint32_t>(*value)), name_);
    } else {
        return other_value(digits);
    }
    return true;
}

bool JsonLines::Reader::string(const JsonText& text, std::string_view raw) {
    switch (line_.level) {
        case Level::message:
            return field_text(text, raw);
        case Level::properties:
            return property_text(text);
        case Level::user_list:
            return fail("user-properties is not a list of objects");
        case Level::user_pair:
            return add(properties_.add_user_property(name_, text_of(text, value_text_)), user_properties);
        case Level::outside:
            break;
    }
    return fail("it is not an object");
}

bool JsonLines::Reader::field_text(const JsonText& text, std::string_view raw) {
    switch (line_.field->field) {
        case Field::topic:
            line_.topic = text;
            return true;
        case Field::payload:
            line_.payload = text;
            line_.payload_is_text = true;
            line_.raw_payload = raw;
            return true;
        case Field::topic_encoding:
            return (line_.topic_encoding = encoding_named(text_of(text, value_text_))) || other_value({});
        case Field::payload_encoding:
            return (line_.payload_encoding = encoding_named(text_of(text, value_text_))) || other_value({});
        case Field::tst: {
            const std::string_view time = text_of(text, value_text_);
            return (line_.time = parse_time(time)) ||
                   fail("tst: " + in_quotes(time) + " is not a time such as 2026-01-31T23:59:59.123456+0100");
        }
        default:
            return other_value({});
    }
}

bool JsonLines::Reader::property_text(const JsonText& text) {
    if (line_.property == nullptr || !app::is_text(line_.property->type)) return wrong_property_value();
    if (line_.is_encoding) {
        line_.property_encoding = encoding_named(text_of(text, value_text_));
        return line_.property_encoding || is_not("base64 or hex");
    }
    line_.property_text = text;
    return true;
}

// The property of the last key is complete: its encoding was given or will not be.
bool JsonLines::Reader::finish_property() {
    const auto encoding = std::exchange(line_.property_encoding, std::nullopt);
    const auto text = std::exchange(line_.property_text, std::nullopt);
    if (!text) return true;
    const std::string_view name = line_.property->name;
    const auto value = decoded(text_of(*text, value_text_), encoding, value_decoded_, name);
    return value && add(properties_.add(line_.property->id, *value), name);
}

bool JsonLines::Reader::add(std::expected<void, CodecError> added, std::string_view name) {
    if (added) return true;
    return fail(std::string(name).append(": ").append(describe(added.error())));
}

// The bytes that `text` encodes, in `buffer` if there is an encoding. None: it is invalid; the error is set.
std::optional<std::string_view> JsonLines::Reader::decoded(std::string_view text,
                                                           std::optional<app::Encoding> encoding,
                                                           std::string& buffer, std::string_view name) {
    if (!encoding) return text;
    if (auto done = decode(*encoding, text, buffer); !done) {
        fail(std::string(name).append(": ").append(done.error()));
        return std::nullopt;
    }
    return buffer;
}

bool JsonLines::Reader::open(JsonScanner& scan, bool object) {
    switch (line_.level) {
        case Level::outside:
            if (!object) return fail("it is not an object");
            line_.level = Level::message;
            return true;
        case Level::message:
            return open_in_message(scan, object);
        case Level::properties:
            if (line_.property == nullptr && !line_.is_encoding) {
                line_.pair_parent = Level::properties;
                line_.level = object ? Level::user_pair : Level::user_list;
                return true;
            }
            if (line_.property == nullptr || object || !belongs_to_connection(line_.property->id))
                return wrong_property_value();
            return scan.skip();
        case Level::user_list:
            if (!object) return fail("user-properties is not a list of objects");
            line_.pair_parent = Level::user_list;
            line_.level = Level::user_pair;
            return true;
        case Level::user_pair:
            return wrong_property_value();
    }
    return true;
}

bool JsonLines::Reader::open_in_message(JsonScanner& scan, bool object) {
    if (line_.field->field == Field::properties && object) {
        line_.level = Level::properties;
        line_.has_properties = true;
        line_.property = nullptr;
        properties_.clear();
        return true;
    }
    if (!line_.field->expected.empty()) return is_not(line_.field->expected);
    const char* const start = scan.token().data();
    if (!scan.skip()) return false;
    if (line_.field->field != Field::payload) return true;
    line_.payload_is_text = false;
    line_.raw_payload = {start, scan.token().data() + 1};
    return true;
}

bool JsonLines::Reader::close() {
    switch (line_.level) {
        case Level::properties:
            line_.level = Level::message;
            return finish_property();
        case Level::user_pair:
            line_.level = line_.pair_parent;
            return true;
        case Level::user_list:
            line_.level = Level::properties;
            return true;
        case Level::outside:
        case Level::message:
            line_.level = Level::outside;
            return true;
    }
    return true;
}

std::expected<void, std::string> JsonLines::Reader::conclude(InputMessage& message) {
    if (line_.topic) {
        const auto topic =
            decoded(text_of(*line_.topic, topic_text_), line_.topic_encoding, topic_decoded_, "topic");
        if (!topic) return std::unexpected(std::move(wrong_));
        if (const auto fault = check_topic_name(*topic))
            return std::unexpected(mqttc::explain(*fault, *topic));
        message.topic = topic;
    } else if (rules_.need_topic) {
        return std::unexpected(std::string("it has no topic, and there is no -t"));
    }
    if (line_.payload_encoding && !line_.payload_is_text && !line_.raw_payload.empty())
        return std::unexpected(std::string("payload_encoding is given, but the payload is not a string"));
    // %J and %j write the payloads "on" and on alike; their lengths distinguish them, because the quotes are part of
    // the longer one.
    const bool is_json = !line_.payload_encoding && line_.payload_length == line_.raw_payload.size();
    message.payload = as_bytes(line_.raw_payload);
    if (line_.payload_is_text && !is_json) {
        const auto payload = decoded(text_of(line_.payload, payload_text_), line_.payload_encoding,
                                     payload_decoded_, "payload");
        if (!payload) return std::unexpected(std::move(wrong_));
        message.payload = as_bytes(*payload);
    }
    message.qos = line_.qos;
    message.retain = line_.retain;
    if (rules_.need_time && !line_.time) return std::unexpected(std::string("it has no tst"));
    message.time = line_.time;
    if (!line_.has_properties) return {};
    if (!rules_.send_properties) {
        if (!properties_.empty() && rules_.warn)
            std::exchange(rules_.warn, nullptr)("properties of messages need MQTT 5 (-V mqttv5): left out");
        return {};
    }
    if (const auto checked = properties_.check(packet_bit(PacketType::publish)); !checked)
        return std::unexpected("properties: " + std::string(describe(checked.error())));
    message.properties = properties_.view();
    return {};
}

JsonLines::JsonLines(JsonRules rules) : reader_(std::make_unique<Reader>(std::move(rules))) {}
JsonLines::~JsonLines() = default;

std::expected<void, std::string> JsonLines::parse(std::string_view line, InputMessage& message) {
    return reader_->read(line, message);
}

}  // namespace mqttc::pub
