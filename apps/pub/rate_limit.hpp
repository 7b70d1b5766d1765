// --rate: at most this many messages a second, evenly spread.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "mqttc/types.hpp"

namespace mqttc::pub {

class RateLimit {
  public:
    explicit RateLimit(std::optional<double> per_second) {
        if (per_second) {
            interval_ = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / *per_second));
        }
    }

    bool allows(Time now) const { return now >= due_; }
    /// When to look again: the next message is due, or the messages of a millisecond are.
    Time due() const { return due_ + std::max(at_once - interval_, Duration::zero()); }
    /// A message was published.
    void count(Time now) {
        // Delays of the loop's timers are caught up; time spent waiting for input or for the broker is not.
        due_ = (now - due_ > slack ? now : due_) + interval_;
    }

  private:
    static constexpr Duration at_once = std::chrono::milliseconds(1);
    static constexpr Duration slack = std::chrono::milliseconds(10);
    Duration interval_{0};
    Time due_{};
};

}  // namespace mqttc::pub
