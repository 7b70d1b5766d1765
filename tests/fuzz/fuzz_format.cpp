// Fuzzes the language of -F: any format with any message; a JSON format must give JSON.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "format.hpp"
#include "json_out.hpp"

using namespace mqttc;
using namespace mqttc::output;

namespace {

// A large width costs memory and time and finds nothing.
bool has_long_number(std::string_view text) {
    int digits = 0;
    for (const char c : text) {
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        if (digits > 4) return true;
    }
    return false;
}

}  // namespace

// Input: flags, topic length, format length, then topic, format, payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
    const auto take = [&](std::size_t length) {
        const std::string_view part = rest.substr(0, length);
        rest.remove_prefix(part.size());
        return part;
    };
    const std::string_view topic = take(data[1]);
    const std::string_view text = take(data[2]);
    if (has_long_number(text)) return 0;
    const FormatOptions options{.json = (data[0] & 1) != 0 ? JsonLayout::pretty : JsonLayout::compact,
                                .terminal = (data[0] & 2) != 0};
    const Publish message{.topic = topic,
                          .payload = as_bytes(rest),
                          .qos = static_cast<Qos>((data[0] >> 2) % 3),
                          .retain = (data[0] & 16) != 0,
                          .packet_id = data[0],
                          .properties = {}};
    TextBuffer out;
    if (auto format = Format::compile(text, options)) {
        // The second message, half of the first one, must not be shown with parts of the first.
        Publish half = message;
        half.payload = half.payload.first(half.payload.size() / 2);
        for (const Publish& one : {message, half}) format->render(one, {0, 999'999'999}, out);
        TextBuffer again;
        TextBuffer fresh;
        format->render(half, {0, 1}, again);
        Format::compile(text, options)->render(half, {0, 1}, fresh);
        if (again.view() != fresh.view()) std::abort();
    }

    auto json = Format::compile("%j", options);
    TextBuffer object;
    if (!json || json->render(message, {0, 1}, object) != RenderError::none) std::abort();
    TextBuffer again;
    JsonWriter writer(again, JsonLayout::compact, false);
    if (!write_checked_json(writer, object.view()).empty()) std::abort();
    return 0;
}
