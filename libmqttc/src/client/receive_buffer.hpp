// The bytes from the broker until they are whole packets. Grows only as bytes arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mqttc/types.hpp"

namespace mqttc {

/// Its capacity is at most `usual_size` or twice the bytes that have arrived, whichever is more; beyond `usual_size` it is
/// not more than the size of the packet, once that is known.
class ReceiveBuffer {
  public:
    static constexpr std::size_t first_size = std::size_t{64} * 1024;
    static constexpr std::size_t usual_size = std::size_t{256} * 1024;
    static constexpr std::size_t oversize = std::size_t{1024} * 1024;

    ReceiveBuffer() = default;
    ~ReceiveBuffer();
    ReceiveBuffer(const ReceiveBuffer&) = delete;
    ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

    /// What has arrived and is not consumed. Valid until the next call of room, shrink or scratch.
    Bytes bytes() const { return {data_ + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    /// Where the next bytes may be read to; `needed` is the size of the packet at the front, 0 = not known.
    /// Empty iff memory has run out.
    std::span<std::uint8_t> room(std::size_t needed);
    void added(std::size_t count) { end_ += count; }
    void consume(std::size_t count);
    void clear() { begin_ = end_ = 0; }

    /// True iff a big packet has made the buffer big.
    bool big() const { return capacity_ > oversize; }
    /// Back to the usual size; only when empty.
    void shrink();
    /// Scratch space for input that is discarded; only when empty. Empty iff memory has run out.
    std::span<std::uint8_t> scratch();

  private:
    bool resize(std::size_t capacity);
    void compact();

    std::uint8_t* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace mqttc
