// The broker's retained messages.
#include "retained_store.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace mqttc::broker;

namespace {

struct Fixture {
    RetainedStore store;
    Time now{};

    void keep(std::string_view topic, std::string_view payload) {
        Publish publish;
        publish.topic = topic;
        publish.payload = as_bytes(payload);
        publish.retain = true;
        store.store(make_message(publish, topic, "me", nullptr, now));
    }
    std::string matches(std::string_view filter) {
        std::string text;
        store.match(filter, now, [&](const MessagePtr& message) {
            text += (text.empty() ? "" : " ") + message->topic + "=" + std::string(as_text(message->payload));
        });
        return text;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "filters find the retained messages of their topics, in order") {
    keep("maison/salon/temp", "21");
    keep("maison", "1");
    keep("maison/garage/temp", "9");
    keep("maisons", "2");
    keep("$SYS/x", "3");
    CHECK(matches("maison/#") == "maison=1 maison/garage/temp=9 maison/salon/temp=21");
    CHECK(matches("maison/+/temp") == "maison/garage/temp=9 maison/salon/temp=21");
    CHECK(matches("maison") == "maison=1");
    CHECK(matches("+") == "maison=1 maisons=2");
    CHECK(matches("$SYS/#") == "$SYS/x=3");
    CHECK(matches("jardin/#") == "");
}

TEST_CASE_FIXTURE(Fixture, "a new message replaces the old one, an empty one removes it") {
    keep("x", "1");
    keep("x", "2");
    CHECK(matches("x") == "x=2");
    keep("x", "");
    CHECK(store.size() == 0);
    keep("never-there", "");
    CHECK(store.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an expired message is removed") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::message_expiry_interval, 10));
    Publish publish;
    publish.payload = as_bytes("soon gone");
    publish.properties = properties.view();
    store.store(make_message(publish, "x", "me", nullptr, now));
    now += std::chrono::seconds(9);
    CHECK(matches("#") == "x=soon gone");
    now += std::chrono::seconds(1);
    CHECK(matches("#") == "");
    CHECK(store.size() == 0);
}
