// The program's stdout: collects what a turn prints and writes it at once; large payloads are not copied. A
// slow reader is waited for, but a signal and a deadline end the wait.
#pragma once

#include <string_view>

#include "buffer.hpp"
#include "outlet.hpp"

namespace mqttc::sub {

class Output final : public Buffer, private app::Outlet {
  public:
    using Outlet::error;
    using Outlet::give_up_at;
    using Outlet::reader_descriptor;
    using Outlet::reader_left;
    using Outlet::State;
    using Outlet::state;
    using Outlet::terminal;

    /// Who appends small pieces should flush above this.
    static constexpr std::size_t high_water = 192 * 1024;
    /// Above this, and for large pieces, appending itself writes, and waits for a slow reader.
    static constexpr std::size_t full = 256 * 1024;

    /// As an Outlet.
    explicit Output(int fd) : Outlet(fd) {}
    ~Output() override;

    /// Writes what can be written without waiting. True: everything. In another state than open the rest is
    /// dropped.
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

}  // namespace mqttc::sub
