// The byte buffer for everything printed: appends without initialising or, in steady state, reallocating.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace mqttc::output {

/// Grows without limit; StdoutBuffer, which derives from it, writes to a descriptor instead.
class TextBuffer {
  public:
    /// Pieces of at least this size are not copied when the buffer writes to a descriptor.
    static constexpr std::size_t large_piece = 64 * 1024;

    TextBuffer() = default;
    virtual ~TextBuffer() = default;
    TextBuffer(const TextBuffer&) = delete;
    TextBuffer& operator=(const TextBuffer&) = delete;

    /// At least `n` writable bytes after the content; valid until the next call. For small pieces only:
    /// StdoutBuffer holds `n` bytes in memory.
    char* reserve(std::size_t n) {
        if (capacity_ - size_ < n) make_room(n);
        return data_.get() + size_;
    }
    /// The first `n` bytes of the last reserve() now belong to the content.
    void commit(std::size_t n) { size_ += n; }

    void append(std::string_view bytes) {
        if (bytes.empty()) return;
        if (bytes.size() >= large_piece) return append_large(bytes);
        std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void push_back(char c) {
        *reserve(1) = c;
        ++size_;
    }
    void fill(std::size_t count, char c) {
        while (count > 0) {
            const std::size_t n = count < fill_step ? count : fill_step;
            std::memset(reserve(n), c, n);
            size_ += n;
            count -= n;
        }
    }

    /// Valid until the next change.
    std::string_view view() const { return {data_.get() + start_, size()}; }
    std::size_t size() const { return size_ - start_; }
    bool empty() const { return size_ == start_; }
    /// Keeps the memory, unless it is much.
    void clear() {
        size_ = start_ = 0;
        if (capacity_ > max_kept) data_.reset(), capacity_ = 0;
    }

  protected:
    /// Makes `capacity - size` at least `n`.
    virtual void make_room(std::size_t n) { grow(n); }
    virtual void append_large(std::string_view bytes) {
        std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }

    void grow(std::size_t n) {
        if (start_ >= size()) move_to_start();  // at most as much as was dropped
        if (capacity_ - size_ >= n) return;
        std::size_t larger_size = capacity_ == 0 ? first_capacity : capacity_ * 2;
        if (larger_size < size() + n) larger_size = size() + n;
        auto larger = std::make_unique_for_overwrite<char[]>(larger_size);
        if (!empty()) std::memcpy(larger.get(), data_.get() + start_, size());
        size_ = size();
        start_ = 0;
        data_ = std::move(larger);
        capacity_ = larger_size;
    }
    /// O(1): much content may be dropped in small parts.
    void drop_front(std::size_t n) {
        start_ += n;
        if (empty()) clear();
    }

  private:
    static constexpr std::size_t first_capacity = 4 * 1024;
    static constexpr std::size_t max_kept = 1024 * 1024;
    static constexpr std::size_t fill_step = 4 * 1024;

    void move_to_start() {
        if (start_ == 0) return;
        std::memcpy(data_.get(), data_.get() + start_, size());
        size_ = size();
        start_ = 0;
    }

    std::unique_ptr<char[]> data_;
    std::size_t start_ = 0;  // before it everything was dropped
    std::size_t size_ = 0;   // where the content ends
    std::size_t capacity_ = 0;
};

}  // namespace mqttc::output
