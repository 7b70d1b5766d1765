// Payloads from JSON to binary formats.
#include "payload_encoder.hpp"

#include <new>

namespace mqttc::pub {

std::expected<PayloadEncoder, std::string> PayloadEncoder::open(const app::PayloadChoice& choice) {
    auto codec = app::open_codec({.format = choice.format, .file = choice.file, .message = choice.message});
    if (!codec) return std::unexpected("--encode: " + codec.error());
    return PayloadEncoder(std::move(*codec));
}

std::expected<Bytes, std::string> PayloadEncoder::encode(std::string_view json) {
    if (json.empty()) return Bytes();
    const app::CodecResult result = codec_->encode(json);
    if (result.status == app::CodecResult::Status::out_of_memory) throw std::bad_alloc();
    if (result.status == app::CodecResult::Status::invalid)
        return std::unexpected("the payload cannot be encoded: " + std::string(result.text));
    return as_bytes(result.text);
}

std::expected<void, std::string> EncodedLines::parse(std::string_view line, InputMessage& message) {
    if (auto read = lines_->parse(line, message); !read) return read;
    if (!lines_->gave_message()) return {};
    auto payload = encoder_.encode(as_text(message.payload));
    if (!payload) return std::unexpected(std::move(payload.error()));
    message.payload = *payload;
    return {};
}

}  // namespace mqttc::pub
