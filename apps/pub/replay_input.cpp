// Replays a recording at its own speed, or faster or slower.
#include "replay_input.hpp"

#include <algorithm>

namespace mqttc::pub {
namespace {

// No wait is longer; far below the largest time that the clock holds.
constexpr double longest_wait = 1e18;  // nanoseconds: 31 years

}  // namespace

InputSource::State ReplayInput::next(InputMessage& message, Time now) {
    if (!holds_) {
        const State state = recording_->next(held_, now);
        if (state != State::ready) return state;
        holds_ = true;
        due_ = held_.problem.empty() && held_.time ? time_of(*held_.time, now) : now;
    }
    if (now < due_) return State::waiting;
    holds_ = false;
    message = held_;
    return State::ready;
}

Time ReplayInput::time_of(std::int64_t recorded, Time now) {
    if (!started_) {
        started_ = true;
        first_recorded_ = recorded;
        start_ = now;
    }
    // In microseconds the difference of any two times fits; recordings have no finer ones.
    const std::int64_t microseconds = (recorded / 1000) - (first_recorded_ / 1000);
    const double distance = static_cast<double>(microseconds) * 1000 / speed_;
    return start_ + Duration(static_cast<std::int64_t>(std::clamp(distance, 0.0, longest_wait)));
}

std::optional<std::uint64_t> ReplayInput::remaining() const {
    auto left = recording_->remaining();
    if (left && holds_) ++*left;
    return left;
}

}  // namespace mqttc::pub
