// Messages as JSON objects. The only file of mqtt_pub that includes nlohmann; a payload that is an object or
// a number is taken as it stands in the line.
#include "json_lines.hpp"

#include <array>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "mqttc/property.hpp"
#include "mqttc/topic.hpp"
#include "property_option.hpp"
#include "text_in.hpp"
#include "time_text.hpp"
#include "unread_number.hpp"
#include "values.hpp"

namespace mqttc::pub {
namespace {

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  app::UnreadNumber>;

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
constexpr std::array<std::pair<std::string_view, Field>, 9> fields{{
    {"topic", Field::topic},
    {"topic_encoding", Field::topic_encoding},
    {"payload", Field::payload},
    {"payload_encoding", Field::payload_encoding},
    {"payloadlen", Field::payload_length},
    {"qos", Field::qos},
    {"retain", Field::retain},
    {"properties", Field::properties},
    {"tst", Field::tst},
}};
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
    bool number_integer(std::int64_t /*value*/) override { return odd_number(); }
    bool number_unsigned(std::uint64_t value) override;
    bool number_float(app::UnreadNumber /*value*/, const std::string& /*digits*/) override {
        return odd_number();
    }
    bool string(std::string& text) override;
    bool binary(Json::binary_t& /*bytes*/) override { return false; }
    bool start_object(std::size_t /*size*/) override;
    bool key(std::string& name) override;
    bool end_object() override;
    bool start_array(std::size_t /*size*/) override;
    bool end_array() override;
    bool parse_error(std::size_t position, const std::string& token,
                     const nlohmann::detail::exception& error) override;

  private:
    enum class Level : std::uint8_t { outside, message, properties, user_list, user_pair };

    bool fail(std::string what) {
        wrong_ = std::move(what);
        return false;
    }
    bool is_not(std::string_view what) { return fail(name_ + " is not " + std::string(what)); }
    bool odd_number();
    bool container(bool object);
    bool close(bool object);
    bool message_key(std::string_view name);
    bool property_key(std::string_view name);
    bool property_text(const std::string& text);
    bool finish_property();
    bool add(std::expected<void, CodecError> added, std::string_view name);
    bool decode_into(std::string& text, app::Encoding encoding, std::string_view name);
    std::string_view text_at_value() const;
    std::string_view number_at_value() const;
    std::expected<void, std::string> conclude(InputMessage& message);

    JsonRules rules_;

    const char* end_ = nullptr;   // of the line
    const char* seen_ = nullptr;  // how far it was read
    Level level_ = Level::outside;
    Level pair_parent_ = Level::properties;
    std::size_t nested_ = 0;           // levels inside a value that is taken whole or ignored
    const char* key_end_ = nullptr;    // of the key of the message at hand
    const char* raw_start_ = nullptr;  // of a payload that is an object or array
    Field field_ = Field::unknown;
    std::string name_;  // of the key at hand, for messages and user properties
    std::string wrong_;

    // What the line says. Strings keep their memory from line to line.
    bool has_topic_ = false;
    std::string topic_;
    std::optional<app::Encoding> topic_encoding_;
    std::string payload_;
    bool payload_is_text_ = false;  // a string, or null, which has no characters
    std::string_view raw_payload_;  // as it stands in the line
    std::optional<app::Encoding> payload_encoding_;
    std::optional<std::uint64_t> payload_length_;
    std::optional<Qos> qos_;
    std::optional<bool> retain_;
    std::optional<std::int64_t> time_;
    bool has_properties_ = false;
    Properties properties_;

