// Messages of any .proto file, between their bytes and the JSON mapping of Protocol Buffers.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc::protobuf {

class Schema {
  public:
    Schema();
    ~Schema();
    Schema(const Schema&) = delete;
    Schema& operator=(const Schema&) = delete;

    /// Reads the file, and those that it imports from the same directory or the standard ones. `message`: the type of the
    /// payloads, with its package. Error: one line.
    std::expected<void, std::string> open(std::string_view file, std::string_view message);

    /// Errors: "error at byte 3: ...", "it is not JSON from byte 3: ...". `lost`: what the JSON lacks, for the user;
    /// usually empty.
    std::expected<std::string, std::string> decode(Bytes payload, std::string_view& lost);
    std::expected<std::string, std::string> encode(std::string_view json);

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace mqttc::protobuf
