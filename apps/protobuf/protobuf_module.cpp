// mqttc-protobuf.so: Sparkplug B, and messages of any .proto file.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <new>
#include <string>

#include "payload_codec.hpp"
#include "schema.hpp"
#include "sparkplug_reader.hpp"
#include "sparkplug_writer.hpp"
#include "text_buffer.hpp"

namespace mqttc::protobuf {
namespace {

using app::CodecResult;

CodecResult invalid(std::string_view why) {
    return {.status = CodecResult::Status::invalid, .text = why};
}

constexpr CodecResult out_of_memory{.status = CodecResult::Status::out_of_memory};

class SparkplugCodec final : public app::PayloadCodec {
  public:
    explicit SparkplugCodec(bool readable_times) : reader_(readable_times) {}

    CodecResult decode(std::string_view topic, Bytes payload) noexcept override try {
        json_.clear();
        output::JsonWriter writer(json_, output::JsonLayout::compact, false);
        if (!reader_.read(topic, payload, writer)) return invalid(reader_.error());
        return {.text = json_.view(),
                .note = reader_.text_changed() ? "it has text that is not UTF-8, which is shown with U+FFFD"
                                               : ""};
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    }

    CodecResult encode(std::string_view json) noexcept override try {
        auto written = write_sparkplug(json);
        text_ = written ? std::move(*written) : std::move(written.error());
        if (!written) return invalid(text_);
        return {.text = text_};
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    }

    std::string_view statistics(app::StatisticsForm form) noexcept override try {
        text_ = form == app::StatisticsForm::json ? reader_.nodes().json() : reader_.nodes().text();
        return text_;
    } catch (const std::bad_alloc&) {
        return {};
    }

  private:
    SparkplugReader reader_;
    output::TextBuffer json_;
    std::string text_;
};

class SchemaCodec final : public app::PayloadCodec {
  public:
    std::expected<void, std::string> open(const app::CodecSetup& setup) {
        return schema_.open(setup.file, setup.message);
    }

    CodecResult decode(std::string_view /*topic*/, Bytes payload) noexcept override try {
        std::string_view lost;
        auto json = schema_.decode(payload, lost);
        text_ = json ? std::move(*json) : std::move(json.error());
        if (!json) return invalid(text_);
        return {.text = text_, .note = lost};
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    }

    CodecResult encode(std::string_view json) noexcept override try {
        auto bytes = schema_.encode(json);
        text_ = bytes ? std::move(*bytes) : std::move(bytes.error());
        if (!bytes) return invalid(text_);
        return {.text = text_};
    } catch (const std::bad_alloc&) {
        return out_of_memory;
    }

  private:
    Schema schema_;
    std::string text_;
};

void open(const app::CodecSetup& setup, app::CodecAnswer& answer) {
    // Errors are returned; libprotobuf would print them.
    google::protobuf::SetLogHandler(nullptr);
    if (setup.format == app::PayloadFormat::sparkplug) {
        answer.codec = new SparkplugCodec(setup.readable_times);
        return;
    }
    auto codec = std::make_unique<SchemaCodec>();
    if (const auto opened = codec->open(setup); !opened) {
        opened.error().copy(answer.error, sizeof answer.error - 1);
        return;
    }
    answer.codec = codec.release();
}

}  // namespace
}  // namespace mqttc::protobuf

extern "C" MQTTC_API bool mqttc_payload_open(std::uint64_t abi, const mqttc::app::CodecSetup& setup,
                                             mqttc::app::CodecAnswer& answer) {
    if (abi != mqttc::app::payload_module_abi) return false;
    try {
        mqttc::protobuf::open(setup, answer);
    } catch (const std::bad_alloc&) {
        constexpr std::string_view why = "out of memory";
        why.copy(answer.error, why.size());
    }
    return true;
}
