// How long to wait before the next try, and after which failures there is one.
#pragma once

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// Delays that double from `min` (0.1 s after a zero) to `max`, each drawn at random from between a step and the next, so
/// that the clients of a broker that failed do not all reconnect at once.
class Backoff {
  public:
    /// Without `quick`, or with one that is not below `min`, no delay is shorter than `min`.
    Backoff(Duration min, Duration max, Duration quick = Duration::max());

    /// The next delay; `random` is in [0, 1).
    Duration next(double random);
    /// The delays start again.
    void reset() { step_ = min_; }
    /// The next delay is from `quick` to three times that, and at most `min`, because a broker that restarts or a network
    /// that changes is often back by then. After that one the delays start again.
    void reset_quickly();

  private:
    Duration min_;
    Duration max_;
    Duration quick_;
    Duration step_;
    bool quick_next_ = false;
};

/// True iff another try cannot help: the request itself, the credentials or the settings are wrong, or the
/// broker has forbidden it.
bool is_final(const Error& error);

/// True iff the broker said so, with any reason but that another client uses the identifier.
bool is_refusal(const Error& error);

/// True iff the broker redirects to another one (reasons 0x9c and 0x9d).
bool is_redirect(const Error& error);

}  // namespace mqttc
