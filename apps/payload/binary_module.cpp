// mqttc-payload.so: CBOR and MessagePack.
#include "binary_codec.hpp"
#include "cbor.hpp"
#include "mqttc/types.hpp"
#include "msgpack.hpp"

extern "C" MQTTC_API bool mqttc_payload_open(std::uint64_t abi, const mqttc::app::CodecSetup& setup,
                                             mqttc::app::CodecAnswer& answer) {
    using namespace mqttc::payload;
    if (abi != mqttc::app::payload_module_abi) return false;
    if (setup.format == mqttc::app::PayloadFormat::msgpack) {
        answer.codec = new (std::nothrow) BinaryCodec<MsgpackReader, MsgpackWriter>;
    } else {
        answer.codec = new (std::nothrow) BinaryCodec<CborReader, CborWriter>;
    }
    return true;
}
