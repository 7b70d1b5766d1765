// Tests of the choice of messages (apps/sub/filters.cpp).
#include "filters.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace mqttc::sub;
using Result = Filters::Result;

namespace {

Publish message(std::string_view topic, bool retain = false) {
    Publish publish;
    publish.topic = topic;
    publish.retain = retain;
    return publish;
}

}  // namespace

TEST_CASE("without options everything passes") {
    Filters filters({}, 1);
    CHECK(filters.none());
    CHECK(filters.check(message("a", true)) == Result::pass);
}

TEST_CASE("-R drops retained messages") {
    app::SubOptions options;
    options.no_retain = true;
    Filters filters(options, 1);
    CHECK_FALSE(filters.none());
    CHECK(filters.check(message("a", true)) == Result::drop);
    CHECK(filters.check(message("a")) == Result::pass);
}

TEST_CASE("--retained-only ends at the first message that isn't retained, even if -T drops it") {
    app::SubOptions options;
    options.retained_only = true;
    options.filter_out = {"a"};
    Filters filters(options, 1);
    CHECK(filters.check(message("a", true)) == Result::drop);
    CHECK(filters.check(message("b", true)) == Result::pass);
    CHECK(filters.check(message("a")) == Result::end);
}

TEST_CASE("-T drops messages that any of its filters matches") {
    app::SubOptions options;
    options.filter_out = {"a/#", "+/x"};
    Filters filters(options, 1);
    for (const char* topic : {"a", "a/b/c", "b/x"}) CHECK(filters.check(message(topic)) == Result::drop);
    for (const char* topic : {"b", "b/x/y", "$SYS/a"}) CHECK(filters.check(message(topic)) == Result::pass);
}

TEST_CASE("--random-filter passes its percentage, for every seed") {
    for (const std::uint64_t seed : {0ULL, 1ULL, 0xffff'ffff'ffff'ffffULL, 12345ULL}) {
        for (const double share : {0.1, 10.0, 50.0, 99.9, 100.0}) {
            CAPTURE(seed);
            CAPTURE(share);
            app::SubOptions options;
            options.random_filter = share;
            Filters filters(options, seed);
            constexpr int rounds = 100'000;
            int passed = 0;
            for (int i = 0; i < rounds; ++i) passed += filters.check(message("a")) == Result::pass;
            CHECK(passed > share / 100 * rounds * 0.97 - 30);
            CHECK(passed < share / 100 * rounds * 1.03 + 30);
        }
    }
}
