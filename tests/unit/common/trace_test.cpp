// -d describes packets in a line and shows no secrets.
#include "trace.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using app::describe_packet;

TEST_CASE("PUBLISH is shown without its payload") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::content_type, "text/plain"));
    REQUIRE(properties.add(PropertyId::correlation_data, "12345"));
    REQUIRE(properties.add_user_property("k", "v"));
    const Publish publish{.topic = "a/b",
                          .payload = as_bytes("hello"),
                          .qos = Qos::at_least_once,
                          .retain = true,
                          .dup = true,
                          .packet_id = 7,
                          .properties = properties.view()};
    CHECK(describe_packet(publish) ==
          "PUBLISH id 7 qos 1 retain dup 'a/b' 5 bytes, content-type 'text/plain', correlation-data 5 bytes, "
          "user-property 'k' 'v'");
}

TEST_CASE("CONNECT shows that there is a password, not which") {
    Connect connect;
    connect.client_id = "me";
    connect.username = "sondes";
    connect.password = as_bytes("mot2passe");
    const std::string line = describe_packet(connect);
    CHECK(line == "CONNECT 'me' version 4 clean keepalive 60 user 'sondes' with password");
}

TEST_CASE("SUBSCRIBE shows the options that the packet carries") {
    Subscribe subscribe{.packet_id = 1};
    subscribe.subscriptions.push_back({.filter = "a", .qos = Qos::at_least_once, .no_local = true});
    CHECK(describe_packet(subscribe) == "SUBSCRIBE id 1 'a' qos 1 no-local");
    CHECK(describe_packet(subscribe, ProtocolVersion::v311) == "SUBSCRIBE id 1 'a' qos 1");
}

TEST_CASE("control characters are escaped") {
    CHECK(describe_packet(Publish{.topic = "a\x1b[2J", .payload = {}, .properties = {}}) ==
          "PUBLISH qos 0 'a\\x1b[2J' 0 bytes");
}

TEST_CASE("long texts are cut, and of very many properties or codes only the first are shown") {
    Properties properties;
    for (int i = 0; i < 10'000; ++i) REQUIRE(properties.add_user_property("k", "v"));
    const std::string topic(65'535, 't');
    const std::string line =
        describe_packet(Publish{.topic = topic, .payload = {}, .properties = properties.view()});
    CHECK(line.size() < 6000);
    CHECK(line.find("t\u2026 (65535 bytes)' 0 bytes, user-property 'k' 'v', ") != line.npos);
    CHECK(line.ends_with(", \u2026 (more properties)"));
    const std::string codes(1'000'000, '\x01');
    CHECK(describe_packet(Suback{.packet_id = 3, .codes = as_bytes(codes), .properties = {}}).size() < 5000);
}

TEST_CASE("acknowledgements are shown with their codes") {
    const std::uint8_t codes[] = {0, 1, 0x80};
    CHECK(describe_packet(Suback{.packet_id = 3, .codes = codes, .properties = {}}) ==
          "SUBACK id 3 codes 0 1 128 (unspecified error)");
    CHECK(describe_packet(Ack{PacketType::pubrec, 9, reason::not_authorized, {}}) ==
          "PUBREC id 9 code 135 (not authorized)");
    CHECK(describe_packet(Pingreq{}) == "PINGREQ");
    CHECK(describe_packet(Disconnect{}) == "DISCONNECT");
}
