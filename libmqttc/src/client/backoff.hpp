// How long to wait before the next try, and which failures are worth one.
#pragma once

#include <cstdint>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// Delays that double from `min` (0.1 s after a zero) to `max`, each drawn at random from between a step and the next, so
/// that the clients of a broker that failed do not all reconnect at once.
class Backoff {
  public:
    Backoff(Duration min, Duration max);

    /// The next delay; `random` is in [0, 1).
    Duration next(double random);
    void reset() { step_ = min_; }

  private:
    Duration min_;
    Duration max_;
    Duration step_;
};

/// True iff another try cannot help: the request itself, the credentials or the settings are wrong, or the
/// broker has forbidden it.
bool is_final(const Error& error);

/// True iff the broker said so, with any reason but that another client uses the identifier.
bool is_refusal(const Error& error);

/// True iff the broker redirects to another one (reasons 0x9c and 0x9d).
bool is_redirect(const Error& error);

}  // namespace mqttc
