// Reads lines of any length in large chunks.
#include "line_input.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/text.hpp"

namespace mqttc::pub {

LineInput::LineInput(int fd, std::size_t longest_line, bool hand_over, std::size_t batch)
    : fd_(fd), longest_line_(longest_line), hand_over_(hand_over), batch_size_(std::min(batch, max_batch)) {
    struct stat status{};
    never_blocks_ = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (!never_blocks_) return;
    const off_t start = ::lseek(fd_, 0, SEEK_CUR);
    if (start >= 0 && start < status.st_size) size_ = static_cast<std::uint64_t>(status.st_size - start);
}

InputSource::State LineInput::next(InputMessage& message, Time /*now*/) {
    while (true) {
        if (batch_size_ > 1 && !skipping_ && give_batch(message)) return State::ready;
        const char* from = buffer_.get() + scanned_;
        const void* newline = end_ > scanned_ ? std::memchr(from, '\n', end_ - scanned_) : nullptr;
        if (newline != nullptr) {
            const auto at = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.get());
            const bool ends_skipped = std::exchange(skipping_, false);
            give(message, at, at + 1);
            if (ends_skipped) continue;
            ++line_;
            return State::ready;
        }
        scanned_ = end_;
        if (skipping_) start_ = end_;
        if (at_end_) {
            // After a read error, the rest is not a whole line.
            if (start_ == end_ || !failure_.empty()) return State::finished;
            give(message, end_, end_);
            ++line_;
            return State::ready;
        }
        if (end_ - start_ > longest_line_) {
            start_ = end_;
            skipping_ = true;
            ++line_;
            message.reset();
            message.problem = "line " + std::to_string(line_) + " has more than " +
                              std::to_string(longest_line_) + " bytes, more than an MQTT packet can hold";
            return State::ready;
        }
        if (!never_blocks_) return State::waiting;
        read_once();
    }
}

// Complete lines that are in the buffer; false: there is none that can be part of a batch.
bool LineInput::give_batch(InputMessage& message) {
    std::size_t count = 0;
    const char* const end = buffer_.get() + end_;
    const char* line = buffer_.get() + start_;
    const char* from = buffer_.get() + scanned_;
    while (count < batch_size_ && from < end) {
        const auto* newline =
            static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
        if (newline == nullptr) {
            if (count == 0) scanned_ = end_;
            break;
        }
        const auto size = static_cast<std::size_t>(newline - line);
        // give() hands it over with its memory.
        if (hand_over_ && size >= kept_capacity) break;
        batch_[count++] = as_bytes({line, size});
        line = from = newline + 1;
    }
    if (count == 0) return false;
    message.reset();
    message.batch = std::span(batch_).first(count);
    start_ = scanned_ = static_cast<std::size_t>(line - buffer_.get());
    line_ += count;
    return true;
}

void LineInput::give(InputMessage& message, std::size_t end, std::size_t next_start) {
    message.reset(as_bytes({buffer_.get() + start_, end - start_}));
    start_ = scanned_ = next_start;
    if (!hand_over_ || message.payload.size() < kept_capacity) return;
    auto memory = std::move(buffer_);
    const std::size_t tail = end_ - next_start;
    capacity_ = start_ = scanned_ = end_ = 0;
    resize(std::max(2 * chunk, tail + chunk));
    std::memcpy(buffer_.get(), memory.get() + next_start, tail);
    end_ = tail;
    message.owner = std::move(memory);
}

void LineInput::readable() {
    if (!at_end_) read_once();
}

void LineInput::resize(std::size_t capacity) {
    auto* moved = static_cast<char*>(std::realloc(buffer_.get(), capacity));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(buffer_.release());
    buffer_.reset(moved);
    capacity_ = capacity;
}

void LineInput::make_room() {
    const std::size_t held = end_ - start_;
    const bool shrink = capacity_ > kept_capacity && held + chunk <= kept_capacity / 2;
    if (!shrink && capacity_ - end_ >= chunk) return;
    if (start_ > 0 && (shrink || held <= capacity_ / 2)) {
        std::memmove(buffer_.get(), buffer_.get() + start_, held);
        scanned_ -= start_;
        start_ = 0;
        end_ = held;
    }
    if (shrink || capacity_ - end_ < chunk) resize(std::max(2 * chunk, 2 * end_));
}

void LineInput::read_once() {
    make_room();
    // At most this much, so that little follows the end of a long line.
    const ssize_t got = ::read(fd_, buffer_.get() + end_, std::min(capacity_ - end_, 2 * chunk));
    if (got > 0) {
        end_ += static_cast<std::size_t>(got);
        read_ += static_cast<std::uint64_t>(got);
    } else if (got == 0) {
        at_end_ = true;
    } else if (errno != EINTR && errno != EAGAIN) {
        failure_ = std::string("cannot read stdin: ").append(errno_text(errno));
        at_end_ = true;
    }
}

std::optional<Extent> LineInput::extent() const {
    if (size_ == 0) return std::nullopt;
    return Extent{.taken = read_ - (end_ - start_), .all = std::max(size_, read_)};
}

std::optional<std::uint64_t> LineInput::remaining(std::uint64_t /*copies*/) const {
    if (at_end_ && start_ == end_ && failure_.empty()) return 0;
    return std::nullopt;
}

}  // namespace mqttc::pub
