// The interface between the programs and the modules that translate payloads between JSON and binary formats.
//
// Each side has its own copy of libstdc++, so only plain data and virtual calls are used, and no exception leaves a module.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"
#include "options.hpp"

namespace mqttc::app {

/// What a codec is for. The views must live until the module has opened the codec.
struct CodecSetup {
    PayloadFormat format = PayloadFormat::cbor;
    std::string_view file = {};     ///< protobuf: the .proto file
    std::string_view message = {};  ///< protobuf: the type of the payloads, with its package
    bool readable_times = false;    ///< times as text instead of numbers
};

/// The answer of a codec; its views live until the codec's next call.
struct CodecResult {
    enum class Status : std::uint8_t { done, invalid, out_of_memory };
    Status status = Status::done;
    std::string_view text = {};  ///< done: the result; invalid: why, as "error at byte 3: ..."
    std::string_view note = {};  ///< done: what the result lacks; usually empty
};

enum class StatisticsForm : std::uint8_t { text, json };

/// Translates payloads of one format.
class PayloadCodec {
  public:
    PayloadCodec() = default;
    virtual ~PayloadCodec() = default;
    PayloadCodec(const PayloadCodec&) = delete;
    PayloadCodec& operator=(const PayloadCodec&) = delete;

    /// A payload to JSON on one line. Messages are given in the order of their arrival.
    virtual CodecResult decode(std::string_view topic, Bytes payload) noexcept = 0;
    /// JSON to a payload.
    virtual CodecResult encode(std::string_view json) noexcept = 0;
    /// What was learned about the publishers, for --stats; empty if there is nothing to report.
    virtual std::string_view statistics(StatisticsForm /*form*/) noexcept { return {}; }
};

/// The most bytes of a payload that are translated: Protocol Buffers take up to a hundred times the memory.
inline constexpr std::size_t max_protobuf_payload = std::size_t{4} * 1024 * 1024;

/// Changes with every type that crosses; the sizes catch a change that was not counted here.
inline constexpr std::uint64_t payload_module_revision = 2;
inline constexpr std::uint64_t payload_module_abi =
    (payload_module_revision * 1009 + sizeof(CodecSetup)) * 1009 + sizeof(CodecResult);

/// A module's only symbol. `answer` gets the codec, or what is wrong with the setup.
/// False: the module is of another version.
struct CodecAnswer {
    PayloadCodec* codec = nullptr;  ///< owned by the caller
    char error[1024] = {};          ///< without a codec: one line
};
using PayloadModuleOpen = bool(std::uint64_t abi, const CodecSetup& setup, CodecAnswer& answer);
inline constexpr const char* payload_module_symbol = "mqttc_payload_open";

/// Loads the module of the format when it is first needed. Error: one line for the user.
std::expected<std::unique_ptr<PayloadCodec>, std::string> open_codec(const CodecSetup& setup);

/// "CBOR"
std::string_view format_name(PayloadFormat format);

}  // namespace mqttc::app
