// Tests of the environment of --exec's commands (apps/sub/job_environment.cpp).
#include "job_environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "message.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;

using Words = std::vector<std::string>;

namespace {

Words variables(const Message& message) {
    Words all;
    append_message_variables(all, message.view());
    return all;
}

}  // namespace

TEST_CASE("a command gets its message in its environment") {
    CHECK(variables({.topic = "a/b", .payload = "hello"}) == Words{"MQTT_TOPIC=a/b", "MQTT_QOS=0",
                                                                   "MQTT_RETAIN=0", "MQTT_PAYLOAD_LENGTH=5",
                                                                   "MQTT_PACKET_ID=0"});
    CHECK(variables(full_message()) ==
          Words{"MQTT_TOPIC=a/b", "MQTT_QOS=1", "MQTT_RETAIN=1", "MQTT_PAYLOAD_LENGTH=5", "MQTT_PACKET_ID=7",
                "MQTT_CONTENT_TYPE=text/plain", "MQTT_CORRELATION_DATA=corr",
                "MQTT_MESSAGE_EXPIRY_INTERVAL=100000", "MQTT_PAYLOAD_FORMAT_INDICATOR=1",
                "MQTT_RESPONSE_TOPIC=re/topic", "MQTT_SUBSCRIPTION_IDENTIFIER=9",
                "MQTT_USER_PROPERTY_COUNT=2", "MQTT_USER_PROPERTY_1_NAME=k1", "MQTT_USER_PROPERTY_1_VALUE=v1",
                "MQTT_USER_PROPERTY_2_NAME=k2", "MQTT_USER_PROPERTY_2_VALUE=v2"});
}

TEST_CASE("correlation data that are text are given unchanged, others in hexadecimal with their encoding") {
    const auto given = [](const std::string& data) {
        Message message;
        REQUIRE(message.properties.add(PropertyId::correlation_data, data));
        Words all = variables(message);
        std::erase_if(all, [](const std::string& it) { return !it.starts_with("MQTT_CORRELATION_DATA"); });
        return all;
    };
    CHECK(given("\xc3\xa9 = 'a'") == Words{"MQTT_CORRELATION_DATA=\xc3\xa9 = 'a'"});
    CHECK(given("00ff") == Words{"MQTT_CORRELATION_DATA=00ff"});
    CHECK(given("") == Words{"MQTT_CORRELATION_DATA="});
    const Words hex{"MQTT_CORRELATION_DATA=610aff", "MQTT_CORRELATION_DATA_ENCODING=hex"};
    CHECK(given("a\n\xff") == hex);
    CHECK(given(std::string(1, '\0'))[0] == "MQTT_CORRELATION_DATA=00");
}

TEST_CASE("variables beyond the system's limits are left out") {
    Message message{.topic = std::string(65'535, 't')};
    REQUIRE(message.properties.add(PropertyId::correlation_data, std::string(65'535, '\x01')));
    for (int i = 0; i < 20; ++i) REQUIRE(message.properties.add_user_property("k", std::string(60'000, 'v')));
    std::size_t size = 0;
    bool correlation = false;
    for (const std::string& variable : variables(message)) {
        CHECK(variable.size() <= max_variable);
        size += variable.size();
        correlation = correlation || variable.starts_with("MQTT_CORRELATION_DATA=");
    }
    CHECK(size <= max_variables);
    CHECK_FALSE(correlation);
    CHECK(variables(message)[0].size() == 65'535 + std::string("MQTT_TOPIC=").size());
    CHECK(std::ranges::count(variables(message), "MQTT_USER_PROPERTY_COUNT=20") == 1);
}

TEST_CASE("a command does not get the password, nor a URL, which may hold one") {
    setenv("MQTT_PASSWORD", "secret", 1);
    setenv("MQTT_URL", "mqtt://user:secret@broker", 1);
    const Words environment = environment_without_message();
    for (const char* name : {"MQTT_PASSWORD", "MQTT_URL"}) unsetenv(name);
    CHECK(std::ranges::none_of(environment,
                               [](const std::string& it) { return it.find("secret") != std::string::npos; }));
}

TEST_CASE("no variable of an outer program's message is kept") {
    setenv("MQTT_TOPIC", "old", 1);
    setenv("MQTT_USER_PROPERTY_1_NAME", "old", 1);
    setenv("MQTT_HOST", "broker", 1);
    const Words environment = environment_without_message();
    for (const char* name : {"MQTT_TOPIC", "MQTT_USER_PROPERTY_1_NAME", "MQTT_HOST"}) unsetenv(name);
    const auto has = [&](std::string_view start) {
        return std::ranges::any_of(environment, [&](const std::string& it) { return it.starts_with(start); });
    };
    CHECK_FALSE(has("MQTT_TOPIC"));
    CHECK_FALSE(has("MQTT_USER_PROPERTY_1_NAME"));
    CHECK(has("MQTT_HOST=broker"));
}
