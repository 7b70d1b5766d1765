// Tests of --stats's figures (apps/sub/receive_stats.cpp).
#include "receive_stats.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "message.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;
using namespace std::chrono_literals;

namespace {

struct Found {
    std::uint64_t lost;
    std::uint64_t doubles;
    std::uint64_t late;
    bool operator==(const Found&) const = default;
};

Found track(const std::vector<std::uint64_t>& numbers) {
    NumberTrack all;
    for (const std::uint64_t number : numbers) all.add(number);
    return {all.lost(), all.duplicates(), all.late()};
}

std::string stamped(std::uint32_t run, std::uint64_t number, std::int64_t at) {
    const auto stamp = app::encode_stamp({run, number, at});
    return std::string(stamp.begin(), stamp.end()) + "x";
}

}  // namespace

TEST_CASE("lost, duplicate and late messages are distinguished by their numbers") {
    CHECK(track({1, 2, 3, 4}) == Found{0, 0, 0});
    CHECK(track({1, 4, 5}) == Found{2, 0, 0});
    CHECK(track({1, 2, 2, 1}) == Found{0, 2, 0});
    CHECK(track({1, 3, 2}) == Found{0, 0, 1});
    CHECK(track({1, 3, 2, 2, 3}) == Found{0, 2, 1});
    CHECK(track({2, 1, 3}) == Found{0, 0, 1});
    CHECK(track({1'000, 1'001}) == Found{0, 0, 0});
    CHECK(track({5, 2, 3, 3, 6}) == Found{1, 1, 2});
}

TEST_CASE("numbers far apart need little memory") {
    constexpr std::uint64_t far = 10 * NumberTrack::window;
    CHECK(track({1, far, far, 2}) == Found{far - 3, 1, 1});
    CHECK(track({1, far, far - 1, far - 1}) == Found{far - 3, 1, 1});
    CHECK(track({far, 1}) == Found{far - 2, 0, 1});
    CHECK(track({1, app::max_stamp_number}) == Found{app::max_stamp_number - 2, 0, 0});
}

TEST_CASE("a line with the number of messages, their rate and their quality") {
    ReceiveStats stats;
    CHECK(stats.text() == "0 messages received, 0 bytes of payload");
    const Time start{};
    constexpr std::int64_t epoch = 1'700'000'000'000'000'000;
    stats.received(Message{.payload = "0123456789"}.view(), start, epoch);
    CHECK(stats.text() == "1 message received, 10 bytes of payload");
    for (const std::uint64_t number : {1U, 4U, 3U, 3U}) {
        stats.received(Message{.payload = stamped(1, number, epoch)}.view(), start + 2s, epoch + 5'000'000);
    }
    stats.received(Message{.payload = stamped(2, 9, 0), .retain = true}.view(), start + 2s, epoch);
    CHECK(stats.text() ==
          "6 messages received, 265 bytes of payload in 2.00 s: 3.0 messages/s, 132 bytes/s; 5 stamped by 2 "
          "publishers: 1 lost, 1 duplicate, 1 out of order; latency: min 5.00 ms, median 5.00 ms, 90% "
          "5.00 "
          "ms, 99% 5.00 ms, max 5.00 ms");
    CHECK(
        stats.json().text() ==
        R"({"messages":6,"payload_bytes":265,"seconds":2,"messages_per_second":3,"payload_bytes_per_second":132.5,)"
        R"("stamped":{"messages":5,"publishers":2,"lost":1,"duplicates":1,"out_of_order":1,"messages_untracked":0},)"
        R"("latency":{"count":4,"min":0.005,"median":0.005,"p90":0.005,"p99":0.005,"max":0.005,)"
        R"("histogram":[{"up_to":0.005,"count":4}]}})");
    CHECK(
        ReceiveStats().json().text() ==
        R"({"messages":0,"payload_bytes":0,"seconds":0,"messages_per_second":null,"payload_bytes_per_second":null,)"
        R"("stamped":null,"latency":null})");
}

TEST_CASE("any number of publishers needs bounded memory") {
    ReceiveStats stats;
    for (std::uint32_t run = 0; run < ReceiveStats::max_runs + 5; ++run)
        stats.received(Message{.payload = stamped(run, 1, 0)}.view(), {}, 1);
    CHECK(stats.text().find("stamped by 1024 publishers: 0 lost, 0 duplicates, 0 out of order, 5 messages of "
                            "untracked publishers") != std::string::npos);
}