    const PropertyInfo* property_ = nullptr;  // of the key at hand; nullptr: user properties
    bool is_encoding_ = false;                // the key is that of its encoding
    bool text_waits_ = false;                 // property_text_ waits for its encoding
    std::string property_text_;
    std::optional<app::Encoding> property_encoding_;
    std::string decoded_;
};

std::expected<void, std::string> JsonLines::Reader::read(std::string_view line, InputMessage& message) {
    level_ = Level::outside;
    nested_ = 0;
    field_ = Field::unknown;
    wrong_.clear();
    has_topic_ = false;
    topic_encoding_.reset();
    payload_.clear();
    payload_is_text_ = false;
    raw_payload_ = {};
    payload_encoding_.reset();
    payload_length_.reset();
    qos_.reset();
    retain_.reset();
    time_.reset();
    has_properties_ = false;
    properties_.clear();
    property_ = nullptr;
    text_waits_ = false;
    property_encoding_.reset();

    // To the parser a NUL byte is the end of its input.
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
    // Behind the parser's own name of the error and its idea of lines.
    if (const std::size_t colon = why.find(": "); colon != why.npos) why.remove_prefix(colon + 2);
    return fail("it is not JSON from byte " + std::to_string(position) + ": " + std::string(why));
}

bool JsonLines::Reader::message_key(std::string_view name) {
    field_ = Field::unknown;
    for (const auto& [known, field] : fields) {
        if (name == known) field_ = field;
    }
    key_end_ = seen_;
    return true;
}

bool JsonLines::Reader::property_key(std::string_view name) {
    is_encoding_ = name.ends_with(encoding_suffix);
    if (is_encoding_) name.remove_suffix(encoding_suffix.size());
    const PropertyInfo* before = property_;
    if (!is_encoding_ && name == user_properties) {
        if (!finish_property()) return false;
        property_ = nullptr;
        return true;
    }
    const PropertyInfo* info = find_property(name);
    if (info == nullptr || info->type == PropertyType::utf8_pair)
        return fail("properties: " + app::quoted(name) + " is no property of MQTT 5");
    if ((info->packets & packet_bit(PacketType::publish)) == 0)
        return fail("properties: " + app::quoted(name) + " is not one of a message");
    if (info != before && !finish_property()) return false;
    property_ = info;
    return true;
}

bool JsonLines::Reader::key(std::string& name) {
    if (nested_ > 0) return true;
    name_.assign(name);
    if (level_ == Level::message) return message_key(name);
    return level_ != Level::properties || property_key(name);
}

// The line from the value behind the key at hand on.
std::string_view JsonLines::Reader::text_at_value() const {
    const std::string_view rest(key_end_, static_cast<std::size_t>(end_ - key_end_));
    return rest.substr(std::min(rest.find_first_not_of(" \t\r\n:"), rest.size()));
}

std::string_view JsonLines::Reader::number_at_value() const {
    const std::string_view text = text_at_value();
    return text.substr(0, text.find_first_not_of("+-.0123456789eE"));
}

bool JsonLines::Reader::null() {
    if (nested_ > 0) return true;
    if (level_ == Level::outside) return fail("it is not an object");
    if (level_ != Level::message) return is_not("a value of that property");
    if (field_ == Field::payload) {
        payload_.clear();
        payload_is_text_ = true;
        raw_payload_ = "null";
    } else if (field_ == Field::topic) {
        has_topic_ = false;
    }
    return true;
}

bool JsonLines::Reader::boolean(bool value) {
    if (nested_ > 0) return true;
    if (level_ == Level::outside) return fail("it is not an object");
    if (level_ != Level::message) return is_not("a value of that property");
    switch (field_) {
        case Field::payload:
            payload_is_text_ = false;
            raw_payload_ = value ? "true" : "false";
            return true;
        case Field::retain:
            retain_ = value;
            return true;
        case Field::unknown:
        case Field::payload_length:
        case Field::tst:
            return true;
        default:
            return is_not(field_ == Field::qos          ? "0, 1 or 2"
                          : field_ == Field::properties ? "an object"
                                                        : "a string");
    }
}

bool JsonLines::Reader::odd_number() {
    if (nested_ > 0) return true;
    if (level_ == Level::outside) return fail("it is not an object");
    if (level_ != Level::message) return is_not("a value of that property");
    switch (field_) {
        case Field::payload:
            payload_is_text_ = false;
            raw_payload_ = number_at_value();
            return true;
        case Field::unknown:
        case Field::payload_length:
        case Field::tst:
            return true;
        case Field::qos:
            return is_not("0, 1 or 2");
        case Field::retain:
            return is_not("true or false");
        case Field::properties:
            return is_not("an object");
        default:
            return is_not("a string");
    }
}

bool JsonLines::Reader::number_unsigned(std::uint64_t value) {
    if (nested_ > 0) return true;
    if (level_ == Level::message && field_ == Field::qos && value <= 2) {
        qos_ = static_cast<Qos>(value);
        return true;
    }
    if (level_ == Level::message && field_ == Field::retain && value <= 1) {
        retain_ = value == 1;
        return true;
    }
    if (level_ == Level::message && field_ == Field::payload_length) {
        payload_length_ = value;
        return true;
    }
    const bool for_property = level_ == Level::properties && property_ != nullptr && !is_encoding_;
    if (!for_property || app::is_text(property_->type)) return odd_number();
    if (belongs_to_connection(property_->id)) return true;
    if (value > UINT32_MAX) return is_not("a value of that property");
    return add(properties_.add(property_->id, static_cast<std::uint32_t>(value)), name_);
}

bool JsonLines::Reader::string(std::string& text) {
    if (nested_ > 0) return true;
    switch (level_) {
        case Level::outside:
            return fail("it is not an object");
        case Level::properties:
            return property_text(text);
        case Level::user_list:
            return fail("user-properties is not a list of objects");
        case Level::user_pair:
            return add(properties_.add_user_property(name_, text), user_properties);
        case Level::message:
            break;
    }
    switch (field_) {
        case Field::topic:
            topic_.assign(text);
            has_topic_ = true;
            return true;
        case Field::payload:
            payload_.assign(text);
            payload_is_text_ = true;
            raw_payload_ = text_at_value();
            raw_payload_ = raw_payload_.substr(0, static_cast<std::size_t>(seen_ - raw_payload_.data()));
            return true;
        case Field::topic_encoding:
        case Field::payload_encoding: {
            const auto encoding = encoding_named(text);
            if (!encoding) return is_not("base64 or hex");
            (field_ == Field::topic_encoding ? topic_encoding_ : payload_encoding_) = encoding;
            return true;
        }
        case Field::tst:
            if (!rules_.need_time) return true;
            time_ = parse_time(text);
            return time_ || fail("tst: " + app::quoted(text) + " is not a time such as " +
                                 "2026-01-31T23:59:59.123456+0100");
        case Field::unknown:
        case Field::payload_length:
            return true;
        case Field::qos:
        case Field::retain:
        case Field::properties:
            return odd_number();
    }
    return true;
}

bool JsonLines::Reader::property_text(const std::string& text) {
    if (property_ == nullptr || !app::is_text(property_->type)) return is_not("a value of that property");
    if (is_encoding_) {
        property_encoding_ = encoding_named(text);
        return property_encoding_ || is_not("base64 or hex");
    }
    property_text_.assign(text);
    text_waits_ = true;
    return true;
}

// The property of the last key is complete: its encoding was given or will not be.
bool JsonLines::Reader::finish_property() {
    const auto encoding = std::exchange(property_encoding_, std::nullopt);
    if (!std::exchange(text_waits_, false)) return true;
    if (encoding && !decode_into(property_text_, *encoding, property_->name)) return false;
    return add(properties_.add(property_->id, property_text_), property_->name);
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

bool JsonLines::Reader::start_object(std::size_t /*size*/) {
    return container(true);
}
bool JsonLines::Reader::start_array(std::size_t /*size*/) {
    return container(false);
}

bool JsonLines::Reader::container(bool object) {
    if (nested_ > 0) {
        ++nested_;
        return true;
    }
    switch (level_) {
        case Level::outside:
            if (!object) return fail("it is not an object");
            level_ = Level::message;
            return true;
        case Level::message:
            if (field_ == Field::properties && object) {
                level_ = Level::properties;
                has_properties_ = true;
                properties_.clear();
                property_ = nullptr;
                return true;
            }
            if (field_ != Field::payload && field_ != Field::unknown && field_ != Field::payload_length &&
                field_ != Field::tst)
                return odd_number();
            nested_ = 1;
            raw_start_ = seen_ - 1;
            return true;
        case Level::properties:
            if (property_ == nullptr && !is_encoding_) {
                pair_parent_ = Level::properties;
                level_ = object ? Level::user_pair : Level::user_list;
                return true;
            }
            if (property_ != nullptr && !object && belongs_to_connection(property_->id)) {
                nested_ = 1;
                return true;
            }
            return is_not("a value of that property");
        case Level::user_list:
            if (!object) return fail("user-properties is not a list of objects");
            pair_parent_ = Level::user_list;
            level_ = Level::user_pair;
            return true;
        case Level::user_pair:
            return fail("user-properties: the value of " + app::quoted(name_) + " is not a string");
    }
    return true;
}

bool JsonLines::Reader::end_object() {
    return close(true);
}
bool JsonLines::Reader::end_array() {
    return close(false);
}

bool JsonLines::Reader::close(bool object) {
    if (nested_ > 0) {
        if (--nested_ == 0 && level_ == Level::message && field_ == Field::payload) {
            payload_is_text_ = false;
            raw_payload_ = {raw_start_, static_cast<std::size_t>(seen_ - raw_start_)};
        }
        return true;
    }
    switch (level_) {
        case Level::properties:
            level_ = Level::message;
            return finish_property();
        case Level::user_pair:
            level_ = pair_parent_;
            return object;
        case Level::user_list:
            level_ = Level::properties;
            return true;
        case Level::outside:
        case Level::message:
            level_ = Level::outside;
            return true;
    }
    return true;
}

std::expected<void, std::string> JsonLines::Reader::conclude(InputMessage& message) {
    if (topic_encoding_ && has_topic_ && !decode_into(topic_, *topic_encoding_, "topic"))
        return std::unexpected(std::move(wrong_));
    if (has_topic_) {
        if (const auto fault = check_topic_name(topic_)) return std::unexpected(explain(*fault, topic_));
        message.topic = topic_;
    } else if (rules_.need_topic) {
        return std::unexpected(std::string("there is no topic in it, and no -t"));
    }
    if (payload_encoding_ && payload_is_text_ && !decode_into(payload_, *payload_encoding_, "payload"))
        return std::unexpected(std::move(wrong_));
    if (payload_encoding_ && !payload_is_text_ && !raw_payload_.empty())
        return std::unexpected(std::string("payload_encoding is given, but the payload is not a string"));
    // %J and %j write the payloads "on" and on alike; their lengths tell them apart, for the quotes are part
    // of the longer one.
    const bool is_json = !payload_encoding_ && payload_length_ == raw_payload_.size();
    const bool by_characters = payload_is_text_ && !is_json;
    message.payload = as_bytes(by_characters ? std::string_view(payload_) : raw_payload_);
    message.qos = qos_;
    message.retain = retain_;
    if (rules_.need_time && !time_) return std::unexpected(std::string("there is no tst in it"));
    message.time = time_;
    if (!has_properties_) return {};
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
