// Fuzzes the readers of CBOR and MessagePack: no payload may crash them or grow their output beyond its bound, what they
// write is JSON, and that JSON survives both directions.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "binary_codec.hpp"
#include "cbor.hpp"
#include "msgpack.hpp"

using namespace mqttc;

namespace {

template <typename Codec>
void check_codec(Bytes bytes) {
    Codec codec;
    const app::CodecResult decoded = codec.decode("t", bytes);
    if (decoded.status == app::CodecResult::Status::invalid) {
        if (decoded.text.empty()) std::abort();
        return;
    }
    const std::string json(decoded.text);
    // The longest text of a byte: an extension of MessagePack of one byte, three in all, is {"type":-128,"data":"1A=="}.
    if (json.size() > 16 + 10 * bytes.size()) std::abort();
    if (!output::json_error(json).empty()) std::abort();
    const app::CodecResult encoded = codec.encode(json);
    // MessagePack has no larger integers, but cannot have decoded one.
    if (encoded.status != app::CodecResult::Status::done) std::abort();
    const std::string again(encoded.text);
    const app::CodecResult third = codec.decode("t", as_bytes(again));
    if (third.status != app::CodecResult::Status::done || third.text != json) std::abort();
}

}  // namespace

// Input: a byte that chooses the format, and a payload; or JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    // A copy, so that the sanitizer finds reads beyond its end.
    const std::string payload(reinterpret_cast<const char*>(data) + 1, size - 1);
    using Cbor = payload::BinaryCodec<payload::CborReader, payload::CborWriter>;
    using Msgpack = payload::BinaryCodec<payload::MsgpackReader, payload::MsgpackWriter>;
    switch (data[0] & 3) {
        case 0:
            check_codec<Cbor>(as_bytes(payload));
            break;
        case 1:
            check_codec<Msgpack>(as_bytes(payload));
            break;
        case 2:
            static_cast<void>(Cbor().encode(payload));
            break;
        default:
            static_cast<void>(Msgpack().encode(payload));
    }
    return 0;
}
