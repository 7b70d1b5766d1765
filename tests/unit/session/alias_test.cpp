// Topic aliases of both sides.
#include <doctest/doctest.h>

#include "alias.hpp"
#include "dialogue.hpp"

namespace mqttc::test {
namespace {

Dialogue taking(std::uint16_t aliases) {
    SessionOptions options = options_of(v5);
    REQUIRE(options.connect_properties.add(PropertyId::topic_alias_maximum, aliases).has_value());
    Dialogue d(options);
    d.connect();
    return d;
}

Publish with_alias(std::string_view topic, Properties& properties, std::uint32_t alias) {
    properties.clear();
    REQUIRE(properties.add(PropertyId::topic_alias, alias).has_value());
    Publish publish = message(topic, "");
    publish.properties = properties.view();
    return publish;
}

TEST_CASE("the broker's aliases are learned, used and changed") {
    Dialogue d = taking(2);
    d.answer_to("30 08 0002'ab' 03 23 0001");
    d.answer_to("30 06 0000 03 23 0001");
    d.answer_to("30 07 0001'c' 03 23 0001");
    d.answer_to("30 06 0000 03 23 0001");
    CHECK(d.events() == "message ab=; message ab=; message c=; message c=");
}

TEST_CASE("an alias above the announced maximum and one without a topic are refused") {
    Dialogue beyond = taking(2);
    CHECK(beyond.error_of("30 08 0002'ab' 03 23 0003").reason == reason::topic_alias_invalid);
    CHECK(beyond.written() == wire("e0 01 94"));
    Dialogue unknown = taking(2);
    CHECK(unknown.error_of("30 06 0000 03 23 0002").reason == reason::protocol_error);
    Dialogue zero = taking(2);
    CHECK_FALSE(zero.broker_sends("30 06 0000 03 23 0000").has_value());
}

TEST_CASE("aliases end with the connection") {
    Dialogue d = taking(2);
    d.answer_to("30 08 0002'ab' 03 23 0001");
    d.reconnect(false);
    CHECK(d.error_of("30 06 0000 03 23 0001").reason == reason::protocol_error);
}

TEST_CASE("the topics of incoming aliases are limited in total size") {
    IncomingAliases aliases(65'535);
    const std::string topic(65'535, 't');
    std::uint32_t alias = 1;
    while (alias < 1000 && aliases.resolve(alias, topic)) ++alias;
    CHECK(alias == 257);
    CHECK(aliases.resolve(alias, topic).error() == reason::quota_exceeded);
    // The old topic of an alias no longer counts.
    for (int i = 0; i < 2; ++i) CHECK(aliases.resolve(1, topic).has_value());
}

TEST_CASE("a repeated topic gets an alias at its second use and is not sent at the third") {
    Dialogue d = connected_persistent(v5, "22 0002");
    for (int i = 0; i < 3; ++i) d.publish("topic1", "");
    CHECK(d.written() == wire("30 09 0006'topic1' 00 30 0c 0006'topic1' 03 23 0001 30 06 0000 03 23 0001"));
    for (int i = 0; i < 3; ++i) d.publish("topic2", "");
    CHECK(d.written() == wire("30 09 0006'topic2' 00 30 0c 0006'topic2' 03 23 0002 30 06 0000 03 23 0002"));
    for (int i = 0; i < 3; ++i) d.publish("topic3", "");
    CHECK(d.written() == wire("30 09 0006'topic3' 00 30 09 0006'topic3' 00 30 09 0006'topic3' 00"));
    d.publish("topic1", "");
    CHECK(d.written() == wire("30 06 0000 03 23 0001"));
}

TEST_CASE("short topics get no alias, and no topic gets one when aliases are disabled or not allowed") {
    Dialogue d = connected_persistent(v5, "22 0002");
    for (int i = 0; i < 3; ++i) d.publish("five5", "");
    CHECK(d.written().find("23 00 01") == std::string::npos);

    Dialogue none = connected_persistent(v5, "");
    for (int i = 0; i < 3; ++i) none.publish("topic1", "");
    CHECK(none.written().find("23 00 01") == std::string::npos);

    SessionOptions options = options_of(v5);
    options.use_topic_aliases = false;
    Dialogue off(options);
    off.connect(false, "22 0002");
    for (int i = 0; i < 3; ++i) off.publish("topic1", "");
    CHECK(off.written().find("23 00 01") == std::string::npos);
}

TEST_CASE("other properties are kept when an alias is added") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::content_type, "x").has_value());
    REQUIRE(properties.add_user_property("k", "v").has_value());
    Publish publish = message("topic1", "");
    publish.properties = properties.view();
    Dialogue d = connected_persistent(v5, "22 0002");
    for (int i = 0; i < 2; ++i) REQUIRE(d.session.publish(publish, d.now).has_value());
    d.written();
    REQUIRE(d.session.publish(publish, d.now).has_value());
    CHECK(d.written() == wire("30 11 0000 0e 03 0001'x' 26 0001'k' 0001'v' 23 0001"));
}

TEST_CASE("a message that needs an alias is sent again with its topic") {
    Dialogue d = connected_persistent(v5, "22 0002");
    for (int i = 0; i < 3; ++i) d.publish("topic1", "", qos1);
    CHECK(d.written() ==
          wire("32 0b 0006'topic1' 0001 00 32 0e 0006'topic1' 0002 03 23 0001 32 08 0000 0003 03 23 0001"));
    d.reconnect(true);
    CHECK(d.written() ==
          wire("3a 0b 0006'topic1' 0001 00 3a 0b 0006'topic1' 0002 00 3a 0b 0006'topic1' 0003 00"));
}

TEST_CASE("QoS 0 messages kept for the next connection have their topics again") {
    Dialogue d = connected_persistent(v5, "22 0002");
    for (int i = 0; i < 3; ++i) d.publish("topic1", "");
    d.reconnect(false);
    CHECK(d.written() == wire("30 09 0006'topic1' 00 30 09 0006'topic1' 00 30 09 0006'topic1' 00"));
}

TEST_CASE("aliases of the user are used, and the session then chooses none") {
    Properties properties;
    Dialogue d = connected_persistent(v5, "22 0002");
    REQUIRE(d.session.publish(with_alias("topic1", properties, 2), d.now).has_value());
    REQUIRE(d.session.publish(with_alias("", properties, 2), d.now).has_value());
    REQUIRE(d.session.publish(with_alias("topic2", properties, 2), d.now).has_value());
    REQUIRE(d.session.publish(with_alias("", properties, 2), d.now).has_value());
    d.publish("topic3", "");
    d.publish("topic3", "");
    CHECK(d.written() == wire("30 0c 0006'topic1' 03 23 0002 30 0c 0006'topic1' 03 23 0002"
                              "30 0c 0006'topic2' 03 23 0002 30 0c 0006'topic2' 03 23 0002"
                              "30 09 0006'topic3' 00 30 09 0006'topic3' 00"));
    const auto beyond = d.session.publish(with_alias("topic1", properties, 3), d.now);
    REQUIRE_FALSE(beyond.has_value());
    CHECK(beyond.error().code == ErrorCode::limit_exceeded);
    CHECK(beyond.error().context == "the broker accepts topic aliases up to 2: choose another one or none");
    CHECK(d.session.publish(with_alias("", properties, 1), d.now).error().code == ErrorCode::usage);
}

TEST_CASE("messages that wait or are sent again do not contain the user's alias") {
    Properties properties;
    Dialogue d = connected_persistent(v5, "22 0002");
    Publish publish = with_alias("topic1", properties, 1);
    publish.qos = qos1;
    REQUIRE(d.session.publish(publish, d.now).has_value());
    CHECK(d.written() == wire("32 0e 0006'topic1' 0001 03 23 0001"));
    d.session.closed();
    REQUIRE(d.session.publish(with_alias("topic2", properties, 9), d.now).has_value());
    d.connect(true);
    CHECK(d.written() == wire("3a 0b 0006'topic1' 0001 00 30 09 0006'topic2' 00"));
}

TEST_CASE("no alias is used if the packet would exceed the broker's maximum size") {
    Dialogue d = connected_persistent(v5, "22 0002 27 0000000e");
    for (int i = 0; i < 3; ++i) d.publish("topic1", "", qos1);
    CHECK(d.written() ==
          wire("32 0b 0006'topic1' 0001 00 32 0b 0006'topic1' 0002 00 32 0b 0006'topic1' 0003 00"));
    for (int i = 0; i < 3; ++i) d.publish("topic22", "12");
    CHECK(d.written() ==
          wire("30 0c 0007'topic22' 00 '12' 30 0c 0007'topic22' 00 '12' 30 0c 0007'topic22' 00 '12'"));
    Properties properties;
    Publish publish = with_alias("topic1", properties, 1);
    publish.qos = qos1;
    REQUIRE(d.session.publish(publish, d.now).has_value());
    CHECK(d.written() == wire("32 0b 0006'topic1' 0004 00"));
}

}  // namespace
}  // namespace mqttc::test
