// MessagePack: payloads to JSON, and JSON to payloads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "binary_reader.hpp"
#include "binary_writer.hpp"

namespace mqttc::payload {

/// Reads one value. Map keys become text; binary data is written in base64, timestamps as times of RFC 3339 in UTC, other
/// extensions as {"type":N,"data":"base64"}, NaN and infinities as null.
class MsgpackReader : public BinaryReader {
  public:
    explicit MsgpackReader(output::JsonWriter& json) : BinaryReader(json) {}
    /// False: error() has the cause; an unknown part was written.
    bool read(Bytes payload);

  private:
    enum class Kind : std::uint8_t {
        nil,
        boolean,
        natural,
        negative,
        floating,
        text,
        bytes,
        array,
        map,
        extension
    };
    struct Item {
        std::size_t position = 0;
        Kind kind{};
        std::uint64_t number = 0;  // the value; the elements of a container; the type of an extension
        double real = 0;
        Bytes bytes;  // of text, bytes and extensions
    };

    bool read_item(Item& item);
    bool sized(Item& item, Kind kind, unsigned size_bytes);
    bool sized_extension(Item& item, std::uint64_t size);
    bool signed_number(Item& item, unsigned size);
    bool real_number(Item& item, unsigned size);
    bool value(unsigned depth);
    bool container(const Item& item, unsigned depth);
    bool key();
    /// The text of a value. `quoted`: JSON has it in quotes. False: it is an array, a map or an extension.
    bool scalar(const Item& item, std::string_view& text, bool& quoted);
    void extension(const Item& item);
    bool timestamp(Bytes bytes);
};

/// Writes the shortest form of each integer and length; a number with a point or an exponent is a double.
class MsgpackWriter : public BinaryWriter {
  public:
    void null() override { put(0xc0); }
    void boolean(bool value) override { put(value ? 0xc3 : 0xc2); }
    void natural(std::uint64_t value) override;
    void negative(std::uint64_t below_minus_one) override;
    bool big_integer(std::string_view /*digits*/) override { return false; }
    void floating(double value) override;
    void text(std::string_view text) override;
    void array(std::uint64_t count) override { container(count, 0x90, 0xdc); }
    void map(std::uint64_t count) override { container(count, 0x80, 0xde); }

  private:
    void container(std::uint64_t count, unsigned small, unsigned code);
};

}  // namespace mqttc::payload
