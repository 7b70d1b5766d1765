// A string in locked memory that is wiped by the destructor.
#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "sodium.hpp"

namespace mqttc::passwd {

class LockedSecret {
  public:
    LockedSecret() = default;
    explicit LockedSecret(std::string_view text) {
        reserve(text.size());
        append(text);
    }
    LockedSecret(LockedSecret&& other) noexcept { swap(other); }
    LockedSecret& operator=(LockedSecret&& other) noexcept {
        LockedSecret(std::move(other)).swap(*this);
        return *this;
    }
    LockedSecret(const LockedSecret&) = delete;
    LockedSecret& operator=(const LockedSecret&) = delete;
    ~LockedSecret() {
        if (memory_ != nullptr) sodium::release(memory_, capacity_);
    }

    /// Valid until the next append(), resize() or assignment.
    [[nodiscard]] std::string_view view() const { return {memory_, size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) return;
        LockedSecret bigger;
        bigger.memory_ = sodium::allocate(capacity);
        bigger.capacity_ = capacity;
        if (size_ > 0) std::memcpy(bigger.memory_, memory_, size_);
        bigger.size_ = size_;
        swap(bigger);
    }
    void append(std::string_view text) {
        if (text.empty()) return;
        if (size_ + text.size() > capacity_) reserve((size_ + text.size()) * 2);
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): no memory means no capacity
        std::memcpy(memory_ + size_, text.data(), text.size());
        size_ += text.size();
    }

    /// Added bytes are undefined; write them with bytes().
    void resize(std::size_t size) {
        reserve(size);
        size_ = size;
    }
    /// Like view(), writable.
    [[nodiscard]] std::span<char> bytes() { return {memory_, size_}; }

    friend bool operator==(const LockedSecret& a, const LockedSecret& b) { return a.view() == b.view(); }

  private:
    void swap(LockedSecret& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

    char* memory_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace mqttc::passwd
