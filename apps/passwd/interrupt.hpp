// Delays signals that would end the program while it has something to undo.
#pragma once

#include <array>

#include "base/signals.hpp"

namespace mqttc::passwd {

/// While an object exists, SIGHUP, SIGINT, SIGQUIT and SIGTERM (unless ignored) are recorded instead of ending the
/// program, and blocking system calls return EINTR. Objects may be nested.
class InterruptGuard {
  public:
    InterruptGuard();

    /// The first signal recorded since the program started, or 0. Thread-safe.
    [[nodiscard]] static int caught();

  private:
    static constexpr std::array<int, 4> signals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    SignalHandlers<signals.size()> handlers_;
};

/// If a signal was recorded, terminates the program by it, so that the parent process sees the signal and not an exit
/// code. Call it when no InterruptGuard exists.
void die_of_caught_signal();

}  // namespace mqttc::passwd
