// One payload, several times.
#include "fixed_input.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace mqttc::pub;
using State = InputSource::State;

TEST_CASE("a payload is given the requested number of times") {
    FixedInput input(LoadedPayload("x"), 2, Duration::zero());
    InputMessage message;
    const Time now{};
    CHECK(input.remaining(1) == 2);
    CHECK(input.remaining(3) == 6);
    REQUIRE(input.next(message, now) == State::ready);
    CHECK(as_text(message.payload) == "x");
    CHECK(message.outlives_input);
    REQUIRE(input.next(message, now) == State::ready);
    CHECK(input.remaining(1) == 0);
    CHECK(input.next(message, now) == State::finished);
}

TEST_CASE("the delay between two of them is kept") {
    using std::chrono::milliseconds;
    FixedInput input(LoadedPayload("x"), 2, milliseconds(500));
    InputMessage message;
    const Time start = Time{} + milliseconds(1000);
    REQUIRE(input.next(message, start) == State::ready);
    REQUIRE(input.next(message, start + milliseconds(499)) == State::waiting);
    CHECK(input.due() == start + milliseconds(500));
    CHECK(input.next(message, start + milliseconds(500)) == State::ready);
    CHECK(input.next(message, start + milliseconds(500)) == State::finished);
}
