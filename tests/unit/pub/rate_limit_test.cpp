// --rate spreads messages evenly and does not catch up pauses.
#include "rate_limit.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using mqttc::pub::RateLimit;
using std::chrono::milliseconds;

namespace {

// How many messages are published in the second after `from`, when the loop turns every `step`.
int in_a_second(RateLimit& limit, Time from, Duration step) {
    int sent = 0;
    for (Time now = from; now < from + std::chrono::seconds(1); now += step) {
        while (limit.allows(now)) {
            limit.count(now);
            ++sent;
        }
    }
    return sent;
}

}  // namespace

TEST_CASE("the rate is kept however often the loop turns") {
    const Time start = Time{} + std::chrono::seconds(5);
    for (const milliseconds step : {milliseconds(1), milliseconds(3), milliseconds(7)}) {
        RateLimit limit(100);
        const int sent = in_a_second(limit, start, step);
        CHECK(sent >= 99);
        CHECK(sent <= 100);
        CHECK(in_a_second(limit, start + std::chrono::seconds(1), step) <= 100);
    }
}

TEST_CASE("a pause is not caught up") {
    RateLimit limit(10);
    const Time start = Time{} + std::chrono::seconds(5);
    limit.count(start);
    CHECK(in_a_second(limit, start + std::chrono::seconds(60), milliseconds(1)) == 10);
}

TEST_CASE("at high rates the messages of a millisecond are published together") {
    RateLimit limit(10'000);
    Time now = Time{} + std::chrono::seconds(5);
    const Time end = now + std::chrono::seconds(1);
    int turns = 0;
    int sent = 0;
    for (; now < end; now = limit.due(), ++turns) {
        for (; limit.allows(now); ++sent) limit.count(now);
    }
    CHECK(sent == 10'000 - 9);
    CHECK(turns <= 1001);
    limit = RateLimit(100);
    limit.count(now);
    CHECK(limit.due() == now + milliseconds(10));
}

TEST_CASE("without a rate nothing waits") {
    RateLimit limit(std::nullopt);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(limit.allows(Time{}));
        limit.count(Time{});
    }
}
