// Replaying with the recorded intervals, or shorter or longer ones.
#include "replay_input.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace mqttc;
using namespace mqttc::pub;
using State = InputSource::State;
using std::chrono::milliseconds;

namespace {

// Messages recorded at these times, in milliseconds; none: a problem. With `topic`, each has it.
class Recording : public InputSource {
  public:
    explicit Recording(std::vector<std::optional<int>> times, std::optional<std::string_view> topic = {})
        : times_(std::move(times)), topic_(topic) {}

    State next(InputMessage& message, Time /*now*/) override {
        if (next_ == times_.size()) return State::finished;
        message = {};
        message.topic = topic_;
        const auto time = times_[next_++];
        if (time) {
            message.time = 1'700'000'000'000'000'000 + *time * std::int64_t{1'000'000};
        } else {
            message.problem = "wrong";
        }
        return State::ready;
    }
    std::optional<std::uint64_t> remaining(std::uint64_t copies) const override {
        return (times_.size() - next_) * (topic_ ? 1 : copies);
    }

  private:
    std::vector<std::optional<int>> times_;
    std::optional<std::string_view> topic_;
    std::size_t next_ = 0;
};

// When each message is given, in milliseconds since the first, with a clock that jumps to the next due time.
std::vector<int> given_out(std::vector<std::optional<int>> times, double speed) {
    ReplayInput input(std::make_unique<Recording>(std::move(times)), speed);
    const Time start = Time(std::chrono::hours(5));
    Time now = start;
    std::vector<int> all;
    InputMessage message;
    while (true) {
        switch (input.next(message, now)) {
            case State::ready:
                all.push_back(static_cast<int>((now - start) / milliseconds(1)));
                break;
            case State::waiting:
                REQUIRE(input.due());
                REQUIRE(*input.due() > now);
                CHECK(input.has_unread());
                CHECK(input.next(message, *input.due() - std::chrono::microseconds(1)) == State::waiting);
                now = *input.due();
                break;
            case State::finished:
                return all;
        }
    }
}

using Times = std::vector<int>;

}  // namespace

TEST_CASE("intervals are kept") {
    CHECK(given_out({10, 10, 25, 1025, 1026}, 1) == Times{0, 0, 15, 1015, 1016});
    CHECK(given_out({}, 1).empty());
    CHECK(given_out({5}, 1) == Times{0});
}

TEST_CASE("a speed shortens or lengthens them") {
    CHECK(given_out({0, 100, 1000}, 10) == Times{0, 10, 100});
    CHECK(given_out({0, 100, 1000}, 0.5) == Times{0, 200, 2000});
}

TEST_CASE("a message recorded before its predecessor is given at once and shifts no other") {
    CHECK(given_out({100, 50, 200, 150, 300}, 1) == Times{0, 0, 100, 100, 200});
}

TEST_CASE("an invalid line is not waited for") {
    CHECK(given_out({0, std::nullopt, 100, std::nullopt, 200}, 1) == Times{0, 0, 100, 100, 200});
}

TEST_CASE("a held message counts as remaining") {
    ReplayInput input(std::make_unique<Recording>(std::vector<std::optional<int>>{0, 100, 200}), 1);
    InputMessage message;
    const Time now = Time(std::chrono::hours(1));
    CHECK(input.next(message, now) == State::ready);
    CHECK(input.next(message, now) == State::waiting);
    CHECK(input.remaining(1) == 2);
    CHECK(input.remaining(3) == 6);
    CHECK(input.next(message, now + std::chrono::hours(1)) == State::ready);
    CHECK(input.next(message, now + std::chrono::hours(1)) == State::ready);
    CHECK(input.remaining(1) == 0);
    CHECK(input.next(message, now) == State::finished);
}

TEST_CASE("a held message with its own topic counts once, however many topics the options have") {
    ReplayInput input(std::make_unique<Recording>(std::vector<std::optional<int>>{0, 100}, "own"), 1);
    InputMessage message;
    const Time now = Time(std::chrono::hours(1));
    CHECK(input.next(message, now) == State::ready);
    CHECK(input.next(message, now) == State::waiting);
    CHECK(input.remaining(3) == 1);
    REQUIRE(input.next(message, now + std::chrono::hours(1)) == State::ready);
    CHECK(message.topic == "own");
}
