// Writes JSON that is valid whatever bytes it is given, and a message as one JSON object (%j).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json_scan.hpp"
#include "mqttc/packet.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

enum class JsonLayout : bool { compact, pretty };

/// Appends one JSON value, built from the outside in. The caller keeps the order (a key before each value
/// of an object, every begin ended); commas, colons and indentation are added. Pretty: a tab per
/// level (two spaces on a terminal), one member per line, arrays on one line.
class JsonWriter {
  public:
    /// `terminal`: DEL and control characters outside ASCII (starts_with_wide_control) are escaped too.
    JsonWriter(TextBuffer& out, JsonLayout layout, bool terminal)
        : out_(out), pretty_(layout == JsonLayout::pretty), terminal_(terminal) {}

    void begin_object() { begin('{'); }
    void end_object();
    void begin_array() { begin('['); }
    void end_array();
    void key(std::string_view name);
    /// `name` followed by `suffix`, short names that need no escaping.
    void plain_key(std::string_view name, std::string_view suffix = {});
    void number_member(std::string_view name, std::uint64_t value) {
        plain_key(name);
        number(value);
    }
    void raw_member(std::string_view name, std::string_view value) {
        plain_key(name);
        raw(value);
    }
    void flag_member(std::string_view name, bool value) { raw_member(name, value ? "true" : "false"); }
    /// Bytes that are not UTF-8 become U+FFFD.
    void string(std::string_view text);
    void number(std::uint64_t number);
    /// `text` as it is: a number, true, false, null.
    void raw(std::string_view text);
    /// The value that starts with `first`, the last token of `scan`, to its end; numbers keep their digits. False, with
    /// an unknown number of bytes appended: it is not JSON, or there is none.
    bool value(JsonScanner& scan, JsonScanner::Token first);

    /// A member that keeps `bytes` exactly: as a string when they are UTF-8, else in base64 with a second member
    /// "NAME_encoding":"base64". `name` as for plain_key().
    void bytes_member(std::string_view name, std::string_view bytes);

  private:
    void begin(char open);
    void before_value();
    void before_key();
    void indent();
    void after_key();
    void escaped(std::string_view text);
    bool compact_value(JsonScanner& scan, JsonScanner::Token token);
    void string_token(const JsonScanner& scan);

    TextBuffer& out_;
    bool pretty_;
    bool terminal_;
    bool first_ = true;       // nothing was written yet in the open object or array
    bool after_key_ = false;  // the next value belongs to a key
    unsigned depth_ = 0;
};

/// What %j and %J print. `time` is the value of "tst".
void write_message_json(JsonWriter& json, const Publish& message, std::string_view time);

/// As write_message_json with the payload itself as JSON (numbers keep their digits). False, with an unknown
/// number of bytes appended: the payload is not JSON, or nested deeper than max_json_depth.
bool write_message_json_payload(JsonWriter& json, const Publish& message, std::string_view time);

/// Deeper levels are indented as far as this one: each `{}` would become a line of a thousand tabs.
inline constexpr unsigned max_json_indentation = 64;

/// Writes the JSON text `text` as the next value. Error: why it is not JSON, with an unknown number of bytes appended;
/// empty: none. In json_check.cpp.
std::string write_checked_json(JsonWriter& json, std::string_view text);
/// The same without writing.
std::string json_error(std::string_view text);

/// Why a text is not JSON: "it is not JSON from byte 6: ...". For a text that JsonScanner has rejected, and not because of its
/// depth. In json_check.cpp.
std::string json_syntax_error(std::string_view text);

}  // namespace mqttc::output
