// Tests of the reports of an outage (apps/common/outage.cpp).
#include "outage.hpp"

#include <doctest/doctest.h>

#include "option_fixture.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace std::chrono_literals;

namespace {

const Time start{1h};

std::string line(Outage& outage, std::string_view why, Duration retry_in, Time now) {
    return outage.line(why, {}, retry_in, now).value_or("nothing");
}

}  // namespace

TEST_CASE("an outage is reported once for each cause, the first time with the limit options") {
    Outage outage{ConnectionOptions(), RunOptions()};
    const Error silence{ErrorCode::connect_timeout, 0, "cannot connect: no answer"};
    CHECK(outage.not_connected(silence) == "cannot connect: no answer");
    CHECK(outage.line("lost", "; some more", 50ms, start) ==
          "lost; some more; trying again in 0.05 s (forever; --reconnect N or -W limits it)");
    CHECK(line(outage, "lost", 2s, start + 1s) == "nothing");
    CHECK(line(outage, "refused", 1342ms, start + 2s) == "refused; trying again in 1.3 s");
    CHECK(outage.reason() == "refused");
    CHECK(outage.not_connected(silence) == "not connected: refused");
    outage.over(start + 2s);
    CHECK(outage.reason().empty());
    CHECK(line(outage, "refused", 1s, start + 3s) == "refused; trying again in 1 s");
}

TEST_CASE("a long outage is reported again each minute, with its duration") {
    Outage outage{ConnectionOptions(), RunOptions()};
    line(outage, "lost", 1s, start);
    CHECK(line(outage, "lost", 32s, start + 59s) == "nothing");
    CHECK(line(outage, "lost", 32s, start + 61s) == "not connected for 1 min: lost; trying again in 32 s");
    CHECK(line(outage, "lost", 60s, start + 93s) == "nothing");
    CHECK(line(outage, "refused", 60s, start + 153s) ==
          "not connected for 2 min: refused; trying again in 60 s");
    CHECK(line(outage, "refused", 60s, start + 212s) == "nothing");
    outage.over(start + 250s);
    CHECK(line(outage, "lost", 1s, start + 300s) == "lost; trying again in 1 s");
}

TEST_CASE("three short connections in a row are reported with likely causes") {
    const auto third = [](Outage& outage, Duration lasts) {
        for (const Duration from : {0min, 1min}) {
            outage.over(start + from);
            CHECK(line(outage, "closed", 1s, start + from + lasts) == "closed; trying again in 1 s");
            // A failed attempt in between is not a connection.
            CHECK(line(outage, "refused", 1s, start + from + lasts + 1s) == "refused; trying again in 1 s");
        }
        outage.over(start + 2min);
        return line(outage, "closed", 1s, start + 2min + lasts);
    };
    const auto own = test::pub_fixture().good("-t a -n -i me -W 3600");
    Outage shared(own.connection, own.run);
    CHECK(
        third(shared, 9s) ==
        "closed; trying again in 1 s (3 times soon after connecting: does another client use the identifier "
        "'me', or does the broker not allow what was sent?)");
    shared.over(start + 3min);
    CHECK(line(shared, "closed", 1s, start + 3min) == "closed; trying again in 1 s");
    Outage longer(own.connection, own.run);
    CHECK(third(longer, 10s) == "closed; trying again in 1 s");
    Outage forbidden(ConnectionOptions(), own.run);
    CHECK(third(forbidden, 0s) ==
          "closed; trying again in 1 s (3 times soon after connecting: does the broker not allow what was "
          "sent?)");
}

TEST_CASE("the limit options are not mentioned when one is given") {
    ConnectionOptions tries;
    tries.reconnect = 3;
    Outage some(tries, {});
    CHECK(line(some, "lost", 1s, start) == "lost; trying again in 1 s");
    Outage timed(ConnectionOptions(), {.timeout = 1h});
    CHECK(line(timed, "lost", 1s, start) == "lost; trying again in 1 s");
}
