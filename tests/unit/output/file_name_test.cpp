// Tests of how text from the broker is written in a file's name (apps/sub/file_name.cpp).
#include "file_name.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "message.hpp"

using namespace mqttc::output;
using namespace mqttc::output::test;

namespace {

std::string topic(std::string_view text) {
    TextBuffer out;
    append_file_topic(out, text);
    return std::string(out.view());
}

}  // namespace

TEST_CASE("a topic's levels are directories, and none leads out of them") {
    CHECK(topic("home/kitchen/temp") == "home/kitchen/temp");
    CHECK(topic("../../etc/passwd") == "%2E./%2E./etc/passwd");
    CHECK(topic("./.ssh/-rf") == "%2E/%2Essh/%2Drf");
    CHECK(topic("/a//b/") == "%_/a/%_/b/%_");
    CHECK(topic("v1.2/a-b/50%/été 1") == "v1.2/a-b/50%25/été 1");
    CHECK(topic("a\nb\x1b[2J\x7f\\\xc2\x9b") == "a%0Ab%1B[2J%7F%5C%C2%9B");
    CHECK(topic("%_") == "%25_");
    CHECK(topic(std::string_view("a\0b", 3)) == "a%00b");
}

TEST_CASE("long levels are short and stay different") {
    const std::string at_most(max_level, 'x');
    CHECK(topic(at_most) == at_most);
    std::set<std::string> names;
    for (const char last : {'a', 'b', 'c'}) {
        const std::string name = topic(std::string(60'000, 'x') + last);
        CHECK(name.size() <= max_level);
        CHECK(name.starts_with(std::string(80, 'x') + "%~"));
        names.insert(name);
    }
    CHECK(names.size() == 3);
    // No character is split.
    std::string accents;
    for (int i = 0; i < 100; ++i) accents += "é";
    CHECK(topic('x' + accents).find("%~") == 79);
}

TEST_CASE("a topic of very many levels makes few directories") {
    std::string many;
    for (int i = 0; i < 30'000; ++i) many += "a/";
    const std::string one = topic(many + "x");
    CHECK(std::count(one.begin(), one.end(), '/') == max_topic_directories);
    CHECK(one.size() < 300);
    CHECK(one != topic(many + "y"));
}

TEST_CASE("in a template all text from the broker but the topic is one component") {
    Message message = full_message();
    message.topic = "a/../b";
    message.payload = "../x";
    message.properties = {};
    REQUIRE(message.properties.add(mqttc::PropertyId::content_type, "../../c"));
    REQUIRE(message.properties.add(mqttc::PropertyId::correlation_data, "/d"));
    REQUIRE(message.properties.add(mqttc::PropertyId::response_topic, "r/.."));
    REQUIRE(message.properties.add_user_property("..", "/"));
    const FormatOptions names{.file_name = true};
    CHECK(rendered("%t", message, names) == "a/%2E./b");
    CHECK(rendered("%p", message, names) == "%2E.%2Fx");
    CHECK(rendered("%C", message, names) == "%2E.%2F..%2Fc");
    CHECK(rendered("%D", message, names) == "%2Fd");
    CHECK(rendered("%R", message, names) == "r%2F..");
    CHECK(rendered("%P", message, names) == "%2E.:%2F");
    message.payload = "\xff\xff\xff";
    CHECK(rendered("%b", message, names) == "%2F%2F%2F%2F");
    CHECK(rendered("%q-%l-%x.bin", message, names) == "1-3-ffffff.bin");
    message.payload = std::string(1'000'000, 'x');
    std::set<std::string> hashed;
    for (const char* format : {"%x", "%X", "%.2:x", "%b", "%p"}) {
        CAPTURE(format);
        const std::string name = rendered(format, message, names);
        CHECK(name.size() <= max_level);
        CHECK(name.find("%~") != name.npos);
        hashed.insert(name.substr(name.find("%~")));
        message.payload.back() = 'y';
        CHECK(rendered(format, message, names) != name);
        message.payload.back() = 'x';
    }
    CHECK(hashed.size() == 1);
    message.payload = std::string(max_level / 2, 'x');
    CHECK(rendered("%x", message, names).size() == max_level);
    CHECK(rendered("%j", message, names) == "ERROR format sequence '%j' cannot be part of a file name");
    CHECK(rendered("%J", message, names) == "ERROR format sequence '%J' cannot be part of a file name");
}
