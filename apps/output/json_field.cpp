// --field: the path to a value, and the search for it.
#include "json_field.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/escape.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"

namespace mqttc::output {
namespace {

// An array index: no sign, no leading zeros.
std::optional<std::size_t> as_index(std::string_view name) {
    std::size_t index = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool whole = read.ec == std::errc() && read.ptr == name.data() + name.size();
    if (!whole || (name.size() > 1 && name.front() == '0')) return std::nullopt;
    return index;
}

// The length of an index in brackets at the start of a path, [0]; 0: there is none.
std::size_t index_length(std::string_view text) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !as_index(text.substr(1, end - 1))) return 0;
    return end + 1;
}

constexpr std::string_view empty_name =
    "a name is empty: write names with dots between them, as in sensors.0.temp";

}  // namespace

std::expected<FieldPath, std::string> FieldPath::parse(std::string_view text) {
    const auto wrong = [](std::string what) { return std::unexpected(std::move(what)); };
    FieldPath path;
    path.text_ = text;
    // As JSONPath writes it: $ is the whole payload.
    if (text.starts_with("$.") || text.starts_with("$[")) text.remove_prefix(text[1] == '.' ? 2 : 1);
    std::string name;
    bool element = false;  // the last step was [0]: a dot or another one follows
    const auto end_step = [&] {
        path.steps_.push_back({name, as_index(name)});
        name.clear();
    };
    bool complete = false;  // no name is missing so far
    for (std::size_t i = 0; i < text.size(); ++i) {
        complete = true;
        if (const std::size_t length = text[i] == '[' ? index_length(text.substr(i)) : 0; length > 0) {
            if (!name.empty()) end_step();
            name = text.substr(i + 1, length - 2);
            end_step();
            i += length - 1;
            element = true;
        } else if (text[i] == '.') {
            if (name.empty() && !element) return wrong(std::string(empty_name));
            if (!name.empty()) end_step();
            element = complete = false;
        } else if (element) {
            return wrong("after an index only a dot or another index can follow, as in sensors[0].temp");
        } else if (text[i] == '\\') {
            const char escaped = ++i < text.size() ? text[i] : '\0';
            if (escaped != '.' && escaped != '[' && escaped != '\\')
                return wrong(
                    "a backslash is only valid before '.', '[' or another backslash: write \\\\ for one");
            name += escaped;
        } else {
            name += text[i];
        }
    }
    if (!complete) return wrong(std::string(empty_name));
    if (!name.empty()) end_step();
    if (path.steps_.size() > max_steps)
        return wrong("more than " + std::to_string(max_steps) + " names: payloads are not searched deeper");
    return path;
}

namespace {

// Follows a path through the tokens of a payload, and appends the value at its end.
class FieldSearch {
  public:
    FieldSearch(std::string_view payload, const FieldPath& path, TextBuffer& out)
        : scan_(payload), steps_(path.steps()), out_(out) {}

    FieldResult run() {
        using Token = JsonScanner::Token;
        for (;;) {
            const Token token = scan_.next();
            switch (token) {
                case Token::invalid:
                    return FieldResult::not_json;
                case Token::end:
                    return found_ ? FieldResult::found : FieldResult::missing;
                case Token::key:
                    levels_[depth_ - 1].matches = key_is(steps_[depth_ - 1].name);
                    break;
                case Token::end_object:
                case Token::end_array:
                    --depth_;
                    break;
                default:
                    if (!take_value(token)) return FieldResult::not_json;
            }
        }
    }

  private:
    // An open object or array. All are on the path, because others are skipped.
    struct Level {
        bool array = false;
        bool matches = false;  // the key before the next value is the one on the path
        std::size_t next = 0;  // index of the next element
    };

    bool key_is(std::string_view name) const {
        if (!scan_.has_escape()) return scan_.inside() == name;
        TextBuffer text;
        append_json_text(text, scan_.inside());
        return text.view() == name;
    }

    bool next_matches() {
        if (depth_ == 0) return true;
        Level& level = levels_[depth_ - 1];
        if (level.array) return level.next++ == steps_[depth_ - 1].index;
        return level.matches;
    }

    // False: the text is not JSON.
    bool take_value(JsonScanner::Token token) {
        const bool object = token == JsonScanner::Token::begin_object;
        const bool array = token == JsonScanner::Token::begin_array;
        const bool matches = next_matches() && !found_;
        if (matches && depth_ == steps_.size()) {
            found_ = true;
            if (token != JsonScanner::Token::string)
                return JsonWriter(out_, JsonLayout::compact, true).value(scan_, token);
            append_json_text(out_, scan_.inside());
            return true;
        }
        if (!object && !array) return true;
        if (!matches) return scan_.skip();
        levels_[depth_++] = {.array = array};
        return true;
    }

    JsonScanner scan_;
    const std::vector<FieldPath::Step>& steps_;
    TextBuffer& out_;
    std::array<Level, FieldPath::max_steps> levels_;
    std::size_t depth_ = 0;  // how many are open
    bool found_ = false;
};

}  // namespace

FieldResult find_field(std::string_view payload, const FieldPath& path, TextBuffer& out) {
    if (payload.size() > max_field_payload) return FieldResult::too_large;
    return FieldSearch(payload, path, out).run();
}

std::string field_error(FieldResult result, const FieldPath& path) {
    if (result == FieldResult::missing) return "no " + escape_controls(path.text());
    if (result == FieldResult::not_json) return "not JSON";
    return "JSON over " + std::to_string(max_field_payload / 1024) + " KiB";
}

}  // namespace mqttc::output
