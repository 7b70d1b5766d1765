// -l: each line of a descriptor is a message, with its bytes unchanged; memory is bounded by the longest
// line.
#pragma once

#include <array>
#include <cstdlib>
#include <memory>

#include "input.hpp"

namespace mqttc::pub {

class LineInput : public InputSource {
  public:
    /// Longest line: what an MQTT packet can hold.
    static constexpr std::size_t max_line = max_remaining_length;
    static constexpr std::size_t max_batch = 256;

    /// The descriptor stays open and its flags as they are (it may be shared with other processes).
    /// `hand_over`: a line that has made the buffer large is given out together with its memory, so that it
    /// need not be copied. `batch`: up to this many lines are given at once, at most max_batch.
    explicit LineInput(int fd, std::size_t longest_line = max_line, bool hand_over = false,
                       std::size_t batch = 1);

    State next(InputMessage& message, Time now) override;
    int descriptor() const override { return fd_; }
    void readable() override;
    std::optional<std::uint64_t> remaining(std::uint64_t copies) const override;
    bool has_unread() const override { return start_ < end_ || (never_blocks_ && !at_end_); }
    std::string_view failure() const override { return failure_; }
    std::optional<Extent> extent() const override;
    /// The number of the line that was given last; the first is 1.
    std::uint64_t line() const { return line_; }

  private:
    static constexpr std::size_t chunk = std::size_t{128} * 1024;
    /// A buffer that has grown over this for a long line shrinks again after it.
    static constexpr std::size_t kept_capacity = std::size_t{1024} * 1024;

    void make_room();
    void read_once();
    void resize(std::size_t capacity);
    bool give_batch(InputMessage& message);
    void give(InputMessage& message, std::size_t end, std::size_t next_start);

    int fd_;
    std::size_t longest_line_;
    bool hand_over_;
    std::size_t batch_size_;
    bool never_blocks_ = false;  ///< a regular file
    bool at_end_ = false;
    bool skipping_ = false;  ///< inside a line that was too long
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };
    std::unique_ptr<char[], Free>
        buffer_;  ///< of realloc, which moves pages instead of bytes when it is large
    std::size_t capacity_ = 0;
    std::size_t start_ = 0;    ///< of the current line
    std::size_t scanned_ = 0;  ///< no newline between start_ and here
    std::size_t end_ = 0;      ///< of what was read
    std::uint64_t line_ = 0;   ///< lines taken so far
    std::uint64_t read_ = 0;   ///< bytes
    std::uint64_t size_ = 0;   ///< bytes of a regular file, from where reading began
    std::array<Bytes, max_batch> batch_{};
    std::string failure_;
};

}  // namespace mqttc::pub
