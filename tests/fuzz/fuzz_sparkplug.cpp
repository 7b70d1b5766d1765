// Fuzzes Sparkplug B: no payload or JSON may crash it, and what it writes is JSON.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkplug_reader.hpp"
#include "sparkplug_writer.hpp"
#include "text_buffer.hpp"

using namespace mqttc;

// Input: a byte that chooses JSON or a series of messages, each with a byte for its topic and one for its length.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto silent = google::protobuf::SetLogHandler(nullptr);
    static_cast<void>(silent);
    if (size < 1) return 0;
    std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    protobuf::SparkplugReader reader((data[0] & 2) != 0);
    if ((data[0] & 1) != 0) {
        const auto bytes = protobuf::write_sparkplug(rest);
        if (!bytes && bytes.error().empty()) std::abort();
        if (!bytes) return 0;
        output::TextBuffer out;
        output::JsonWriter json(out, output::JsonLayout::compact, false);
        if (!reader.read("t", as_bytes(*bytes), json)) std::abort();
        return 0;
    }
    constexpr const char* topics[] = {
        "spBv1.0/g/NBIRTH/n", "spBv1.0/g/DBIRTH/n/d", "spBv1.0/g/NDATA/n", "spBv1.0/g/DDATA/n/d",
        "spBv1.0/g/NDEATH/n", "spBv1.0/g/DDEATH/n/d", "spBv1.0/g/NCMD/n",  "t"};
    while (rest.size() >= 2) {
        const char* const topic = topics[static_cast<unsigned char>(rest[0]) & 7];
        const std::string payload = rest.substr(2, static_cast<unsigned char>(rest[1]));
        rest.erase(0, 2 + payload.size());
        output::TextBuffer out;
        output::JsonWriter json(out, output::JsonLayout::compact, false);
        if (!reader.read(topic, as_bytes(payload), json)) {
            if (reader.error().empty()) std::abort();
        } else if (!output::json_error(out.view()).empty()) {
            std::abort();
        }
    }
    static_cast<void>(reader.nodes().text());
    return 0;
}
