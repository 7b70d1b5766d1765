// Messages as JSON objects. The only file of mqtt_pub that includes nlohmann; a payload that is an object or a
// number is taken from the line as it is written.
#include "json_lines.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/escape.hpp"
#include "discarded_float.hpp"
#include "mqttc/property.hpp"
#include "mqttc/topic.hpp"
#include "option_values.hpp"
#include "property_option.hpp"
#include "text_in.hpp"
#include "time_text.hpp"

namespace mqttc::pub {
namespace {

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  app::DiscardedFloat>;

// Shows how far the parser has read.
struct Cursor {
    using iterator_category = std::forward_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    const char* at;
    const char** seen;

    const char& operator*() const { return *at; }
    Cursor& operator++() {
        *seen = ++at;
        return *this;
    }
    Cursor operator++(int) {
        Cursor before = *this;
        ++*this;
        return before;
    }
    bool operator==(const Cursor& other) const { return at == other.at; }
    bool operator!=(const Cursor& other) const { return at != other.at; }
};

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
    std::string_view wanted;  // "NAME is not ..."; empty: any value is taken or ignored
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
    {"tst", Field::tst, ""},
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

class JsonLines::Reader : public nlohmann::json_sax<Json> {
  public:
    explicit Reader(JsonRules rules) : rules_(std::move(rules)) {}

    std::expected<void, std::string> read(std::string_view line, InputMessage& message);

    bool null() override;
    bool boolean(bool value) override;
    bool number_integer(std::int64_t /*value*/) override { return other_value(number_text()); }
    bool number_unsigned(std::uint64_t value) override;
    bool number_float(app::DiscardedFloat /*value*/, const std::string& /*digits*/) override {
        return other_value(number_text());
    }
    bool string(std::string& text) override;
    bool binary(Json::binary_t& /*bytes*/) override { return false; }
    bool start_object(std::size_t /*size*/) override { return open(true); }
    bool key(std::string& name) override;
    bool end_object() override { return close(true); }
    bool start_array(std::size_t /*size*/) override { return open(false); }
    bool end_array() override { return close(false); }
    bool parse_error(std::size_t position, const std::string& token,
                     const nlohmann::detail::exception& error) override;

  private:
    enum class Level : std::uint8_t { outside, message, properties, user_list, user_pair };

    // What is forgotten when a line starts.
    struct Line {
        Level level = Level::outside;
        Level pair_parent = Level::properties;
        std::size_t nested = 0;           // levels inside a value that is taken whole or ignored
        const char* key_end = nullptr;    // of the last key of the message
        const char* raw_start = nullptr;  // of a payload that is an object or array
        const FieldInfo* field = &unknown_field;

        bool has_topic = false;
        std::optional<app::Encoding> topic_encoding;
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
        bool text_waits = false;                 // property_text_ waits for its encoding
        std::optional<app::Encoding> property_encoding;
    };

    bool fail(std::string what) {
        wrong_ = std::move(what);
        return false;
    }
    bool is_not(std::string_view what) { return fail(name_ + " is not " + std::string(what)); }
    bool is_field(Field field) const {
        return line_.level == Level::message && line_.nested == 0 && line_.field->field == field;
    }
    bool other_value(std::string_view raw);
    bool open(bool object);
    bool open_in_message(bool object);
    bool close(bool object);
    bool property_key(std::string_view name);
    bool field_text(const std::string& text);
    bool property_text(const std::string& text);
    bool finish_property();
    bool add(std::expected<void, CodecError> added, std::string_view name);
    bool decode_into(std::string& text, app::Encoding encoding, std::string_view name);
    std::string_view text_at_value() const;
    std::string_view number_text() const;
    std::expected<void, std::string> conclude(InputMessage& message);

    JsonRules rules_;
    const char* end_ = nullptr;   // of the line
    const char* seen_ = nullptr;  // how far it was read
    Line line_;
    std::string wrong_;

