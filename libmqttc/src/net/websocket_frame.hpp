// WebSocket frames (RFC 6455, section 5.2): what a client sends, and the heads of what it receives.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc::net {

/// The opcode. A received one may be any number up to 15.
enum class FrameKind : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

inline bool is_control(FrameKind kind) {
    return (static_cast<std::uint8_t>(kind) & 0x08) != 0;
}

struct FrameHead {
    FrameKind kind{};
    bool final = false;            ///< the last frame of its message
    bool reserved = false;         ///< one of the three reserved bits is set
    bool masked = false;           ///< only a client may do that: the mask is not read
    bool shortest_length = false;  ///< the length is written as short as possible, and is below 2^63
    std::uint64_t length = 0;      ///< bytes of the payload
    std::size_t size = 0;          ///< bytes of the head
};

/// The head at the beginning of `received`; nothing when it is not yet complete. Says nothing on whether the
/// frame is allowed.
std::optional<FrameHead> parse_frame_head(Bytes received);

using FrameMask = std::array<std::uint8_t, 4>;

/// Appends a whole message of one frame, masked as a client has to (section 5.3).
void append_frame(std::vector<std::uint8_t>& out, FrameKind kind, Bytes payload, FrameMask mask);

}  // namespace mqttc::net
