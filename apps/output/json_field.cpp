// --field and %{...}: the path to a value, and the search for it.
#include "json_field.hpp"

#include <algorithm>
#include <array>
#include <bit>
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

// Follows paths through the tokens of a payload, and appends the values at their ends.
class FieldSearch {
  public:
    /// Of fields: a bit for each.
    using Set = std::uint64_t;
    static constexpr std::size_t most = 64;

    /// `text` is the value that the first `above` steps of each path lead to.
    FieldSearch(std::string_view text, std::span<Field> fields, TextBuffer& out, std::size_t above = 0)
        : text_(text), scan_(text), fields_(fields), out_(out), above_(above) {}

    FieldResult run(Set searched) {
        using Token = JsonScanner::Token;
        searched_ = searched;
        for (;;) {
            const Token token = scan_.next();
            switch (token) {
                case Token::invalid:
                    return FieldResult::not_json;
                case Token::end:
                    return searched_ == 0 ? FieldResult::found : FieldResult::missing;
                case Token::key:
                    take_key();
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
    // An open object or array. All are on a path, because others are skipped. Without initial values, which would take
    // longer than the search of a short text.
    struct Level {
        bool array;
        Set inside;        // the fields whose paths lead here
        Set matching;      // of these, the ones whose next step is the key before the next value
        std::size_t next;  // index of the next element
    };

    template <typename Matches>
    Set subset(Set fields, Matches matches) const {
        Set chosen = 0;
        for (Set rest = fields & searched_; rest != 0; rest &= rest - 1) {
            const auto& steps = fields_[static_cast<std::size_t>(std::countr_zero(rest))].path->steps();
            if (matches(steps)) chosen |= rest & (~rest + 1);
        }
        return chosen;
    }

    void take_key() {
        Level& level = levels_[depth_ - 1];
        const std::size_t step = above_ + depth_ - 1;
        TextBuffer decoded;
        std::string_view key = scan_.inside();
        if (scan_.has_escape()) {
            append_json_text(decoded, key);
            key = decoded.view();
        }
        level.matching = subset(level.inside, [&](const auto& steps) { return steps[step].name == key; });
    }

    // The fields that the next value belongs to.
    Set next_matching() {
        if (depth_ == 0) return searched_;
        Level& level = levels_[depth_ - 1];
        if (!level.array) return level.matching & searched_;
        const std::size_t step = above_ + depth_ - 1;
        const std::size_t index = level.next++;
        return subset(level.inside, [&](const auto& steps) { return steps[step].index == index; });
    }

    // False: the text is not JSON.
    bool take_value(JsonScanner::Token token) {
        const bool object = token == JsonScanner::Token::begin_object;
        const bool array = token == JsonScanner::Token::begin_array;
        const Set matching = next_matching();
        if (matching == 0) return (!object && !array) || scan_.skip();
        const Set ending =
            subset(matching, [&](const auto& steps) { return steps.size() == above_ + depth_; });
        if (ending != 0) return append(token, ending, object || array ? matching & ~ending : 0);
        if (object || array)
            levels_[depth_++] = {.array = array, .inside = matching, .matching = 0, .next = 0};
        return true;
    }

    // Appends the value for `ending`, and searches it for the fields inside it.
    bool append(JsonScanner::Token token, Set ending, Set inside) {
        const std::size_t begin = scan_.position();
        const std::size_t start = out_.size();
        if (token == JsonScanner::Token::string) {
            append_json_text(out_, scan_.inside());
        } else if (!JsonWriter(out_, JsonLayout::compact, true).value(scan_, token)) {
            return false;
        }
        searched_ &= ~ending;
        for (Set rest = ending; rest != 0; rest &= rest - 1) {
            Field& field = fields_[static_cast<std::size_t>(std::countr_zero(rest))];
            field.start = start;
            field.length = out_.size() - start;
        }
        if (inside == 0) return true;
        const std::size_t size = scan_.position() + scan_.token().size() - begin;
        FieldSearch search(text_.substr(begin, size), fields_, out_, above_ + depth_);
        search.run(inside);
        searched_ &= ~inside | search.searched_;
        return true;
    }

    std::string_view text_;
    JsonScanner scan_;
    std::span<Field> fields_;
    TextBuffer& out_;
    std::size_t above_;
    Set searched_ = 0;  // not found so far
    std::array<Level, FieldPath::max_steps> levels_;
    std::size_t depth_ = 0;  // how many are open
};

void forget_values(std::span<Field> fields) {
    for (Field& field : fields) field = {.path = field.path};
}

}  // namespace

FieldResult find_fields(std::string_view payload, std::span<Field> fields, TextBuffer& out) {
    forget_values(fields);
    if (payload.size() > max_field_payload) return FieldResult::too_large;
    FieldResult result = FieldResult::found;
    for (std::size_t first = 0; first < fields.size(); first += FieldSearch::most) {
        const auto some = fields.subspan(first, std::min(FieldSearch::most, fields.size() - first));
        const FieldResult of_some =
            FieldSearch(payload, some, out).run(~FieldSearch::Set{0} >> (FieldSearch::most - some.size()));
        if (of_some == FieldResult::not_json) {
            forget_values(fields);
            return of_some;
        }
        if (of_some == FieldResult::missing) result = of_some;
    }
    return result;
}

FieldResult find_field(std::string_view payload, const FieldPath& path, TextBuffer& out) {
    Field field{.path = &path};
    return find_fields(payload, {&field, 1}, out);
}

std::string field_error(FieldResult result, const FieldPath& path) {
    if (result == FieldResult::missing) return "no " + escape_controls(path.text());
    if (result == FieldResult::not_json) return "not JSON";
    return "JSON over " + std::to_string(max_field_payload / 1024) + " KiB";
}

}  // namespace mqttc::output
