// Topic names and filters: what is valid, how a fault is explained, what matches, shared subscriptions.
#include "mqttc/topic.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

using namespace mqttc;

TEST_CASE("a topic name is any UTF-8 without wildcards") {
    for (const std::string_view name : {"a", "/", "//", "a/", "/a", "maison/salon/temp", "$SYS/broker/uptime",
                                        " ", "maison/\xc3\xa9tage", "$share/g/x"}) {
        CAPTURE(name);
        CHECK_FALSE(check_topic_name(name));
    }
    CHECK(check_topic_name("") == TopicFault::empty);
    CHECK(check_topic_name("a/+") == TopicFault::wildcard_in_name);
    CHECK(check_topic_name("a#") == TopicFault::wildcard_in_name);
    CHECK(check_topic_name("a\xff") == TopicFault::invalid_utf8);
    CHECK(check_topic_name(std::string_view("a\0b", 3)) == TopicFault::invalid_utf8);
    CHECK_FALSE(check_topic_name(std::string(65'535, 'a')));
    CHECK(check_topic_name(std::string(65'536, 'a')) == TopicFault::too_long);
}

TEST_CASE("a topic filter has its wildcards in levels of their own") {
    const struct {
        std::string_view filter;
        std::optional<TopicFault> fault;
    } rows[] = {
        {"a", {}},
        {"#", {}},
        {"+", {}},
        {"+/+", {}},
        {"/+", {}},
        {"+/", {}},
        {"/#", {}},
        {"a/#", {}},
        {"a/+/b", {}},
        {"+/a/#", {}},
        {"a//#", {}},
        {"$SYS/#", {}},
        {"$share", {}},
        {"$shared/a", {}},
        {"$share/g/a", {}},
        {"$share/g/#", {}},
        {"$share/g//", {}},
        {"", TopicFault::empty},
        {"maison/+temp", TopicFault::plus_not_alone},
        {"maison+", TopicFault::plus_not_alone},
        {"++", TopicFault::plus_not_alone},
        {"+#", TopicFault::plus_not_alone},
        {"maison#", TopicFault::hash_not_alone},
        {"a/#b", TopicFault::hash_not_alone},
        {"##", TopicFault::hash_not_alone},
        {"maison/#/temp", TopicFault::hash_not_last},
        {"#/", TopicFault::hash_not_last},
        {"$share//x", TopicFault::share_name_invalid},
        {"$share/", TopicFault::share_name_invalid},
        {"$share/group", TopicFault::share_name_invalid},
        {"$share/group/", TopicFault::share_name_invalid},
        {"$share/a+b/x", TopicFault::share_name_invalid},
        {"$share/#/x", TopicFault::share_name_invalid},
        {"$share/g/a+", TopicFault::plus_not_alone},
        {"$share/g/#/a", TopicFault::hash_not_last},
        {"$share/g/\xff", TopicFault::invalid_utf8},
        {"a/\xc3", TopicFault::invalid_utf8},
    };
    for (const auto& row : rows) {
        CAPTURE(row.filter);
        CHECK(check_topic_filter(row.filter) == row.fault);
    }
    CHECK(check_topic_filter(std::string(65'536, 'a')) == TopicFault::too_long);
}

TEST_CASE("filters match names level by level") {
    const struct {
        std::string_view filter;
        std::string_view name;
        bool matches;
    } rows[] = {
        {"maison/+/temp", "maison/salon/temp", true},
        {"maison/+/temp", "maison//temp", true},
        {"maison/+/temp", "maison/salon/hum", false},
        {"maison/+/temp", "maison/salon/temp/max", false},
        {"maison/+/temp", "maison/temp", false},
        {"maison/#", "maison", true},
        {"maison/#", "maison/", true},
        {"maison/#", "maison/salon", true},
        {"maison/#", "maison/salon/temp", true},
        {"maison/#", "maisonette", false},
        {"maison/#", "jardin/maison", false},
        {"maison", "maison", true},
        {"maison", "maison/", false},
        {"maison/", "maison", false},
        {"maison", "Maison", false},
        {"maison", "mais", false},
        {"mais", "maison", false},
        {"#", "a", true},
        {"#", "/", true},
        {"#", "a/b/c", true},
        {"#", "$SYS", false},
        {"#", "$SYS/broker", false},
        {"+/broker", "$SYS/broker", false},
        {"+", "$SYS", false},
        {"$SYS/#", "$SYS", true},
        {"$SYS/#", "$SYS/broker/uptime", true},
        {"$SYS/+", "$SYS/broker", true},
        {"a/#", "a/$b", true},
        {"a/+", "a/$b", true},
        {"+", "a", true},
        {"+", "/a", false},
        {"+", "a/b", false},
        {"+/+", "/a", true},
        {"/+", "/a", true},
        {"/+", "a", false},
        {"a/+", "a", false},
        {"a/+", "a/", true},
        {"+/#", "a", true},
        {"+/#", "a/b/c", true},
        {"/#", "/", true},
        {"/#", "/a/b", true},
        {"/#", "a", false},
        {"+/a/#", "x/a", true},
        {"+/a/#", "x/b", false},
        {"a/+/#", "a", false},
        {"a/+/#", "a/b", true},
        {"//", "//", true},
        {"//", "/", false},
        {"+//+", "a//b", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.filter);
        CAPTURE(row.name);
        CHECK(topic_matches(row.filter, row.name) == row.matches);
    }
}

TEST_CASE("a shared subscription is taken apart") {
    const auto shared = split_share("$share/group/maison/+/temp");
    REQUIRE(shared);
    CHECK(shared->group == "group");
    CHECK(shared->filter == "maison/+/temp");
    CHECK(split_share("$share/g//")->filter == "/");
    CHECK_FALSE(split_share("maison/#"));
    CHECK_FALSE(split_share("$share/group"));
    CHECK_FALSE(split_share("$share//x"));
    CHECK_FALSE(split_share("$share/g/a+"));
    CHECK_FALSE(split_share("$SHARE/g/a"));
}

TEST_CASE("a fault is explained with the right form") {
    const struct {
        std::string_view filter;
        std::string_view sentence;
    } rows[] = {
        {"maison/+temp", "'+' must fill a whole level: write maison/+/temp or maison/+"},
        {"maison/sal+on/temp", "'+' must fill a whole level: write maison/sal/+/on/temp or maison/+/temp"},
        {"maison+", "'+' must fill a whole level: write maison/+ or +"},
        {"++", "'+' must fill a whole level: write +/+ or +"},
        {"/+a", "'+' must fill a whole level: write /+/a or /+"},
        {"maison#", "'#' must fill a whole level: write maison/#"},
        {"maison/#temp", "'#' must fill a whole level: write maison/#"},
        {"/a#", "'#' must fill a whole level: write /a/#"},
        {"maison/#/temp", "'#' must be the last level: write maison/# or maison/+/temp"},
        {"#/temp", "'#' must be the last level: write # or +/temp"},
        {"$share//x",
         "a shared subscription needs a group name without wildcards and a filter: write $share/group/x"},
        {"$share/a+b/x",
         "a shared subscription needs a group name without wildcards and a filter: write $share/ab/x"},
        {"$share/group",
         "a shared subscription needs a group name without wildcards and a filter: write "
         "$share/group/home/#"},
        {"$share/g/a+", "'+' must fill a whole level: write $share/g/a/+ or $share/g/+"},
        {"a\n+", "'+' must fill a whole level: write a\\n/+ or +"},
        {"", "a topic can't be empty: write at least one level, such as home"},
        {"maison/\xff/b", "the topic is not valid UTF-8 from byte 8 (\\xff): write it in UTF-8"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.filter);
        const auto fault = check_topic_filter(row.filter);
        REQUIRE(fault);
        CHECK(explain(*fault, row.filter) == row.sentence);
    }
    CHECK(explain(TopicFault::wildcard_in_name, "maison/+/temp") ==
          "'+' is a wildcard for subscriptions and can't stand in a topic to publish to: name one topic, "
          "such as "
          "maison/x/temp");
    CHECK(explain(TopicFault::wildcard_in_name, "#") ==
          "'#' is a wildcard for subscriptions and can't stand in a topic to publish to: name one topic, "
          "such as x");
    CHECK(explain(TopicFault::invalid_utf8, std::string_view("a\0b", 3)) ==
          "a topic can't hold a NUL character");
    CHECK(explain(TopicFault::too_long, std::string(70'000, 'a')) ==
          "the topic has 70000 bytes, more than the 65535 that MQTT allows");
}

TEST_CASE("an explanation stays one short line whatever the topic holds") {
    const std::string slashes(60'000, '/');
    for (const auto fault :
         {TopicFault::empty, TopicFault::too_long, TopicFault::invalid_utf8, TopicFault::wildcard_in_name,
          TopicFault::plus_not_alone, TopicFault::hash_not_alone, TopicFault::hash_not_last,
          TopicFault::share_name_invalid}) {
        for (const std::string& topic :
             {std::string(), slashes + "a+", slashes + "#a", slashes + "#/", "$share/a+/" + slashes,
              std::string("\x1b[31m+\r\n"), std::string("\xff\xfe+\xc2\x9b#"), std::string(70'000, '+')}) {
            const std::string sentence = explain(fault, topic);
            CHECK(sentence.size() < 700);
            CHECK_FALSE(sentence.empty());
            for (const char c : sentence) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
            CHECK(valid_utf8(sentence));
        }
    }
}
