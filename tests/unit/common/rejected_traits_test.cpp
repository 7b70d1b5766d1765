// Tests of what some brokers do not accept.
#include "rejected_traits.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mqttc;
using namespace mqttc::app;

TEST_CASE("usual messages and filters have no trait that brokers reject") {
    for (const char* topic : {"a", "/a//b/", "caf\xc3\xa9/\xe2\x82\xac", "a-b_c~(1)"})
        CHECK(rejected_traits(Publish{.topic = topic, .payload = {}, .qos = Qos::at_least_once}).empty());
    for (const char* filter : {"#", "+/a/#", "$SYS/#"}) CHECK(rejected_traits(filter).empty());
}

TEST_CASE("traits that brokers reject are named, the most specific first, and none is longer than its name") {
    const std::string name(65'535, 'x');
    const std::vector<std::uint8_t> payload(100'001);
    CHECK(rejected_traits(
              Publish{.topic = "$a\x07 .", .payload = payload, .qos = Qos::exactly_once, .retain = true}) ==
          "QoS 2 (try -q 1), or the character U+0007 in the topic, or a space in the topic, or a dot in the "
          "topic, "
          "or a topic that starts with '$', or messages of 100001 bytes, or retained messages");
    CHECK(rejected_traits(Publish{.topic = name, .payload = {}}) == "a topic of 65535 bytes");
    CHECK(rejected_traits("$share/g/\xef\xbf\xbf") ==
          "the character U+FFFF in the topic, or shared subscriptions");
}
