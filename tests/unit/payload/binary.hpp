// Payloads as hexadecimal, decoded and encoded.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "binary_codec.hpp"
#include "support/hex.hpp"

namespace mqttc::test {

/// The JSON, or the error in angle brackets.
template <typename Reader>
std::string decode(Bytes payload) {
    output::TextBuffer out;
    output::JsonWriter json(out, output::JsonLayout::compact, false);
    Reader reader(json);
    return reader.read(payload) ? std::string(out.view()) : "<" + reader.error() + ">";
}

/// The payload in hexadecimal, or the error in angle brackets.
template <typename Writer>
std::string encode(std::string_view json) {
    Writer writer;
    const std::string error = payload::encode_json(json, writer);
    return error.empty() ? mqttc::to_hex(as_bytes(writer.bytes())) : "<" + error + ">";
}

}  // namespace mqttc::test
