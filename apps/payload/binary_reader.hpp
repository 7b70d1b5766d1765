// What the readers of CBOR and MessagePack share: the bytes, the error with its position, and values as JSON.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json_out.hpp"
#include "mqttc/types.hpp"

namespace mqttc::payload {

/// How bytes are written in JSON.
enum class BytesForm : std::uint8_t { base64, base64_url, hex };

class BinaryReader {
  public:
    BinaryReader(const BinaryReader&) = delete;
    BinaryReader& operator=(const BinaryReader&) = delete;

    /// Why the last payload could not be read: "error at byte 3: ...".
    const std::string& error() const { return error_; }

  protected:
    explicit BinaryReader(output::JsonWriter& json) : json_(json) {}
    ~BinaryReader() = default;

    void start(Bytes payload);
    /// All bytes were read.
    bool at_end();
    /// The next byte is at this position; the first one is 1.
    std::size_t position() const { return static_cast<std::size_t>(at_ - payload_.data()) + 1; }
    bool fail(std::size_t position, std::string_view what);
    /// False, with an error: there are fewer bytes.
    bool take(std::uint64_t count, Bytes& bytes) {
        if (count > static_cast<std::size_t>(end_ - at_)) return fail_short(count);
        bytes = {at_, static_cast<std::size_t>(count)};
        at_ += count;
        return true;
    }
    /// The next `size` bytes (1 to 8) as a number.
    bool take_number(unsigned size, std::uint64_t& value) {
        if (static_cast<std::size_t>(end_ - at_) < size) return fail_end();
        value = 0;
        for (unsigned i = 0; i < size; ++i) value = value << 8 | *at_++;
        return true;
    }
    bool is_deeper(unsigned depth, std::size_t position);
    bool check_text(std::string_view text, std::size_t position);

    /// Values as the text of JSON, without quotes; each lives until the next one.
    std::string_view unsigned_text(std::uint64_t value);
    std::string_view negative_text(std::uint64_t below_minus_one);  ///< -1 - the number
    std::string_view float_text(double value);                      ///< null when it is not finite
    std::string_view bytes_text(Bytes bytes, BytesForm form = BytesForm::base64);
    /// Writes such a text as a value.
    void put(std::string_view text, bool quoted) { quoted ? json_.string(text) : json_.raw(text); }

    output::JsonWriter& json_;

  private:
    bool fail_end();
    bool fail_short(std::uint64_t count);

    Bytes payload_;
    const std::uint8_t* at_ = nullptr;
    const std::uint8_t* end_ = nullptr;
    std::string error_;
    std::array<char, 32> number_{};
    std::string scratch_;
};

}  // namespace mqttc::payload
