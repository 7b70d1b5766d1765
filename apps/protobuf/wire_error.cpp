// Where the bytes of a Protocol Buffers message are wrong.
#include "wire_error.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/wire_format_lite.h>

#include <memory>

namespace mqttc::protobuf {
namespace {

using google::protobuf::internal::WireFormatLite;

std::string at(int position, std::string_view what) {
    return "error at byte " + std::to_string(position + 1) + ": " + std::string(what);
}

}  // namespace

// The parser does not report where it stopped. It is the first field that cannot be read, or cannot be parsed alone.
std::string wire_error(Bytes payload, const google::protobuf::Message& type) {
    google::protobuf::io::CodedInputStream input(payload.data(), static_cast<int>(payload.size()));
    const std::unique_ptr<google::protobuf::Message> part(type.New());
    while (true) {
        const int start = input.CurrentPosition();
        const std::uint32_t tag = input.ReadTag();
        if (tag == 0 && static_cast<std::size_t>(start) == payload.size()) break;
        if (tag == 0 || WireFormatLite::GetTagFieldNumber(tag) == 0)
            return at(start, "it is not the number of a field");
        const std::string field = "field " + std::to_string(WireFormatLite::GetTagFieldNumber(tag));
        if (!WireFormatLite::SkipField(&input, tag)) return at(start, field + " does not end in the payload");
        const int end = input.CurrentPosition();
        part->Clear();
        if (!part->ParsePartialFromArray(payload.data() + start, end - start))
            return at(start, field + " cannot be read");
    }
    return type.IsInitialized() ? at(static_cast<int>(payload.size()), "it cannot be read")
                                : "required fields are missing: " + type.InitializationErrorString();
}

}  // namespace mqttc::protobuf
