// Dialogues: CONNECT, versions, refusals, order of packets.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "base/descriptor.hpp"
#include "raw_client.hpp"
#include "support/hex.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using mqttc::test::hex;
using mqttc::test::RawClient;
using mqttc::test::v5;
using mqttc::test::violated;

TEST_CASE("CONNACK has the format of the protocol version") {
    BrokerThread broker;
    CHECK(RawClient(broker.port(), ProtocolVersion::v31).connect("a") == "CONNACK 0 code 0");
    CHECK(RawClient(broker.port(), ProtocolVersion::v311).connect("b") == "CONNACK 0 code 0");
    CHECK(RawClient(broker.port(), ProtocolVersion::v5).connect("c") ==
          "CONNACK 0 code 0 receive-maximum=100 topic-alias-maximum=10");
    CHECK(broker.violations().empty());
}

TEST_CASE("a client without identifier gets one if its protocol version allows that") {
    BrokerThread broker;
    CHECK(RawClient(broker.port(), ProtocolVersion::v31).connect("") == "CONNACK 0 code 2");
    CHECK(RawClient(broker.port(), ProtocolVersion::v311).connect("") == "CONNACK 0 code 0");
    CHECK(RawClient(broker.port(), ProtocolVersion::v311).connect("", false) == "CONNACK 0 code 2");
    CHECK(RawClient(broker.port(), ProtocolVersion::v5).connect("") ==
          "CONNACK 0 code 0 receive-maximum=100 assigned-client-identifier=auto-2 topic-alias-maximum=10");
}

TEST_CASE("an unknown protocol version is refused with return code 1") {
    BrokerThread broker;
    RawClient client(broker.port());
    client.send_hex("10 0d 0004 4d515454 06 02 003c 0001 61");
    CHECK(client.next() == "CONNACK 0 code 1");
    CHECK(client.next() == "end");
}

TEST_CASE("another packet before CONNECT ends the connection") {
    BrokerThread broker;
    RawClient client(broker.port());
    client.send(Pingreq{});
    CHECK(client.next() == "end");
    CHECK(violated(broker, "the first packet must be CONNECT"));
}

TEST_CASE("bytes that are not MQTT end the connection") {
    BrokerThread broker;
    for (const auto* hex :
         {"474554202f20485454502f312e310d0a0d0a", "10 ff ff ff ff 01", "00 00", "10 02 0004"}) {
        CAPTURE(hex);
        RawClient client(broker.port());
        client.send_hex(hex);
        CHECK(client.next() == "end");
    }
    CHECK(broker.violations().size() == 4);
}

TEST_CASE("a second CONNECT ends the connection") {
    BrokerThread broker;
    RawClient old_client(broker.port());
    old_client.connect("a");
    CHECK(old_client.connect("a") == "end");
    RawClient client(broker.port(), ProtocolVersion::v5);
    client.connect("b");
    CHECK(client.connect("b") == "DISCONNECT code 130");
    CHECK(client.next() == "end");
    CHECK(broker.violations().size() == 2);
}

TEST_CASE("a connection without CONNECT is closed after a timeout") {
    Options options;
    options.bounds.connect_timeout = std::chrono::milliseconds(50);
    BrokerThread broker(options);
    CHECK(RawClient(broker.port()).next() == "end");
}

TEST_CASE("packets that only a broker sends are a violation") {
    BrokerThread broker;
    RawClient client(broker.port(), ProtocolVersion::v5);
    client.connect("a");
    client.send(Pingresp{});
    CHECK(client.next() == "DISCONNECT code 130");
    CHECK(violated(broker, "a client must not send PINGRESP"));
}

TEST_CASE("data after DISCONNECT is a violation") {
    BrokerThread broker;
    RawClient client(broker.port());
    client.connect("a");
    client.send_hex("e000 c000");
    CHECK(client.next() == "end");
    CHECK(violated(broker, "sent data after DISCONNECT"));
}

TEST_CASE("without allow_anonymous clients without a user name are refused") {
    Options options;
    options.allow_anonymous = false;
    BrokerThread broker(options);
    RawClient old_client(broker.port());
    CHECK(old_client.connect("a") == "CONNACK 0 code 5");
    CHECK(old_client.next() == "end");
    CHECK(RawClient(broker.port(), ProtocolVersion::v5).connect("a") == "CONNACK 0 code 135");
    CHECK(broker.clients() == 0);
}

