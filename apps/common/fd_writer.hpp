// Writes to a descriptor, and waits for a slow reader until a signal or a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace mqttc::app {

class FdWriter {
  public:
    enum class State : unsigned char {
        open,
        reader_closed,  ///< the pipe has no reader any more
        failed,         ///< error() has the errno
        interrupted,    ///< by a signal or the deadline while waiting for the reader
    };
    enum class Wait : bool { no, yes };

    /// Writes to `fd`, which the caller keeps. A pipe or terminal is opened once more so that writing to it
    /// can be non-blocking without affecting other processes on the same pipe.
    explicit FdWriter(int fd);
    ~FdWriter();
    FdWriter(const FdWriter&) = delete;
    FdWriter& operator=(const FdWriter&) = delete;

    /// Writes `first` and then `second`; how many bytes of both were written. All, unless the state is not open
    /// or there was no room and no wait. Once interrupted, a reader is not waited for again.
    std::size_t write(std::string_view first, std::string_view second, Wait wait);

    State state() const { return state_; }
    /// The errno of State::failed.
    int error() const { return error_; }
    bool terminal() const { return terminal_; }

    /// After this deadline, output that would block is dropped.
    void give_up_at(std::chrono::steady_clock::time_point when) { deadline_ = when; }

    /// A descriptor on which poll() reports an error when the reader has closed it, or -1 (files, terminals).
    int reader_descriptor() const { return kind_ == Kind::pipe && fd_ != given_ && !terminal_ ? fd_ : -1; }
    /// Checks whether the reader has closed it, without writing.
    bool reader_closed();
    /// For poll().
    int descriptor() const { return fd_; }

  private:
    enum class Kind : unsigned char { file, pipe, socket };

    long write_some(std::string_view first, std::string_view second) const;
    bool wait_writable();

    int given_;
    int fd_;
    int signal_fd_ = -1;  // made when a reader is waited for
    Kind kind_ = Kind::file;
    bool terminal_ = false;
    bool blocking_ = true;
    State state_ = State::open;
    int error_ = 0;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace mqttc::app
