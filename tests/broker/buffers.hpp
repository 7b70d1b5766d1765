// Input and output buffers of a connection; large payloads are not copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "message.hpp"

namespace mqttc::broker {

/// Packets up to this size share one buffer. A larger one has its own block, which its message may keep.
inline constexpr std::size_t shared_block_size = std::size_t{64} << 10;

class InputBuffer {
  public:
    /// Space to read into; empty only if a complete packet is buffered.
    std::span<std::uint8_t> room();
    void added(std::size_t count) { end_ += count; }
    Bytes bytes() const { return {block_.get() + begin_, end_ - begin_}; }
    void consumed(std::size_t count) { begin_ += count; }
    /// The packet at the start of bytes() has `size` bytes.
    void expect(std::size_t size);
    /// The block of bytes() if it contains a single large packet, otherwise null.
    Block own_block() const { return capacity_ > shared_block_size ? block_ : nullptr; }

  private:
    void move_to(std::size_t capacity);

    std::shared_ptr<std::uint8_t[]> block_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

class OutputQueue {
  public:
    /// Lets `encode` append bytes to a vector (as mqttc::encode does) and returns its result.
    template <typename Encode>
    auto append_by(Encode encode) {
        auto& bytes = tail();
        const auto before = bytes.size();
        auto result = encode(bytes);
        size_ += bytes.size() - before;
        return result;
    }
    void append(Bytes more);
    /// Appends the payload of a message; a large one is referenced, not copied.
    void append_payload(MessagePtr message);

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    /// What to write next. REQUIRES: not empty.
    Bytes front() const;
    void sent(std::size_t count);

  private:
    struct Part {
        std::vector<std::uint8_t> bytes;
        MessagePtr message;  ///< its payload follows `bytes`
        std::size_t sent = 0;

        std::size_t size() const { return bytes.size() + (message ? message->payload.size() : 0); }
    };
    std::vector<std::uint8_t>& tail();

    std::deque<Part> parts_;
    std::size_t size_ = 0;
};

}  // namespace mqttc::broker
