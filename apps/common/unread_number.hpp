// The type that nlohmann's parser makes of a number with a point or an exponent, where only its digits are wanted.
#pragma once

namespace mqttc::app {

// The parser refuses a number that its type can't hold: 1e400 for double, and long double is no wider on 32-bit ARM.
// Whatever strtold() has stored here, the value read back is finite.
class UnreadNumber {
  public:
    UnreadNumber() = default;
    UnreadNumber(long double value) : stored_(value) {}
    operator long double&() { return stored_; }
    operator long double() const { return 0; }

  private:
    long double stored_;
};

}  // namespace mqttc::app
