// Fuzzes --decode protobuf and --encode protobuf: no payload or JSON may crash them or grow their output beyond its bound,
// and what is decoded is JSON.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "json_out.hpp"
#include "schema.hpp"

using namespace mqttc;

namespace {

std::unique_ptr<protobuf::Schema> schema_of(const char* file, const char* message) {
    google::protobuf::SetLogHandler(nullptr);
    auto schema = std::make_unique<protobuf::Schema>();
    if (!schema->open(std::string(MQTTC_PROTO_DIRECTORY "/") + file, message)) std::abort();
    return schema;
}

}  // namespace

// Input: a byte that chooses the message and the direction, and a payload or JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto every_type = schema_of("every_type.proto", "mqttc.test.EveryType");
    static const auto old_type = schema_of("old_type.proto", "mqttc.test.OldType");
    if (size < 1) return 0;
    protobuf::Schema& schema = (data[0] & 1) != 0 ? *old_type : *every_type;
    // A copy, so that the sanitizer finds reads beyond its end.
    const std::string rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if ((data[0] & 2) != 0) {
        const auto bytes = schema.encode(rest);
        if (!bytes && bytes.error().empty()) std::abort();
        return 0;
    }
    std::string_view lost;
    const auto json = schema.decode(as_bytes(rest), lost);
    if (!json) {
        if (json.error().empty()) std::abort();
        return 0;
    }
    // The longest text of a byte is an element of an array of messages with its name.
    if (json->size() > 64 * (size + 1) || !output::json_error(*json).empty()) std::abort();
    // Not all of it can be read back: a payload may have the same key of a map twice, or anything as a FieldMask.
    const auto bytes = schema.encode(*json);
    if (!bytes && bytes.error().empty()) std::abort();
    return 0;
}
