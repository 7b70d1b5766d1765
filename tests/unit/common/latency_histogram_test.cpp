// Tests of the latency histogram and of number formats.
#include "latency_histogram.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "number_format.hpp"

using namespace mqttc;
using namespace mqttc::app;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST_CASE("percentiles are accurate to 1/32, from nanoseconds to years") {
    for (const std::int64_t unit : {1LL, 7LL, 1'000LL, 1'000'000LL, 1'000'000'000LL, 30'000'000'000'000LL}) {
        CAPTURE(unit);
        LatencyHistogram latencies;
        for (int i = 1; i <= 1000; ++i) latencies.add(nanoseconds(i * unit));
        CHECK(latencies.count() == 1000);
        CHECK(latencies.min() == nanoseconds(unit));
        CHECK(latencies.max() == nanoseconds(1000 * unit));
        for (const double share : {0.01, 0.5, 0.9, 0.99}) {
            const double exact = share * 1000 * static_cast<double>(unit);
            const auto got = static_cast<double>(latencies.percentile(share).count());
            CAPTURE(share);
            CHECK(got >= exact);
            CHECK(got <= exact * (1 + 1.0 / 32) + 1);
        }
        CHECK(latencies.percentile(0) >= latencies.min());
        CHECK(latencies.percentile(1) == latencies.max());
    }
}

TEST_CASE("the smallest and largest durations have a class") {
    LatencyHistogram latencies;
    CHECK(latencies.percentile(0.5) == nanoseconds(0));
    latencies.add(nanoseconds(-5));
    latencies.add(nanoseconds(INT64_MAX));
    CHECK(latencies.min() == nanoseconds(0));
    CHECK(latencies.percentile(0.5) == nanoseconds(0));
    CHECK(latencies.percentile(0.99) == nanoseconds(INT64_MAX));
}

TEST_CASE("figures are short and have units") {
    CHECK(duration_text(nanoseconds(0)) == "0 ns");
    CHECK(duration_text(nanoseconds(999)) == "999 ns");
    CHECK(duration_text(nanoseconds(1'000)) == "1.00 us");
    CHECK(duration_text(nanoseconds(12'345)) == "12.3 us");
    CHECK(duration_text(nanoseconds(999'600)) == "1.00 ms");
    CHECK(duration_text(nanoseconds(123'456'789)) == "123 ms");
    CHECK(duration_text(std::chrono::seconds(90)) == "90.0 s");
    CHECK(bytes_text(999) == "999 bytes");
    CHECK(bytes_text(1'500) == "1.5 kB");
    CHECK(bytes_text(12'345'678) == "12.3 MB");
    CHECK(bytes_text(4e9) == "4.0 GB");
    CHECK(rate_text(5, std::chrono::seconds(2)) == "2.5");
    CHECK(rate_text(100'000, std::chrono::seconds(2)) == "50000");
    CHECK(rate_text(5, nanoseconds(0)) == "0.0");
    CHECK(count_text(1, "message") == "1 message");
    CHECK(count_text(0, "message") == "0 messages");
}

TEST_CASE("a chart has a bar for each class, the empty ones between them included") {
    LatencyHistogram latencies;
    CHECK(latencies.chart().empty());
    for (int i = 0; i < 100; ++i) latencies.add(microseconds(60));
    for (int i = 0; i < 50; ++i) latencies.add(microseconds(150));
    latencies.add(milliseconds(1));
    CHECK(latencies.chart() ==
          " latency to 100 us         100  ########################################\n"
          "            200 us          50  ####################\n"
          "            500 us           0\n"
          "              1 ms           1  #\n");
    // Beyond a dozen classes one for each power of ten.
    latencies.add(nanoseconds(3));
    latencies.add(std::chrono::hours(3));
    CHECK(
        latencies.chart().starts_with(" latency to  10 ns           1  #\n            100 ns           0\n"));
    CHECK(latencies.chart().ends_with(
        "          10000 s            0\n            100000 s            1  #\n"));
    LatencyHistogram extreme;
    extreme.add(nanoseconds::max());
    CHECK(extreme.chart().starts_with(" latency to "));
}

TEST_CASE("the figures as JSON are in seconds") {
    LatencyHistogram latencies;
    CHECK(latencies.json() == "null");
    for (int i = 0; i < 3; ++i) latencies.add(milliseconds(4));
    latencies.add(milliseconds(11));
    CHECK(latencies.json() ==
          R"({"count":4,"min":0.004,"median":0.004063231,"p90":0.011,"p99":0.011,"max":0.011,)"
          R"("histogram":[{"up_to":0.005,"count":3},{"up_to":0.01,"count":0},{"up_to":0.02,"count":1}]})");
}
