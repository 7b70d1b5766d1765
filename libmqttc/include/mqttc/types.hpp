// Basic vocabulary of libmqttc: byte views, times, protocol versions, QoS, packet types, secrets.
#pragma once

#include "mqttc/compiler.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#define MQTTC_API __attribute__((visibility("default")))

/// MQTT for C++: the codec (mqttc/codec.hpp), the session (mqttc/session.hpp) and the client (mqttc/client.hpp).
namespace mqttc {

/// A view of bytes. It owns nothing; the declaration that hands one out says how long it is valid.
using Bytes = std::span<const std::uint8_t>;

/// The bytes of a text; they are valid as long as it is.
inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
/// Bytes as text, valid UTF-8 or not; it is valid as long as they are.
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Monotonic time. The library's core never reads a clock: `now` is an argument, taken once per turn of the loop.
using Time = std::chrono::steady_clock::time_point;
/// A span of monotonic time; nanoseconds with libstdc++.
using Duration = std::chrono::steady_clock::duration;

/// `from` and `span` added; the end of time where that is later, so that Duration::max() means "no limit".
constexpr Time later(Time from, Duration span) {
    return from > Time() && span > Time::max() - from ? Time::max() : from + span;
}

/// The protocol level byte of CONNECT (MQTT 5.0 section 3.1.2.2).
enum class ProtocolVersion : std::uint8_t { v31 = 3, v311 = 4, v5 = 5 };

/// Quality of service (MQTT 5.0 section 4.3).
enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// MQTT control packet types (MQTT 5.0 section 2.1.2).
enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

/// The standard's name in capitals ("PUBLISH"); static storage.
MQTTC_API std::string_view packet_type_name(PacketType type);

/// Packet identifier (MQTT 5.0 section 2.2.1); 0 where a packet has none.
using PacketId = std::uint16_t;

/// The largest value of the remaining length field, and so of a packet without its fixed header (section 1.5.5).
inline constexpr std::uint32_t max_remaining_length = 268'435'455;
/// The size of the largest packet, with its fixed header.
inline constexpr std::uint32_t max_packet_bytes = max_remaining_length + 5;

/// A short secret (password, passphrase, key). Its memory is overwritten when it is replaced or destroyed.
class Secret {
  public:
    /// Empty.
    Secret() = default;
    /// A copy of `text`, which the caller must overwrite itself.
    explicit Secret(std::string_view text) : text_(text) {}
    /// A second copy.
    Secret(const Secret& other) = default;
    /// Takes it over: `other` is overwritten.
    // By swapping, because a moved-from short string keeps its bytes.
    Secret(Secret&& other) noexcept { text_.swap(other.text_); }
    /// Overwrites what was here, and copies.
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            text_ = other.text_;
        }
        return *this;
    }
    /// Overwrites what was here and in `other`.
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            text_.swap(other.text_);
        }
        return *this;
    }
    ~Secret() { wipe(); }

    /// Valid until this object is changed or destroyed.
    std::string_view view() const { return text_; }
    /// True iff it has no bytes.
    bool empty() const { return text_.empty(); }

    /// Overwrites it; it is empty then.
    void wipe() {
        explicit_bzero(text_.data(), text_.capacity());
        text_.clear();
    }

  private:
    std::string text_;
};

}  // namespace mqttc
