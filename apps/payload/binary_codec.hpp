// The codec of CBOR and of MessagePack.
#pragma once

#include <memory>
#include <new>
#include <string>

#include "binary_writer.hpp"
#include "json_out.hpp"
#include "payload_codec.hpp"
#include "text_buffer.hpp"

namespace mqttc::payload {

template <typename Reader, typename Writer>
class BinaryCodec final : public app::PayloadCodec {
  public:
    app::CodecResult decode(std::string_view /*topic*/, Bytes payload) noexcept override try {
        json_.clear();
        output::JsonWriter writer(json_, output::JsonLayout::compact, false);
        Reader reader(writer);
        if (reader.read(payload)) return {.text = json_.view()};
        error_ = reader.error();
        return {.status = app::CodecResult::Status::invalid, .text = error_};
    } catch (const std::bad_alloc&) {
        return {.status = app::CodecResult::Status::out_of_memory};
    }

    app::CodecResult encode(std::string_view json) noexcept override try {
        error_ = encode_json(json, bytes_);
        if (error_.empty()) return {.text = bytes_.bytes()};
        return {.status = app::CodecResult::Status::invalid, .text = error_};
    } catch (const std::bad_alloc&) {
        return {.status = app::CodecResult::Status::out_of_memory};
    }

  private:
    output::TextBuffer json_;
    Writer bytes_;
    std::string error_;
};

}  // namespace mqttc::payload
