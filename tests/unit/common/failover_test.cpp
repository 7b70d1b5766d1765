// --failover, and several URLs in MQTT_URL.
#include "failover.hpp"

#include <doctest/doctest.h>

#include "connection_setup.hpp"
#include "option_fixture.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

namespace {

/// "HOST:PORT" of each endpoint, and "tls" or "ws" after it.
std::string endpoints(const PubOptions& options) {
    const auto setup = set_up_connection(options.connection, 1);
    if (!setup) return setup.error();
    std::string text;
    for (const Endpoint& one : setup->client.endpoints) {
        text.append(text.empty() ? "" : " ").append(one.host).append(":").append(std::to_string(one.port));
        text.append(one.tls ? " tls" : "").append(one.websocket ? " ws" : "");
    }
    return text;
}

}  // namespace

TEST_CASE("--failover names brokers after the first one, which has its port for them") {
    const auto brokers = [](std::string_view line) {
        return endpoints(pub_fixture().good("-t a -n " + std::string(line)));
    };
    CHECK(brokers("-h a").empty());
    CHECK(brokers("-h a --failover b") == "a:0 b:0");
    CHECK(brokers("--failover b --failover c:2 -h a -p 1") == "a:1 b:1 c:2");
    CHECK(brokers("-h a --failover [::1]:2 --failover 10.0.0.1") == "a:0 ::1:2 10.0.0.1:0");
    CHECK(brokers("-L mqtts://me:pw@a:1 --failover b --failover mqtts://c:2") == "a:1 tls b:1 tls c:2 tls");
    CHECK(brokers("-h a --ws --failover ws://b:2 -p 1") == "a:1 ws b:2 ws");
    CHECK(brokers("-h a -p 8883 --failover mqtts://b") == "a:8883 tls b:8883 tls");
    const auto wrong = [](std::string_view line) {
        return pub_fixture().wrong("-t a -n " + std::string(line));
    };
    CHECK(
        wrong("-h a --failover mqtts://b") ==
        "--failover: every broker is reached in the same way, and the first one over mqtt://, not mqtts://");
    CHECK(wrong("-L wss://a --failover ws://b") ==
          "--failover: every broker is reached in the same way, and the first one over wss://, not ws://");
    CHECK(wrong("-L mqtt://a,mqtts://b") ==
          "-L: every broker is reached in the same way, and the first one over mqtt://, not mqtts://");
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://a,mqtts://b";
    CHECK(fixture.wrong("-t a -n").starts_with("environment variable MQTT_URL: every broker "));
}

TEST_CASE("a Unix socket has no failover, and replaces the brokers of a lower source") {
    auto fixture = pub_fixture();
    const std::string_view error = "--failover and URLs after the first one cannot be used with --unix";
    CHECK(fixture.wrong("-t a -n --failover b --unix /x") == error);
    CHECK(fixture.wrong("-t a -n --unix /x --failover b") == error);
    CHECK(fixture.wrong("-n -L mqtt://a/t,mqtt://b --unix /x") == error);
    CHECK(fixture.wrong("-n --unix /x -L mqtt://a/t,mqtt://b").empty());
    fixture.environment["MQTT_URL"] = "mqtt://a,mqtt://b";
    fixture.files["/home/me/.config/mqtt_pub"] = "--failover c\n";
    CHECK(fixture.good("-t a -n --unix /x").connection.failover.empty());
}

TEST_CASE("MQTT_URL and -L take several URLs, and a comma in a password separates nothing") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://me:p,w@a:1/topic,mqtt://b:2,mqtt://c";
    const auto options = fixture.good("-n");
    CHECK(endpoints(options) == "a:1 b:2 c:1");
    CHECK(options.topics.front() == "topic");
    CHECK(options.connection.password.value.view() == "p,w");
    CHECK(endpoints(fixture.good("-n -t a -L mqtt://x,mqtt://y")) == "x:0 y:0");
    CHECK(endpoints(fixture.good("-n --failover d")) == "a:1 d:1");
}

TEST_CASE("another first broker than that of a lower source has no failover of that source") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://a,mqtt://b";
    CHECK(endpoints(fixture.good("-n -t a -h x")).empty());
    CHECK(endpoints(fixture.good("-n -t a -L mqtt://x")).empty());
}

TEST_CASE("wrong values of --failover are reported, without passwords") {
    const auto error = [](std::string_view line) {
        return pub_fixture().wrong("-t a -n -h a " + std::string(line));
    };
    CHECK(error("--failover mqtt://me:secret@b").find("give them once") != std::string::npos);
    CHECK(error("--failover mqtt://me:secret@b").find("secret") == std::string::npos);
    CHECK(error("--failover mqtt://b/topic").find("only the first broker's URL has a topic") !=
          std::string::npos);
    CHECK(error("--failover b:port").find("port") != std::string::npos);
    CHECK(error("--failover http://b").find("unknown scheme") != std::string::npos);
    std::string many;
    for (int i = 0; i < 101; ++i) many += " --failover b" + std::to_string(i);
    CHECK(error(many).find("more than 100 brokers") != std::string::npos);
}
