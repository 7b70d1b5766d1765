// Tests of the delays between tries and of which failures are final.
#include "backoff.hpp"

#include <doctest/doctest.h>

#include "base/random.hpp"

using namespace mqttc;
using namespace std::chrono_literals;

TEST_CASE("delays double from the smallest to the largest and are drawn between two steps") {
    Backoff lowest(1s, 60s);
    Backoff highest(1s, 60s);
    const Duration low[] = {1s, 2s, 4s, 8s, 16s, 32s, 30s, 30s};
    const Duration high[] = {2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s};
    for (int i = 0; i < 8; ++i) {
        CAPTURE(i);
        CHECK(lowest.next(0.0) == low[i]);
        const auto drawn = highest.next(0.999'999);
        CHECK(drawn <= high[i]);
        CHECK(drawn > high[i] - 1ms);
    }
    lowest.reset();
    CHECK(lowest.next(0.0) == 1s);
}

TEST_CASE("after a good connection one short delay precedes the others") {
    Backoff lowest(1s, 60s, 100ms);
    CHECK(lowest.next(0.0) == 1s);
    CHECK(lowest.next(0.0) == 2s);
    lowest.reset_quickly();
    CHECK(lowest.next(0.0) == 100ms);
    CHECK(lowest.next(0.0) == 1s);
    CHECK(lowest.next(0.0) == 2s);
    Backoff highest(1s, 60s, 100ms);
    highest.reset_quickly();
    const auto quick = highest.next(0.999'999);
    CHECK(quick <= 300ms);
    CHECK(quick > 299ms);
    CHECK(highest.next(0.999'999) > 1999ms);
    // Not above the smallest of the others, and none if that is not longer.
    Backoff close_limit(200ms, 60s, 100ms);
    close_limit.reset_quickly();
    CHECK(close_limit.next(0.999'999) <= 200ms);
    Backoff none(100ms, 60s, 100ms);
    none.reset_quickly();
    CHECK(none.next(0.999'999) > 199ms);
}

TEST_CASE("equal limits give that delay exactly, and reversed limits the smallest") {
    Backoff constant(5s, 5s);
    CHECK(constant.next(0.7) == 5s);
    CHECK(constant.next(0.1) == 5s);
    Backoff reversed(5s, 1s);
    CHECK(reversed.next(0.7) == 5s);
    Backoff none(0s, 0s);
    CHECK(none.next(0.5) == 0s);
}

TEST_CASE("delays grow from a smallest delay of zero, too") {
    Backoff lowest(0s, 60s);
    CHECK(lowest.next(0.0) == 0s);
    CHECK(lowest.next(0.0) == 100ms);
    CHECK(lowest.next(0.0) == 200ms);
    Backoff short_ones(0s, 10ms);
    CHECK(short_ones.next(0.999'999) <= 10ms);
    CHECK(short_ones.next(0.0) == 5ms);
}

TEST_CASE("random numbers are in [0, 1) and differ") {
    double sum = 0;
    for (int i = 0; i < 100; ++i) {
        const double number = random_unit();
        CHECK(number >= 0.0);
        CHECK(number < 1.0);
        sum += number;
    }
    CHECK(sum > 20);
    CHECK(sum < 80);
}

TEST_CASE("failures of the transport are temporary, those of the request are final") {
    for (const auto code :
         {ErrorCode::name_not_found, ErrorCode::connect_failed, ErrorCode::connect_timeout,
          ErrorCode::closed_by_peer, ErrorCode::connection_lost, ErrorCode::keep_alive_timeout}) {
        CHECK_FALSE(is_final({code, 0, {}}));
    }
    for (const auto code : {ErrorCode::usage, ErrorCode::tls_config, ErrorCode::protocol_error,
                            ErrorCode::out_of_memory, ErrorCode::limit_exceeded}) {
        CHECK(is_final({code, 0, {}}));
    }
    CHECK_FALSE(is_final({ErrorCode::connection_refused, 3, {}}));
    CHECK(is_final({ErrorCode::connection_refused, 5, {}}));
}
