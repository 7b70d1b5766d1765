// The same payload a number of times: -m, -f, -s, -n with --repeat.
#pragma once

#include "input.hpp"
#include "loaded_payload.hpp"

namespace mqttc::pub {

class FixedInput : public InputSource {
  public:
    FixedInput(LoadedPayload payload, std::uint64_t times, Duration delay)
        : payload_(std::move(payload)), times_(times), left_(times), delay_(delay) {}

    State next(InputMessage& message, Time now) override {
        if (left_ == 0) return State::finished;
        if (now < due_) return State::waiting;
        --left_;
        due_ = now + delay_;
        message.reset(payload_.bytes());
        message.outlives_input = true;
        return State::ready;
    }
    void release_sent(std::size_t left) override { payload_.release_all_but(left); }
    std::optional<Time> due() const override { return due_; }
    std::optional<std::uint64_t> remaining(std::uint64_t copies) const override { return left_ * copies; }
    std::optional<Extent> extent() const override {
        const std::uint64_t size = payload_.bytes().size();
        return Extent{.taken = size * (times_ - left_), .all = size * times_};
    }

  private:
    LoadedPayload payload_;
    std::uint64_t times_;
    std::uint64_t left_;
    Duration delay_;
    Time due_{};
};

}  // namespace mqttc::pub
