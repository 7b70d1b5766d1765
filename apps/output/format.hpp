// The language of -F: compiled once into steps, then rendered for each message by appending to a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/escape.hpp"
#include "json_field.hpp"
#include "json_out.hpp"
#include "mqttc/packet.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

/// When a message was received.
struct WallTime {
    std::int64_t seconds = 0;  ///< since 1970
    std::int32_t nanoseconds = 0;
};
WallTime wall_time_now();

/// What a message could not be printed as. The sequence concerned printed nothing; not_json and no_field: nothing of the
/// message was printed at all, so that each line is an object, or has all fields.
enum class RenderError : std::uint8_t { none, not_json, not_float, not_double, no_field };

struct FormatOptions {
    JsonLayout json = JsonLayout::compact;
    bool terminal = false;      ///< control characters from the broker are escaped
    bool color = false;         ///< JSON has colours
    bool skip_missing = false;  ///< nothing is printed of a message without the value of a %{path}
    bool file_name = false;     ///< text from the broker is written as in file_name.hpp; no JSON
};

class Format {
  public:
    /// The largest width and precision.
    static constexpr std::uint32_t max_field_width = 1'000'000;

    /// Error: one line that names the invalid sequence.
    static std::expected<Format, std::string> compile(std::string_view text, FormatOptions options = {});

    /// Appends one message, without a newline. No allocation once the buffer has its size (%J and, on a
    /// terminal, messages with control characters excepted). Keeps the texts of the current second.
    RenderError render(const Publish& message, WallTime stamp, TextBuffer& out);

    /// Whether render() uses its stamp.
    bool needs_time() const { return needs_time_; }

  private:
    enum class Kind : std::uint8_t {
        literal,
        topic,
        payload,
        payload_length,
        qos,
        retain,
        packet_id,
        hex_lower,
        hex_upper,
        base64,
        payload_float,
        payload_double,
        number_property,
        text_property,
        user_properties,
        iso_time,
        rfc3339_time,
        unix_time,
        nanoseconds,
        strftime,
        json,
        json_payload,
        field,
    };
    struct Step {
        Kind kind = Kind::literal;
        bool left = false;
        bool zero = false;
        char separator = 0;  // between groups of hex digits, or strftime's letter
        std::uint32_t width = 0;
        PropertyId property{};
        std::int32_t precision = -1;  // -1: not given
        std::size_t text = 0;         // where it starts in literals_, or its index in clock_.texts or fields_
        std::size_t length = 0;
    };
    // What depends on the second only.
    struct Clock {
        std::int64_t second = -1;
        std::string iso;                 // 2016-08-10T09:47:38+0100
        std::string rfc3339;             // 2016-08-10T09:47:38+01:00
        std::string json_start;          // 2016-08-10T09:47:38.
        std::string json_zone;           // +0100
        std::vector<std::string> texts;  // of the strftime steps
    };
    struct Parser;
    struct Letter;

    void add_literal(std::string_view text);
    void set_clock(std::int64_t second);
    /// False: one is missing.
    bool find_all_fields(std::string_view payload);
    RenderError render_steps(const Publish& message, WallTime stamp, TextBuffer& out);
    RenderError render_step(const Step& step, const Publish& message, WallTime stamp, TextBuffer& out);
    RenderError render_float(const Step& step, Bytes payload, TextBuffer& out);
    RenderError render_json(const Step& step, const Publish& message, WallTime stamp, TextBuffer& out);

    void render_field(const Step& step, TextBuffer& out);

    static std::string_view cut(const Step& step, std::string_view text);
    void put_number(const Step& step, std::uint64_t number, TextBuffer& out);
    void put_text(const Step& step, std::string_view text, bool zero, TextBuffer& out);
    /// Text of the broker; on a terminal control characters are escaped.
    void put_escaped(const Step& step, std::string_view text, LineBreaks breaks, bool zero, TextBuffer& out);
    void put_from_broker(const Step& step, std::string_view text, TextBuffer& out);
    void put_payload(const Step& step, Bytes payload, TextBuffer& out);
    void put_encoded(const Step& step, Bytes payload, TextBuffer& out);
    static void put_hex(const Step& step, Bytes payload, TextBuffer& out);
    static void put_base64(const Step& step, Bytes payload, TextBuffer& out);
    void put_property(const Step& step, PropertiesView properties, TextBuffer& out);
    void put_user_properties(PropertiesView properties, TextBuffer& out);

    FormatOptions options_;
    std::vector<Step> steps_;
    std::string literals_;
    bool needs_time_ = false;
    bool needs_json_ = false;  // of the payload: %J
    Clock clock_;
    std::vector<FieldPath> paths_;
    std::vector<Field> fields_;              // one for each of the paths
    std::unique_ptr<TextBuffer> values_;     // of the fields, one after the other
    std::unique_ptr<TextBuffer> whole_;      // what is appended if the payload is JSON
    std::unique_ptr<TextBuffer> uncolored_;  // JSON before it gets its colours
};

}  // namespace mqttc::output