    // These keep their memory from line to line.
    std::string name_;  // of the last key, for messages and user properties
    std::string topic_;
    std::string payload_;
    Properties properties_;
    std::string property_text_;
    std::string decoded_;
};

std::expected<void, std::string> JsonLines::Reader::read(std::string_view line, InputMessage& message) {
    line_ = {};
    wrong_.clear();
    payload_.clear();
    properties_.clear();

    // The parser takes a NUL byte as the end of its input.
    if (const std::size_t nul = line.find('\0'); nul != line.npos) {
        return std::unexpected("it is not JSON: there is a NUL at byte " + std::to_string(nul + 1));
    }
    seen_ = line.data();
    end_ = line.data() + line.size();
    if (!Json::sax_parse(Cursor{seen_, &seen_}, Cursor{end_, &seen_}, this)) {
        // The first line of what mqtt_sub indents.
        if (line == "{") wrong_.append(" (one object a line: without --pretty)");
        return std::unexpected(std::move(wrong_));
    }
    return conclude(message);
}

bool JsonLines::Reader::parse_error(std::size_t position, const std::string& /*token*/,
                                    const nlohmann::detail::exception& error) {
    std::string_view why = error.what();
    // What precedes the colon is the parser's own name of the error, and its line number.
    if (const std::size_t colon = why.find(": "); colon != why.npos) why.remove_prefix(colon + 2);
    return fail("it is not JSON from byte " + std::to_string(position) + ": " + std::string(why));
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

bool JsonLines::Reader::key(std::string& name) {
    if (line_.nested > 0) return true;
    name_.assign(name);
    if (line_.level == Level::properties) return property_key(name);
    if (line_.level != Level::message) return true;
    const auto* const known = std::ranges::find(fields, std::string_view(name), &FieldInfo::name);
    line_.field = known != fields.end() ? known : &unknown_field;
    line_.key_end = seen_;
    return true;
}

// The line from the value after the last key on.
std::string_view JsonLines::Reader::text_at_value() const {
    const std::string_view rest(line_.key_end, static_cast<std::size_t>(end_ - line_.key_end));
    return rest.substr(std::min(rest.find_first_not_of(" \t\r\n:"), rest.size()));
}

// The number at that place; empty where no number can be taken.
std::string_view JsonLines::Reader::number_text() const {
    if (!is_field(Field::payload)) return {};
    const std::string_view text = text_at_value();
    return text.substr(0, text.find_first_not_of("+-.0123456789eE"));
}

// A value that is not the usual one of its field. `raw`: how it is written, for a payload.
bool JsonLines::Reader::other_value(std::string_view raw) {
    if (line_.nested > 0) return true;
    if (line_.level == Level::outside) return fail("it is not an object");
    if (line_.level != Level::message) return is_not("a value of that property");
    if (!line_.field->wanted.empty()) return is_not(line_.field->wanted);
    if (line_.field->field == Field::payload) {
        line_.payload_is_text = false;
        line_.raw_payload = raw;
    }
    return true;
}

bool JsonLines::Reader::null() {
    if (line_.level != Level::message) return other_value({});
    if (is_field(Field::topic)) line_.has_topic = false;
    if (is_field(Field::payload)) {
        payload_.clear();
        line_.payload_is_text = true;
        line_.raw_payload = "null";
    }
    return true;
}

bool JsonLines::Reader::boolean(bool value) {
    if (!is_field(Field::retain)) return other_value(value ? "true" : "false");
    line_.retain = value;
    return true;
}

bool JsonLines::Reader::number_unsigned(std::uint64_t value) {
    if (is_field(Field::qos) && value <= 2) {
        line_.qos = static_cast<Qos>(value);
    } else if (is_field(Field::retain) && value <= 1) {
        line_.retain = value == 1;
    } else if (is_field(Field::payload_length)) {
        line_.payload_length = value;
    } else if (line_.level == Level::properties && line_.nested == 0 && line_.property != nullptr &&
               !line_.is_encoding && !app::is_text(line_.property->type)) {
        if (belongs_to_connection(line_.property->id)) return true;
        if (value > UINT32_MAX) return is_not("a value of that property");
        return add(properties_.add(line_.property->id, static_cast<std::uint32_t>(value)), name_);
    } else {
        return other_value(number_text());
    }
    return true;
}

bool JsonLines::Reader::string(std::string& text) {
    if (line_.nested > 0) return true;
    switch (line_.level) {
        case Level::message:
            return field_text(text);
        case Level::properties:
            return property_text(text);
        case Level::user_list:
            return fail("user-properties is not a list of objects");
        case Level::user_pair:
            return add(properties_.add_user_property(name_, text), user_properties);
        case Level::outside:
            break;
    }
    return fail("it is not an object");
}

bool JsonLines::Reader::field_text(const std::string& text) {
    switch (line_.field->field) {
        case Field::topic:
            topic_.assign(text);
            line_.has_topic = true;
            return true;
        case Field::payload: {
            payload_.assign(text);
            line_.payload_is_text = true;
            const std::string_view rest = text_at_value();
            line_.raw_payload = rest.substr(0, static_cast<std::size_t>(seen_ - rest.data()));
            return true;
        }
        case Field::topic_encoding:
            return (line_.topic_encoding = encoding_named(text)) || other_value({});
        case Field::payload_encoding:
            return (line_.payload_encoding = encoding_named(text)) || other_value({});
        case Field::tst:
            if (!rules_.need_time) return true;
            return (line_.time = parse_time(text)) ||
                   fail("tst: " + in_quotes(text) + " is not a time such as 2026-01-31T23:59:59.123456+0100");
        default:
            return other_value({});
    }
}

bool JsonLines::Reader::property_text(const std::string& text) {
    if (line_.property == nullptr || !app::is_text(line_.property->type))
        return is_not("a value of that property");
    if (line_.is_encoding) {
        line_.property_encoding = encoding_named(text);
        return line_.property_encoding || is_not("base64 or hex");
    }
    property_text_.assign(text);
    line_.text_waits = true;
    return true;
}

// The property of the last key is complete: its encoding was given or will not be.
bool JsonLines::Reader::finish_property() {
    const auto encoding = std::exchange(line_.property_encoding, std::nullopt);
    if (!std::exchange(line_.text_waits, false)) return true;
    if (encoding && !decode_into(property_text_, *encoding, line_.property->name)) return false;
    return add(properties_.add(line_.property->id, property_text_), line_.property->name);
}

bool JsonLines::Reader::add(std::expected<void, CodecError> added, std::string_view name) {
    if (added) return true;
    return fail(std::string(name).append(": ").append(describe(added.error())));
}

bool JsonLines::Reader::decode_into(std::string& text, app::Encoding encoding, std::string_view name) {
    if (auto done = decode(encoding, text, decoded_); !done)
        return fail(std::string(name).append(": ").append(done.error()));
    text.swap(decoded_);
    return true;
}

bool JsonLines::Reader::open(bool object) {
    if (line_.nested > 0) {
        ++line_.nested;
        return true;
    }
    switch (line_.level) {
        case Level::outside:
            if (!object) return fail("it is not an object");
            line_.level = Level::message;
            return true;
        case Level::message:
            return open_in_message(object);
        case Level::properties:
            if (line_.property == nullptr && !line_.is_encoding) {
                line_.pair_parent = Level::properties;
                line_.level = object ? Level::user_pair : Level::user_list;
                return true;
            }
            if (line_.property == nullptr || object || !belongs_to_connection(line_.property->id))
                return is_not("a value of that property");
            line_.nested = 1;
            return true;
        case Level::user_list:
            if (!object) return fail("user-properties is not a list of objects");
            line_.pair_parent = Level::user_list;
            line_.level = Level::user_pair;
            return true;
        case Level::user_pair:
            return fail("user-properties: the value of " + in_quotes(name_) + " is not a string");
    }
    return true;
}

bool JsonLines::Reader::open_in_message(bool object) {
    if (line_.field->field == Field::properties && object) {
        line_.level = Level::properties;
        line_.has_properties = true;
        line_.property = nullptr;
        properties_.clear();
        return true;
    }
    line_.nested = 1;
    line_.raw_start = seen_ - 1;
    return line_.field->wanted.empty() || is_not(line_.field->wanted);
}

bool JsonLines::Reader::close(bool object) {
    if (line_.nested > 0) {
        if (--line_.nested == 0 && is_field(Field::payload)) {
            line_.payload_is_text = false;
            line_.raw_payload = {line_.raw_start, static_cast<std::size_t>(seen_ - line_.raw_start)};
        }
        return true;
    }
    switch (line_.level) {
        case Level::properties:
            line_.level = Level::message;
            return finish_property();
        case Level::user_pair:
            line_.level = line_.pair_parent;
            return object;
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
    if (line_.topic_encoding && line_.has_topic && !decode_into(topic_, *line_.topic_encoding, "topic"))
        return std::unexpected(std::move(wrong_));
    if (line_.has_topic) {
        if (const auto fault = check_topic_name(topic_)) return std::unexpected(explain(*fault, topic_));
        message.topic = topic_;
    } else if (rules_.need_topic) {
        return std::unexpected(std::string("it has no topic, and there is no -t"));
    }
    if (line_.payload_encoding && line_.payload_is_text &&
        !decode_into(payload_, *line_.payload_encoding, "payload"))
        return std::unexpected(std::move(wrong_));
    if (line_.payload_encoding && !line_.payload_is_text && !line_.raw_payload.empty())
        return std::unexpected(std::string("payload_encoding is given, but the payload is not a string"));
    // %J and %j write the payloads "on" and on alike; their lengths distinguish them, because the quotes are part of
    // the longer one.
    const bool is_json = !line_.payload_encoding && line_.payload_length == line_.raw_payload.size();
    const bool by_characters = line_.payload_is_text && !is_json;
    message.payload = as_bytes(by_characters ? std::string_view(payload_) : line_.raw_payload);
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
