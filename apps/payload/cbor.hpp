// CBOR (RFC 8949): payloads to JSON, as section 6.1 suggests, and JSON to payloads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "binary_reader.hpp"
#include "binary_writer.hpp"

namespace mqttc::payload {

/// Reads one value. Map keys become text. Byte strings are written in base64, or as a tag 21 to 23 requests; big numbers
/// (tags 2 and 3) as numbers; undefined, NaN and infinities as null; other tags are ignored.
class CborReader : public BinaryReader {
  public:
    /// Longer big numbers are refused: their digits take time that grows with the square of the length.
    static constexpr std::size_t max_big_number = 1024;

    explicit CborReader(output::JsonWriter& json) : BinaryReader(json) {}
    /// False: error() has the cause; an unknown part was written.
    bool read(Bytes payload);

  private:
    struct Head {
        std::size_t position = 0;
        std::uint8_t major = 0;
        std::uint8_t info = 0;
        std::uint64_t argument = 0;
        std::uint64_t tag = no_tag;  // the innermost one before it
    };
    static constexpr std::uint64_t no_tag = UINT64_MAX;

    bool read_head(Head& head, bool& ends, BytesForm& form);
    bool value(const Head& head, unsigned depth, BytesForm form);
    /// The text of a value that is neither an array nor a map. `quoted`: JSON has it in quotes.
    bool scalar(const Head& head, BytesForm form, std::string_view& text, bool& quoted);
    bool next_value(unsigned depth, BytesForm form);
    bool container(const Head& head, unsigned depth, BytesForm form);
    bool key(const Head& head, BytesForm form);
    bool string_of(const Head& head, Bytes& bytes);
    bool big_digits(const Head& head, Bytes bytes);
    bool simple_text(const Head& head, std::string_view& text);

    std::string joined_;  // a string that was sent in parts
    std::string digits_;  // of a big number
};

/// Writes the shortest form of each value (preferred serialization); a number with a point or an exponent is a float.
class CborWriter : public BinaryWriter {
  public:
    void null() override { put(0xf6); }
    void boolean(bool value) override { put(value ? 0xf5 : 0xf4); }
    void natural(std::uint64_t value) override { head(0, value); }
    void negative(std::uint64_t below_minus_one) override { head(1, below_minus_one); }
    bool big_integer(std::string_view digits) override;
    void floating(double value) override;
    void text(std::string_view text) override;
    void array(std::uint64_t count) override { head(4, count); }
    void map(std::uint64_t count) override { head(5, count); }

  private:
    void head(unsigned major, std::uint64_t argument);
};

}  // namespace mqttc::payload
