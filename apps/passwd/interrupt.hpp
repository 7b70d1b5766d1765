// Delays signals that would end the program while it has something to undo.
#pragma once

#include <array>

#include "base/signals.hpp"

namespace mqttc::passwd {

inline constexpr std::array<int, 4> ending_signals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// While an object exists, SIGHUP, SIGINT, SIGQUIT and SIGTERM (unless ignored) are recorded instead of ending the
/// program, and blocking system calls return EINTR. Objects may be nested.
class InterruptGuard {
  public:
    InterruptGuard();

    /// The first signal recorded since the program started, or 0. Thread-safe.
    [[nodiscard]] static int caught();

  private:
    SignalHandlers<ending_signals.size()> handlers_;
};

/// If a signal was recorded, terminates the program by it, so that the parent process sees the signal and not an exit
/// code; as PID 1 exits with 128 + the signal's number. Call it when no InterruptGuard exists.
void end_by_caught_signal();

/// As PID 1, the only program of a container, installs handlers for the same signals that end the program at once: the
/// kernel ignores signals without a handler there. Call it at the start.
void allow_signals_for_pid_1();

}  // namespace mqttc::passwd
