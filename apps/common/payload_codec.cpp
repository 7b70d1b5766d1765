// Loads the modules that translate payloads.
#include "payload_codec.hpp"

#include "base/module.hpp"

namespace mqttc::app {
namespace {

constexpr ModuleName binary_module{.title = "payload module",
                                   .file = "mqttc-payload.so",
                                   .environment = "MQTTC_PAYLOAD_MODULE",
                                   .package = "mqttc-clients"};
constexpr ModuleName protobuf_module{.title = "Protocol Buffers module",
                                     .file = "mqttc-protobuf.so",
                                     .environment = "MQTTC_PROTOBUF_MODULE",
                                     .package = "mqttc-protobuf"};

std::expected<void*, std::string> entry_of(PayloadFormat format) {
    if (format == PayloadFormat::sparkplug || format == PayloadFormat::protobuf) {
        static const auto entry = load_module(protobuf_module, payload_module_symbol);
        return entry;
    }
    static const auto entry = load_module(binary_module, payload_module_symbol);
    return entry;
}

}  // namespace

std::string_view format_name(PayloadFormat format) {
    switch (format) {
        case PayloadFormat::json:
            return "JSON";
        case PayloadFormat::cbor:
            return "CBOR";
        case PayloadFormat::msgpack:
            return "MessagePack";
        case PayloadFormat::sparkplug:
            return "Sparkplug B";
        case PayloadFormat::protobuf:
            return "that Protocol Buffers message";
        case PayloadFormat::automatic:
            break;
    }
    return "a known format";
}

std::expected<std::unique_ptr<PayloadCodec>, std::string> open_codec(const CodecSetup& setup) {
    const auto entry = entry_of(setup.format);
    if (!entry) return std::unexpected(entry.error());
    CodecAnswer answer;
    if (!reinterpret_cast<PayloadModuleOpen*>(*entry)(payload_module_abi, setup, answer))
        return std::unexpected("the module for " + std::string(format_name(setup.format)) +
                               " is of another version: reinstall mqttc");
    if (answer.codec == nullptr) return std::unexpected(std::string(answer.error));
    return std::unique_ptr<PayloadCodec>(answer.codec);
}

}  // namespace mqttc::app
