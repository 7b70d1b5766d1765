// How long to wait before the next try, and which failures are worth one.
#pragma once

#include <cstdint>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// Delays that double from `min` to `max`, each drawn at random from between a step and the next, so that the
/// clients of a broker that went away do not come back all at once.
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

/// True iff trying again can't help: the request itself, the credentials or the settings are at fault, or the
/// broker has asked us to stay away.
bool is_final(const Error& error);

/// True iff the broker sent us to another one (reasons 0x9c and 0x9d).
bool is_redirect(const Error& error);

}  // namespace mqttc
