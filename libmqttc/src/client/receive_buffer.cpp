// The receive buffer: one block of memory that realloc grows (for large ones the kernel moves pages, not
// bytes).
#include "receive_buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mqttc {

ReceiveBuffer::~ReceiveBuffer() {
    std::free(data_);
}

bool ReceiveBuffer::resize(std::size_t capacity) {
    auto* moved = static_cast<std::uint8_t*>(std::realloc(data_, capacity));
    if (moved == nullptr) return false;
    data_ = moved;
    capacity_ = capacity;
    return true;
}

void ReceiveBuffer::compact() {
    if (begin_ == 0) return;
    std::memmove(data_, data_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
}

void ReceiveBuffer::consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) clear();
}

std::span<std::uint8_t> ReceiveBuffer::room(std::size_t needed) {
    if (capacity_ == 0 && !resize(first_size)) return {};
    const std::size_t waiting = end_ - begin_;
    std::size_t wanted = capacity_;
    // A read that filled its room means that much data is arriving.
    if (end_ == capacity_) wanted = std::max(wanted, usual_size);
    if (needed > capacity_) wanted = std::max(wanted, std::min(needed, std::max(usual_size, 2 * waiting)));
    if (waiting == wanted) wanted = 2 * waiting;
    if (begin_ + needed > capacity_ || capacity_ - end_ < capacity_ / 2) compact();
    if (wanted > capacity_ && !resize(wanted) && end_ == capacity_) return {};
    return {data_ + end_, capacity_ - end_};
}

void ReceiveBuffer::shrink() {
    if (empty() && capacity_ > usual_size) static_cast<void>(resize(usual_size));
}

std::span<std::uint8_t> ReceiveBuffer::scratch() {
    clear();
    if (capacity_ == 0 && !resize(first_size)) return {};
    return {data_, capacity_};
}

}  // namespace mqttc
