// --replay: gives the messages of another input with the intervals at which they were recorded.
#pragma once

#include <memory>

#include "input.hpp"

namespace mqttc::pub {

class ReplayInput : public InputSource {
  public:
    /// `recording` gives a time with each message. The first message is given at once, as is one whose time has
    /// passed. `speed` > 0.
    ReplayInput(std::unique_ptr<InputSource> recording, double speed)
        : recording_(std::move(recording)), speed_(speed) {}

    State next(InputMessage& message, Time now) override;
    std::optional<Time> due() const override { return next_ ? std::optional(due_) : recording_->due(); }
    int descriptor() const override { return recording_->descriptor(); }
    void readable() override { recording_->readable(); }
    std::optional<std::uint64_t> remaining(std::uint64_t copies) const override;
    bool has_unread() const override { return next_ || recording_->has_unread(); }
    std::string_view failure() const override { return recording_->failure(); }
    std::optional<Extent> extent() const override { return recording_->extent(); }

  private:
    Time time_of(std::int64_t recorded, Time now);

    std::unique_ptr<InputSource> recording_;
    double speed_;
    bool started_ = false;
    std::int64_t first_recorded_ = 0;
    Time start_{};
    std::optional<InputMessage> next_;  ///< read, not yet due
    Time due_{};
};

}  // namespace mqttc::pub
