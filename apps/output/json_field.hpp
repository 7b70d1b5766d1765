// --field and %{...}: values inside a JSON payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text_buffer.hpp"

namespace mqttc::output {

/// Steps from the whole payload to one value, as in sensors.0.temp.
class FieldPath {
  public:
    static constexpr std::size_t max_steps = 32;

    struct Step {
        std::string name;                  ///< of a member of an object
        std::optional<std::size_t> index;  ///< of an element of an array: the name as a number
    };

    /// Names and indices (from 0) with dots between them; an index may be in brackets, and the path may start with $, as
    /// in JSONPath: $.sensors[0].temp. \. is a dot in a name, \[ a bracket and \\ a backslash. Error: what is wrong,
    /// for a message.
    static std::expected<FieldPath, std::string> parse(std::string_view text);

    const std::vector<Step>& steps() const { return steps_; }
    /// As it was given.
    const std::string& text() const { return text_; }

  private:
    std::vector<Step> steps_;
    std::string text_;
};

enum class FieldResult : std::uint8_t {
    found,
    missing,    ///< JSON without that value
    not_json,   ///< or nested deeper than max_json_depth
    too_large,  ///< longer than max_field_payload: not searched
};

/// A longer payload is not searched: it would delay the table.
inline constexpr std::size_t max_field_payload = std::size_t{1024} * 1024;

/// A value to look for, and where it was appended.
struct Field {
    const FieldPath* path = nullptr;
    std::size_t start = 0;   ///< in what find_fields() appended to
    std::size_t length = 0;  ///< 0, and start too, unless it was found
};

/// Looks for all values in the JSON text `payload` in one pass, and appends them: a string as its text, anything else as
/// JSON. Of two members with the same name the first one that has the rest of the path counts. Found: all of them. Otherwise an unknown number of bytes is
/// appended. Allocates nothing, but for names with escapes.
FieldResult find_fields(std::string_view payload, std::span<Field> fields, TextBuffer& out);
FieldResult find_field(std::string_view payload, const FieldPath& path, TextBuffer& out);

/// "no sensors.0.temp", "not JSON": for a result other than found.
std::string field_error(FieldResult result, const FieldPath& path);

}  // namespace mqttc::output
