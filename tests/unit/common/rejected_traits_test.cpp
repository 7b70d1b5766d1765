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

TEST_CASE("a discouraged character is found at any place of a topic of any length") {
    for (std::size_t size = 1; size <= 20; ++size) {
        for (const char good : {' ', '~', 'a'}) CHECK_FALSE(discouraged_character(std::string(size, good)));
        for (std::size_t at = 0; at < size; ++at) {
            for (const char bad : {'\x01', '\x1f', '\x7f'}) {
                std::string text(size, '~');
                text[at] = bad;
                CHECK(discouraged_character(text) == bad);
            }
            const std::string text = std::string(at, '~') + "\xc2\x85" + std::string(size, 'a');
            CHECK(discouraged_character(text) == 0x85);
        }
    }
}

TEST_CASE("the size of a message is a trait if no message as large was accepted, unless it is small") {
    const std::vector<std::uint8_t> bytes(257);
    const Publish message{.topic = "a", .payload = bytes};
    const Publish small{.topic = "a", .payload = Bytes(bytes).first(256)};
    CHECK(rejected_traits(message).empty());
    CHECK(rejected_traits(message, SizeAccepted::no) == "messages of 257 bytes");
    CHECK(rejected_traits(small, SizeAccepted::no).empty());
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
