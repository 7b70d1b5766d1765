// Replays a recording at its own speed, or faster or slower.
#include "replay_input.hpp"

#include <algorithm>
#include <utility>

namespace mqttc::pub {
namespace {

// No wait is longer; far below the largest time that the clock holds.
constexpr double longest_wait = 1e18;  // nanoseconds: 31 years

}  // namespace

InputSource::State ReplayInput::next(InputMessage& message, Time now) {
    if (!next_) {
        const State state = recording_->next(message, now);
        if (state != State::ready) return state;
        due_ = message.problem.empty() && message.time ? time_of(*message.time, now) : now;
        if (now >= due_) return State::ready;
        next_ = std::move(message);
    }
    if (now < due_) return State::waiting;
    message = *std::exchange(next_, std::nullopt);
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

std::optional<std::uint64_t> ReplayInput::remaining(std::uint64_t copies) const {
    auto left = recording_->remaining(copies);
    if (left && next_) *left += next_->topic ? 1 : copies;
    return left;
}

}  // namespace mqttc::pub
