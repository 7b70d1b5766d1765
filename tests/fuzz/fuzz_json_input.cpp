// Fuzzes --input json: no line may crash it, and what is read must be a message that can be published.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "json_lines.hpp"
#include "mqttc/topic.hpp"
#include "text_in.hpp"

using namespace mqttc;
using namespace mqttc::pub;

// Input: a byte of flags, then lines for one parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    JsonLines parser({.need_topic = (data[0] & 1) != 0,
                      .need_time = (data[0] & 2) != 0,
                      .send_properties = (data[0] & 4) == 0});
    while (true) {
        const std::size_t end = rest.find('\n');
        const std::string line(rest.substr(0, end));
        InputMessage message;
        const auto parsed = parser.parse(line, message);
        if (!parsed && parsed.error().empty()) std::abort();
        if (parsed) {
            if (message.topic && check_topic_name(*message.topic)) std::abort();
            if (message.properties &&
                !PropertiesView::parse(message.properties->wire(), packet_bit(PacketType::publish)))
                std::abort();
            // Each byte is read, so that the sanitizer finds dangling views.
            std::string copy(as_text(message.payload));
            std::string decoded;
            static_cast<void>(decode(app::Encoding::base64, copy, decoded));
            static_cast<void>(decode(app::Encoding::hex, copy, decoded));
            const bool needs = (data[0] & 1) != 0;
            if (needs && !message.topic) std::abort();
        }
        if (end == rest.npos) return 0;
        rest.remove_prefix(end + 1);
    }
}
