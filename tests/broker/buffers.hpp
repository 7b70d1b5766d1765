// A connection's bytes on the way in and out, arranged so that large payloads are never copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "message.hpp"

namespace mqttc::broker {

/// Packets up to this size share one buffer. A larger one gets a block of its own, which its message may
/// keep.
inline constexpr std::size_t shared_block_size = std::size_t{64} << 10;

class InputBuffer {
  public:
    /// Room to read into; never empty unless a whole packet is there already.
    std::span<std::uint8_t> room();
    void added(std::size_t count) { end_ += count; }
    Bytes bytes() const { return {block_.get() + begin_, end_ - begin_}; }
    void consumed(std::size_t count) { begin_ += count; }
    /// Says that the packet at the start of bytes() has `size` bytes in all.
    void expect(std::size_t size);
    /// The block that bytes() lie in if it holds one large packet only, to be kept; else nothing.
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
    /// Lets `encode` append bytes to a vector (as mqttc::encode does) and passes its result on.
    template <typename Encode>
    auto append_by(Encode encode) {
        auto& bytes = tail();
        const auto before = bytes.size();
        auto result = encode(bytes);
        size_ += bytes.size() - before;
        return result;
    }
    void append(Bytes more);
    /// The message's payload comes next; it is referred to, not copied.
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