TEST_CASE("a password file determines which clients can connect") {
    test::TempDir dir;
    Options options;
    options.allow_anonymous = false;
    // "mot2passe" in all three schemes.
    options.password_file =
        dir.write("passwd",
                  "# users\n"
                  "old:$6$4SSp6QlzFUv5vxWp$thNlIMiXvS/qMkPwGSd3HwYUGwVCFNiewEA11Tl2hvx18lHLq/"
                  "yJbuGKHApHFN8EKCYSq30F5GL+V5Ql+Gu4bw==\n"
                  "new:$7$101$FtbHoTmiobi3OVll$vkWKpAMcKzaTGBfsr9JeUyofk33SRYL5wsOflny4sZwxC0"
                  "HProyDpQWgVQ1F0CZzKFNnKtMxGAunKrd2puy5Pw==\n"
                  "newest:$argon2id$v=19$m=47104,t=1,p=1$p2b10OixGJFhqxGLJMQSYw$7pQlvlDmv4MaI"
                  "eBLl20Y8kpZ7WMeeGiYmsLbtuXt32w\n");
    BrokerThread broker(options);
    const auto answer = [&](std::string_view user, std::string_view password) {
        RawClient client(broker.port());
        Connect connect;
        connect.client_id = "a";
        connect.username = user;
        connect.password = as_bytes(password);
        return client.connect(connect);
    };
    CHECK(answer("old", "mot2passe") == "CONNACK 0 code 0");
    CHECK(answer("new", "mot2passe") == "CONNACK 0 code 0");
    CHECK(answer("newest", "mot2passe") == "CONNACK 0 code 0");
    CHECK(answer("new", "motdepasse") == "CONNACK 0 code 5");
    CHECK(answer("new", "") == "CONNACK 0 code 5");
    CHECK(answer("nobody", "mot2passe") == "CONNACK 0 code 5");
}

TEST_CASE("enhanced authentication is refused") {
    BrokerThread broker;
    RawClient client(broker.port(), ProtocolVersion::v5);
    Properties properties;
    REQUIRE(properties.add(PropertyId::authentication_method, "SCRAM-SHA-1"));
    Connect connect;
    connect.client_id = "a";
    connect.properties = properties.view();
    CHECK(client.connect(connect) == "CONNACK 0 code 140");
    CHECK(client.next() == "end");
}

TEST_CASE("CONNACK announces the limits that differ from the standard's") {
    Options options;
    options.limits = {.receive_maximum = 65'535,
                      .maximum_qos = Qos::at_least_once,
                      .retain_available = false,
                      .maximum_packet_size = 1000,
                      .topic_alias_maximum = 0,
                      .wildcard_subscriptions = false,
                      .subscription_identifiers = false,
                      .shared_subscriptions = false,
                      .server_keep_alive = 30,
                      .maximum_session_expiry = 60};
    BrokerThread broker(options);
    RawClient client(broker.port(), ProtocolVersion::v5);
    Properties properties;
    REQUIRE(properties.add(PropertyId::session_expiry_interval, 100));
    Connect connect;
    connect.client_id = "a";
    connect.properties = properties.view();
    CHECK(client.connect(connect) ==
          "CONNACK 0 code 0 session-expiry-interval=60 maximum-qos=1 retain-available=0 "
          "maximum-packet-size=1000 wildcard-subscription-available=0 subscription-identifier-available=0 "
          "shared-subscription-available=0 server-keep-alive=30");
}

TEST_CASE("connects() returns the fields of CONNECT") {
    BrokerThread broker;
    RawClient client(broker.port());
    Connect connect;
    connect.client_id = "a";
    connect.keep_alive = 17;
    connect.clean_start = false;
    connect.username = "sondes";
    connect.password = as_bytes("mot2passe");
    connect.will.emplace();
    connect.will->topic = "gone";
    connect.will->payload = as_bytes("bye");
    connect.will->qos = Qos::at_least_once;
    CHECK(client.connect(connect) == "CONNACK 0 code 0");
    const auto connects = broker.connects();
    REQUIRE(connects.size() == 1);
    const auto& seen = connects.front();
    CHECK(seen.client_id == "a");
    CHECK(seen.keep_alive == 17);
    CHECK_FALSE(seen.clean_start);
    CHECK(seen.username == "sondes");
    CHECK(seen.password == "mot2passe");
    REQUIRE(seen.will);
    CHECK(seen.will->message->topic == "gone");
    CHECK(seen.will->message->qos == Qos::at_least_once);
}

TEST_CASE("a packet above the announced maximum size is refused before it is read") {
    Options options;
    options.limits.maximum_packet_size = 100;
    BrokerThread broker(options);
    RawClient client(broker.port(), ProtocolVersion::v5);
    client.connect("a");
    client.send_hex("30 ff ff ff 7f 00 01 61");
    CHECK(client.next() == "DISCONNECT code 149");
    CHECK(client.next() == "end");
}

TEST_CASE("without descriptors the broker waits without using the processor, and then accepts") {
    BrokerThread broker;
    {
        // All descriptors below this one are in use.
        const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        rlimit none = before;
        none.rlim_cur = static_cast<rlim_t>(socket.get()) + 1;
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(broker.port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const std::clock_t start = std::clock();
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        CHECK(std::clock() - start < CLOCKS_PER_SEC / 20);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
        const auto connect = hex("10 0d 0004 'MQTT' 04 02 003c 0001 'a'");
        REQUIRE(::send(socket.get(), connect.data(), connect.size(), 0) == ssize_t{15});
        char connack[4];
        CHECK(::recv(socket.get(), connack, sizeof connack, MSG_WAITALL) == 4);
    }
    CHECK(RawClient(broker.port()).connect("b") == "CONNACK 0 code 0");
}
