// The program's stdout: collects what a turn prints and writes it at once; large payloads are not copied. A
// slow reader is waited for, but a signal and a deadline end the wait.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "buffer.hpp"

namespace mqttc::sub {

class Output final : public Buffer {
  public:
    enum class State : unsigned char {
        open,
        reader_left,  ///< nobody reads the pipe any more
        failed,       ///< error() says why
        interrupted,  ///< a signal or the deadline came while the reader was waited for
    };

    /// Who appends small pieces should flush above this.
    static constexpr std::size_t high_water = 192 * 1024;
    /// Above this, and for large pieces, appending itself writes, and waits for a slow reader.
    static constexpr std::size_t full = 256 * 1024;

    /// Writes to `fd`, which the caller keeps. A pipe or terminal is opened once more so that writing to it
    /// can be non-blocking without a change that other processes on the same pipe would feel.
    explicit Output(int fd);
    ~Output() override;

    /// Writes what can be written without waiting. True: everything. In another state than open the rest is
    /// dropped.
    bool flush();
    /// Writes everything, waiting for a slow reader. False: state() is not open.
    bool flush_waiting();

    State state() const { return state_; }
    /// The errno of State::failed.
    int error() const { return error_; }
    bool terminal() const { return terminal_; }

    /// A reader is not waited for beyond this time.
    void give_up_at(std::chrono::steady_clock::time_point when) { deadline_ = when; }

    /// A descriptor on which poll() reports an error when the reader has left, or -1 (files, terminals).
    int reader_descriptor() const { return kind_ == Kind::pipe && fd_ != given_ && !terminal_ ? fd_ : -1; }
    /// Looks whether the reader has left, without writing.
    bool reader_left();
    /// A descriptor that is readable when there is room for more output; made at the first call. -1: none.
    int room_descriptor();

  protected:
    void make_room(std::size_t n) override;
    void append_large(std::string_view bytes) override;

  private:
    enum class Kind : unsigned char { file, pipe, socket };
    enum class Wait : bool { no, yes };

    std::size_t write_out(std::string_view first, std::string_view second, Wait wait);
    long write_some(std::string_view first, std::string_view second) const;
    bool wait_writable();

    int given_;
    int fd_;
    int signal_fd_ = -1;  // made when a reader is waited for
    int epoll_fd_ = -1;
    Kind kind_ = Kind::file;
    bool terminal_ = false;
    bool blocking_ = true;
    State state_ = State::open;
    int error_ = 0;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace mqttc::sub
