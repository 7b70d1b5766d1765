// Builds a payload of CBOR or MessagePack from the events of a JSON parser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mqttc::payload {

class BinaryWriter {
  public:
    virtual ~BinaryWriter() = default;

    virtual void null() = 0;
    virtual void boolean(bool value) = 0;
    virtual void natural(std::uint64_t value) = 0;
    virtual void negative(std::uint64_t below_minus_one) = 0;  ///< -1 - the number
    /// An integer that fits neither of them. False: the format has no such number.
    virtual bool big_integer(std::string_view digits) = 0;
    virtual void floating(double value) = 0;  ///< finite
    virtual void text(std::string_view text) = 0;
    virtual void array(std::uint64_t count) = 0;  ///< that many values follow
    virtual void map(std::uint64_t count) = 0;    ///< that many pairs of a text and a value follow

    void clear() { bytes_.clear(); }
    const std::string& bytes() const { return bytes_; }

  protected:
    void put(unsigned byte) { bytes_.push_back(static_cast<char>(byte)); }
    /// The lowest `size` bytes of a number, the highest one first.
    void put_number(std::uint64_t value, unsigned size) {
        for (unsigned i = size; i > 0; --i) put(static_cast<unsigned>(value >> (i - 1) * 8 & 0xff));
    }
    /// A code and a number of 1, 2, 4 or 8 bytes, the fewest that hold `largest`; each size has the next code.
    void put_sized(unsigned code, std::uint64_t number, std::uint64_t largest) {
        unsigned size = 0;
        while (size < 3 && largest >> (8U << size) != 0) ++size;
        put(code + size);
        put_number(number, 1U << size);
    }
    void put_text(std::string_view text) { bytes_.append(text); }

  private:
    std::string bytes_;
};

/// Writes the JSON text `json`. Error: why it cannot be written; `writer` then holds an unknown part.
std::string encode_json(std::string_view json, BinaryWriter& writer);

}  // namespace mqttc::payload
