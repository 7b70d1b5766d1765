// Tests and conversions of text.
#include "base/text.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace mqttc;
using namespace std::chrono_literals;

TEST_CASE("spaces are trimmed at both ends only") {
    CHECK(trim_spaces(" \ta b\r ") == "a b");
    CHECK(trim_spaces("a") == "a");
    CHECK(trim_spaces(" \t ").empty());
    CHECK(trim_spaces("").empty());
}

TEST_CASE("ASCII letters are compared without regard to case, no others") {
    CHECK(equal_ignoring_case("LocalHost[", "localhost["));
    CHECK_FALSE(equal_ignoring_case("@", "`"));
    CHECK_FALSE(equal_ignoring_case("a", "ab"));
}

TEST_CASE("errors of the system fit within a sentence") {
    CHECK(errno_text(ECONNREFUSED) == "connection refused");
    CHECK(errno_text(EIO) == "input/output error");
    CHECK(errno_text(12345) == "error 12345");
}

TEST_CASE("durations are rounded up to milliseconds") {
    CHECK(seconds_text(1s) == "1 s");
    CHECK(seconds_text(50ms) == "0.05 s");
    CHECK(seconds_text(1500ms) == "1.5 s");
    CHECK(seconds_text(1ns) == "0.001 s");
    CHECK(seconds_text(0s) == "0 s");
}
