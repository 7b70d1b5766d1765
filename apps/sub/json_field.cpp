// --field: the path to a value.
#include "json_field.hpp"

#include <charconv>
#include <utility>

#include "base/escape.hpp"

namespace mqttc::sub {
namespace {

// An array index: no sign, no leading zeros.
std::optional<std::size_t> as_index(std::string_view name) {
    std::size_t index = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool whole = read.ec == std::errc() && read.ptr == name.data() + name.size();
    if (!whole || (name.size() > 1 && name.front() == '0')) return std::nullopt;
    return index;
}

}  // namespace

std::expected<FieldPath, std::string> FieldPath::parse(std::string_view text) {
    const auto wrong = [](std::string what) { return std::unexpected(std::move(what)); };
    FieldPath path;
    path.text_ = text;
    std::string name;
    const auto end_step = [&] {
        path.steps_.push_back({name, as_index(name)});
        name.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            const char escaped = ++i < text.size() ? text[i] : '\0';
            if (escaped != '.' && escaped != '\\')
                return wrong(
                    "a backslash is only valid before a dot or another backslash: write \\\\ for one");
            name += escaped;
        } else if (text[i] != '.') {
            name += text[i];
        } else {
            if (name.empty()) break;
            end_step();
        }
    }
    if (name.empty())
        return wrong("a name is empty: write names with dots between them, as in sensors.0.temp");
    end_step();
    if (path.steps_.size() > max_steps)
        return wrong("more than " + std::to_string(max_steps) + " names: payloads are not searched deeper");
    return path;
}

std::string field_error(FieldResult result, const FieldPath& path) {
    if (result == FieldResult::missing) return "no " + escape_controls(path.text());
    if (result == FieldResult::not_json) return "not JSON";
    return "JSON over " + std::to_string(max_field_payload / 1024) + " KiB";
}

}  // namespace mqttc::sub
