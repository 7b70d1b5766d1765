// Fuzzes --input csv: no record may crash it, and what is read must be a message that can be published.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "csv_lines.hpp"
#include "mqttc/topic.hpp"

using namespace mqttc;
using namespace mqttc::pub;

// Input: a byte of flags, then lines for one parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    CsvRules rules;
    if ((data[0] & 1) != 0) rules.topics = {"t/{a}/{b}"};
    if ((data[0] & 2) != 0) rules.payload_column = "a";
    if ((data[0] & 4) != 0) rules.encoding = app::Encoding::base64;
    CsvLines parser(rules);
    while (true) {
        const std::size_t end = rest.find('\n');
        const std::string line(rest.substr(0, end));
        InputMessage message;
        const auto parsed = parser.parse(line, message);
        if (!parsed && parsed.error().empty()) std::abort();
        if (parsed && parser.gave_message()) {
            if (message.topic && check_topic_name(*message.topic)) std::abort();
            if (!message.topic && (data[0] & 1) == 0) std::abort();
            // Each byte is read, so that the sanitizer finds dangling views.
            const std::string copy(as_text(message.payload));
            if (copy.size() > 16 + 8 * (size + 1)) std::abort();
        }
        if (end == rest.npos) return 0;
        rest.remove_prefix(end + 1);
    }
}
