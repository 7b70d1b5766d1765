// Implementation of buffers.hpp.
#include "buffers.hpp"

#include <algorithm>
#include <cstring>

namespace mqttc::broker {
namespace {

constexpr std::size_t part_size = std::size_t{256} << 10;
constexpr std::size_t copied_payload = 8192;  // up to this size a copy is cheaper than a separate part

}  // namespace

std::span<std::uint8_t> InputBuffer::room() {
    if (begin_ == end_) {
        begin_ = end_ = 0;
        if (capacity_ != shared_block_size) move_to(shared_block_size);
    } else if (end_ == capacity_ && begin_ > 0) {
        std::memmove(block_.get(), block_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    return {block_.get() + end_, capacity_ - end_};
}

void InputBuffer::expect(std::size_t size) {
    if (size > shared_block_size && size != capacity_) move_to(size);
}

void InputBuffer::move_to(std::size_t capacity) {
    auto block = std::make_shared_for_overwrite<std::uint8_t[]>(capacity);
    const auto count = std::min(end_ - begin_, capacity);
    if (count > 0) std::memcpy(block.get(), block_.get() + begin_, count);
    block_ = std::move(block);
    capacity_ = capacity;
    begin_ = 0;
    end_ = count;
}

std::vector<std::uint8_t>& OutputQueue::tail() {
    if (parts_.empty() || parts_.back().message || parts_.back().bytes.size() >= part_size)
        parts_.emplace_back();
    return parts_.back().bytes;
}

void OutputQueue::append(Bytes more) {
    auto& bytes = tail();
    bytes.insert(bytes.end(), more.begin(), more.end());
    size_ += more.size();
}

void OutputQueue::append_payload(MessagePtr message) {
    if (message->payload.size() <= copied_payload) return append(message->payload);
    size_ += message->payload.size();
    tail();
    parts_.back().message = std::move(message);
}

Bytes OutputQueue::front() const {
    const auto& part = parts_.front();
    if (part.sent < part.bytes.size()) return Bytes(part.bytes).subspan(part.sent);
    return part.message->payload.subspan(part.sent - part.bytes.size());
}

void OutputQueue::sent(std::size_t count) {
    size_ -= count;
    auto& part = parts_.front();
    part.sent += count;
    if (part.sent < part.size()) return;
    if (parts_.size() > 1 || part.message) {
        parts_.pop_front();
    } else {
        part.bytes.clear();
        part.sent = 0;
    }
}

}  // namespace mqttc::broker
