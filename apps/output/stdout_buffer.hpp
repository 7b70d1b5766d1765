// The program's stdout: collects the output of a turn and writes it at once; large payloads are not copied unless
// their reader is slow. Appending never waits for a reader.
#pragma once

#include <string_view>

#include "fd_writer.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

class StdoutBuffer final : public TextBuffer, private app::FdWriter {
  public:
    using FdWriter::error;
    using FdWriter::give_up_at;
    using FdWriter::reader_closed;
    using FdWriter::reader_descriptor;
    using FdWriter::State;
    using FdWriter::state;
    using FdWriter::terminal;

    /// Callers should flush above this, and append no further message before the reader has taken it.
    static constexpr std::size_t high_water = 192 * 1024;
    /// Above this, and for large pieces, appending itself writes. What a slow reader does not take stays in memory.
    static constexpr std::size_t full = 256 * 1024;

    /// As FdWriter.
    explicit StdoutBuffer(int fd) : FdWriter(fd) {}
    ~StdoutBuffer() override;

    /// Writes what can be written without waiting. True: everything. Unless the state is open, the rest is dropped.
    bool flush();
    /// Writes everything, waiting for a slow reader. False: state() is not open.
    bool flush_waiting();

    /// A descriptor that is readable when there is room for more output; made at the first call. -1: none.
    int room_descriptor();

  protected:
    void make_room(std::size_t n) override;
    void append_large(std::string_view bytes) override;

  private:
    int epoll_fd_ = -1;
};

}  // namespace mqttc::output
