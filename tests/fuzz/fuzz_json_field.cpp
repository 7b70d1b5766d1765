// Fuzzes --field: no path or payload may crash it, and a payload is JSON here exactly when it is for %J.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "json_field.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"

using namespace mqttc::output;

// Input: the path, a newline, the payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t end = all.find('\n');
    if (end == all.npos) return 0;
    const auto path = FieldPath::parse(all.substr(0, end));
    if (!path && path.error().empty()) std::abort();
    if (!path) return 0;
    // A copy, so that the sanitizer finds reads beyond its end.
    const std::string payload(all.substr(end + 1));
    TextBuffer value;
    const FieldResult result = find_field(payload, *path, value);
    TextBuffer whole;
    JsonWriter json(whole, JsonLayout::compact, true);
    const bool is_json = write_checked_json(json, payload).empty();
    if (is_json != json_error(payload).empty()) std::abort();
    if (result != FieldResult::too_large && is_json != (result != FieldResult::not_json)) std::abort();
    // Colours add sequences, and change nothing else.
    TextBuffer colored;
    append_highlighted(colored, payload, false);
    if (payload.find('\033') != payload.npos) return 0;
    std::string plain(colored.view());
    for (std::size_t at = 0; (at = plain.find('\033', at)) != plain.npos;)
        plain.erase(at, plain.find('m', at) - at + 1);
    if (plain != payload) std::abort();
    return 0;
}
