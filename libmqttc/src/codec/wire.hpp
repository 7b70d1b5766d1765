// The bytes of MQTT's basic types (MQTT 5.0 section 1.5): Reader takes them from a span, Measure counts and checks what
// Writer then writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/property.hpp"
#include "mqttc/types.hpp"

namespace mqttc::codec {

/// The most bytes that a string or a binary field can have: its length has two bytes.
inline constexpr std::size_t max_field_bytes = 65'535;

/// The bytes of a variable byte integer (section 1.5.5).
constexpr std::size_t varint_size(std::size_t value) {
    return value < 128 ? 1U : value < 16'384 ? 2U : value < 2'097'152 ? 3U : 4U;
}

/// A variable byte integer at the front of some bytes.
struct Varint {
    static constexpr std::size_t max_bytes = 4;
    std::uint32_t value = 0;
    /// Bytes taken; 0: it continues after the bytes; more than max_bytes: it is too long.
    std::size_t size = 0;
};

inline Varint parse_varint(const std::uint8_t* at, std::size_t available) {
    if (available > 0 && at[0] < 0x80) [[likely]]
        return {at[0], 1};
    Varint result;
    for (std::size_t i = 0; i < Varint::max_bytes; ++i) {
        if (i == available) return {};
        result.value |= static_cast<std::uint32_t>(at[i] & 0x7fU) << (7 * i);
        if (at[i] < 0x80) {
            result.size = i + 1;
            return result;
        }
    }
    result.size = Varint::max_bytes + 1;
    return result;
}

/// memcpy of a few bytes without a call: most topics and many payloads are short.
inline void copy_bytes(std::uint8_t* to, const std::uint8_t* from, std::size_t size) {
    if (size > 64) {
        std::memcpy(to, from, size);
    } else if (size >= 8) {
        for (std::size_t i = 0; i + 8 < size; i += 8) std::memcpy(to + i, from + i, 8);
        std::memcpy(to + size - 8, from + size - 8, 8);
    } else {
        for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
    }
}

/// Takes values from the front of a span. The first error is kept, and the reader is empty from then on: later reads
/// return zeros and empty views, so that a packet is checked once, at its end.
class Reader {
  public:
    explicit Reader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    std::uint8_t byte() {
        if (left() < 1) return malformed();
        return *at_++;
    }
    std::uint16_t two_bytes() {
        if (left() < 2) return malformed();
        const auto value = static_cast<std::uint16_t>(at_[0] << 8 | at_[1]);
        at_ += 2;
        return value;
    }
    std::uint32_t four_bytes() {
        const std::uint32_t high = two_bytes();
        return high << 16 | two_bytes();
    }
    /// Refuses forms longer than necessary [MQTT-1.5.5-1].
    std::uint32_t varint() {
        const Varint found = parse_varint(at_, left());
        if (found.size != varint_size(found.value)) return malformed();
        at_ += found.size;
        return found.value;
    }
    /// The next `size` bytes.
    Bytes take(std::size_t size) {
        if (left() < size) {
            fail(CodecError::malformed);
            return {};
        }
        const Bytes taken(at_, size);
        at_ += size;
        return taken;
    }
    Bytes rest() { return take(left()); }
    /// Bytes after a two-byte length.
    Bytes binary() { return take(two_bytes()); }
    /// A string whose contents the caller checks.
    std::string_view unchecked_text() { return as_text(binary()); }
    std::string_view utf8();
    /// A block of v5 properties after its length, checked for the packets of `where` (one bit).
    PropertiesView properties(PacketSet where) {
        const Bytes wire = take(varint());
        if (wire.empty()) [[likely]]
            return {};
        return checked_properties(wire, where);
    }

    bool at_end() const { return at_ == end_; }
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    void fail(CodecError error) {
        if (!error_) error_ = error;
        at_ = end_;
    }
    const std::optional<CodecError>& error() const { return error_; }

  private:
    PropertiesView checked_properties(Bytes wire, PacketSet where);
    std::uint8_t malformed() {
        fail(CodecError::malformed);
        return 0;
    }

    const std::uint8_t* at_;
    const std::uint8_t* end_;
    std::optional<CodecError> error_;
};

/// Has the interface of Writer, but counts the bytes and checks the fields instead of writing them. The first
/// failure stays.
class Measure {
  public:
    void byte(std::uint8_t) { size_ += 1; }
    void two_bytes(std::uint16_t) { size_ += 2; }
    void four_bytes(std::uint32_t) { size_ += 4; }
    void varint(std::uint32_t value) { size_ += varint_size(value); }
    void raw(Bytes bytes) { size_ += bytes.size(); }
    void binary(Bytes bytes) {
        if (bytes.size() > max_field_bytes) fail(CodecError::string_too_long);
        size_ += 2 + bytes.size();
    }
    void unchecked_text(std::string_view text) { binary(as_bytes(text)); }
    void utf8(std::string_view text);
    void properties(PropertiesView view, PacketSet where) {
        const std::size_t size = view.wire().size();
        if (size > 0) check_properties(view, where);
        size_ += varint_size(size) + size;
    }

    void fail(CodecError error) {
        if (!error_) error_ = error;
    }
    const std::optional<CodecError>& error() const { return error_; }
    std::uint64_t size() const { return size_; }

  private:
    void check_properties(PropertiesView view, PacketSet where);

    std::uint64_t size_ = 0;  // the fields of one packet may together exceed a 32-bit size_t
    std::optional<CodecError> error_;
};

/// Puts values into memory that Measure has found large enough.
class Writer {
  public:
    explicit Writer(std::uint8_t* at) : at_(at) {}

    void byte(std::uint8_t value) { *at_++ = value; }
    void two_bytes(std::uint16_t value) {
        at_[0] = static_cast<std::uint8_t>(value >> 8);
        at_[1] = static_cast<std::uint8_t>(value);
        at_ += 2;
    }
    void four_bytes(std::uint32_t value) {
        two_bytes(static_cast<std::uint16_t>(value >> 16));
        two_bytes(static_cast<std::uint16_t>(value));
    }
    void varint(std::uint32_t value) {
        for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80U));
        byte(static_cast<std::uint8_t>(value));
    }
    void raw(Bytes bytes) {
        copy_bytes(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void binary(Bytes bytes) {
        two_bytes(static_cast<std::uint16_t>(bytes.size()));
        raw(bytes);
    }
    void unchecked_text(std::string_view text) { binary(as_bytes(text)); }
    void utf8(std::string_view text) { binary(as_bytes(text)); }
    void properties(PropertiesView view, PacketSet) {
        varint(static_cast<std::uint32_t>(view.wire().size()));
        raw(view.wire());
    }

    /// Requires that exactly the bytes up to `end` were written.
    void finish(const std::uint8_t* end) const {
        if (at_ != end) std::abort();
    }

  private:
    std::uint8_t* at_;
};

}  // namespace mqttc::codec
