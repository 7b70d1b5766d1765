// What nlohmann's SAX parser is given as its type for floats, where only the digits of a number are used.
#pragma once

namespace mqttc::app {

// The parser refuses a number that its type cannot hold: 1e400 for double, and long double is no wider on 32-bit ARM.
// Whatever strtold() has stored here, the value read back is finite.
class DiscardedFloat {
  public:
    DiscardedFloat() = default;
    DiscardedFloat(long double value) : stored_(value) {}
    operator long double&() { return stored_; }
    operator long double() const { return 0; }

  private:
    long double stored_;
};

}  // namespace mqttc::app
