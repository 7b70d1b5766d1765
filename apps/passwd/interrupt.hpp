// Signals that would end the program in the middle of something that must be undone first.
#pragma once

#include <signal.h>

#include <array>

namespace mqttc::passwd {

/// While one lives, SIGHUP, SIGINT, SIGQUIT and SIGTERM (unless ignored) are noted instead of ending the
/// program, and blocking system calls return with EINTR. They nest.
class InterruptGuard {
  public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    /// The first signal noted since the program started, or 0. Safe to call from any thread.
    [[nodiscard]] static int caught();

  private:
    static constexpr std::array<int, 4> signals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    std::array<struct sigaction, signals.size()> before_{};
};

/// If a signal was noted, ends the program by it, so that whoever waits sees an interruption and not
/// an exit code. Call it when no InterruptGuard lives.
void die_of_caught_signal();

}  // namespace mqttc::passwd
