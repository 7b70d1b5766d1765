// The line of --progress.
#include "progress.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mqttc::pub;
using std::chrono::seconds;

TEST_CASE("progress by messages, when their number is known") {
    CHECK(progress_text({.delivered = 1200, .all = 5000, .elapsed = seconds(2)}) ==
          "1200 of 5000 messages (24%), 600 messages/s, 0:06 left");
    CHECK(progress_text({.delivered = 0, .all = 5000, .elapsed = seconds(2)}) ==
          "0 of 5000 messages (0%), 0.0 messages/s");
    CHECK(progress_text({.delivered = 5000, .all = 5000, .elapsed = seconds(10)}) ==
          "5000 of 5000 messages (100%), 500 messages/s, 0:00 left");
    CHECK(progress_text({.delivered = 1, .all = 10'000, .elapsed = seconds(1)}).ends_with(", 2:46:39 left"));
}

TEST_CASE("progress by bytes, when only they are known or messages are large") {
    CHECK(progress_text({.delivered = 1000, .bytes = Extent{3'000'000, 12'000'000}, .elapsed = seconds(5)}) ==
          "25% of 12.0 MB, 1000 messages, 200 messages/s, 0:15 left");
    CHECK(progress_text({.delivered = 0, .all = 1, .bytes = Extent{50, 200'000'000}, .elapsed = seconds(1)})
              .starts_with("0% of 200.0 MB, 0 messages, "));
    CHECK(progress_text({.delivered = 1, .all = 2, .bytes = Extent{5, 10}, .elapsed = seconds(1)}) ==
          "1 of 2 messages (50%), 1.0 messages/s, 0:01 left");
}

TEST_CASE("progress without a known end") {
    CHECK(progress_text({.delivered = 7, .elapsed = seconds(2)}) == "7 messages, 3.5 messages/s");
    CHECK(progress_text({}) == "0 messages, 0.0 messages/s");
}

TEST_CASE("the bar has a length when the end is known") {
    CHECK(progress_bar({.delivered = 0, .all = 4}) == "[>                   ] ");
    CHECK(progress_bar({.delivered = 2, .all = 4}) == "[==========>         ] ");
    CHECK(progress_bar({.delivered = 4, .all = 4}) == "[====================] ");
    CHECK(progress_bar({.delivered = 0, .bytes = Extent{9, 12}}) == "[===============>    ] ");
    CHECK(progress_bar({.delivered = 7}).empty());
}
