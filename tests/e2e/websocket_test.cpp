// Messages over WebSocket, and each way in which the upgrade can fail.
#include <doctest/doctest.h>

#include "payload_transfer.hpp"
#include "pub_program.hpp"
#include "sub_program.hpp"
#include "support/needs.hpp"
#include "tls_broker.hpp"
#include "websocket_server.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::BrokerThread;
using broker::WebSocketServerOptions;

namespace {

broker::Options with_websocket(const WebSocketServerOptions& options = {},
                               const std::string& address = "127.0.0.1") {
    broker::Options all;
    all.listeners.push_back(
        {.address = address, .make_stream = broker::websocket_on(net::make_socket_stream, options)});
    return all;
}

void check_delivery(BrokerThread& broker, const Words& options, std::size_t size) {
    check_transfer({.subscriber = subscriber(broker, Words{"-d"} + options),
                    .publisher = pub_command(broker.port(), options),
                    .size = size});
    CHECK(broker.violations().empty());
}

/// The message of mqtt_pub after an upgrade with this answer; its exit code must be 63.
std::string refusal(const std::string& answer, const Words& options = {"--ws"}) {
    BrokerThread broker(with_websocket({.raw_answer = answer}));
    const Result result = publish(broker.port(), Words{"-t", "a", "-m", "x"} + options);
    CHECK(result.exit == Exit{.code = 63});
    const auto head = "mqtt_pub: WebSocket handshake with 127.0.0.1:" + std::to_string(broker.port());
    CHECK(result.err.starts_with(head));
    CHECK(result.err.find('\n') == result.err.size() - 1);
    return result.err.substr(std::min(head.size(), result.err.size()));
}

/// Sends a text and then nothing.
class Silent final : public net::Stream {
  public:
    Silent(net::StreamPtr lower, std::string text) : lower_(std::move(lower)), text_(std::move(text)) {}

    std::expected<bool, Error> handshake() override {
        std::uint8_t rubbish[4096];
        static_cast<void>(lower_->read(rubbish));
        static_cast<void>(lower_->write(as_bytes(std::exchange(text_, {}))));
        return false;
    }
    std::expected<net::IoResult, Error> read(std::span<std::uint8_t>) override {
        return net::IoResult{net::IoState::would_block, 0};
    }
    std::expected<net::IoResult, Error> write(Bytes) override {
        return net::IoResult{net::IoState::would_block, 0};
    }
    void shutdown() override { lower_->shutdown(); }
    int descriptor() const override { return lower_->descriptor(); }

  private:
    net::StreamPtr lower_;
    std::string text_;
};

}  // namespace

TEST_CASE("10 MB are published and received over WebSocket at every QoS") {
    BrokerThread broker(with_websocket());
    check_delivery(broker, {"--ws"}, 10'000'000);
}

TEST_CASE("10 MB are published and received over WebSocket and TLS at every QoS") {
    const Certificates certificates;
    broker::Options options;
    options.listeners.push_back(
        {.make_stream = broker::websocket_on(tls_factory(server_with(certificates.issue("server"))))});
    BrokerThread broker(std::move(options));
    check_delivery(broker, {"--ws", "--cafile", certificates.ca_file()}, 10'000'000);
}

TEST_CASE("fragments of 7 bytes with pings between them are joined") {
    BrokerThread broker(with_websocket({.largest_frame = 7, .ping_often = true}));
    check_delivery(broker, {"--ws"}, 100'000);
}

TEST_CASE("many packets in few frames arrive in order") {
    BrokerThread broker(with_websocket());
    std::string lines;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) lines += std::to_string(i) + "\n";
    Process receiver(subscriber(broker, {"--ws", "-t", "n", "-q", "1", "-C", std::to_string(count), "-d"}));
    REQUIRE(receiver.wait_err("SUBACK"));
    publish_ok(broker.port(), {"--ws", "-t", "n", "-q", "1", "-l"}, lines);
    CHECK(receiver.wait() == Exit{.code = 0});
    CHECK((receiver.out() == lines));
    CHECK(broker.violations().empty());
}

TEST_CASE("the topic is in a ws URL, and the path in --ws-path") {
    BrokerThread broker(with_websocket({.path = "/other"}));
    const auto url = "ws://127.0.0.1:" + std::to_string(broker.port()) + "/maison/salon%20temp";
    const Result wrong = run(pub_command({"-L", url, "-m", "21"}));
    CHECK(wrong.exit == Exit{.code = 63});
    CHECK(wrong.err == "mqtt_pub: WebSocket handshake with 127.0.0.1:" + std::to_string(broker.port()) +
                           "/mqtt answered 404 Not Found (is --ws-path right?)\n");
    const Result right = run(pub_command({"-L", url, "-m", "21", "-q", "1", "--ws-path", "/other"}));
    CHECK(right.exit == Exit{.code = 0});
    CHECK(right.err.empty());
    const auto received = broker.received();
    REQUIRE(received.size() == 1);
    CHECK(received[0].message->topic == "maison/salon%20temp");
}

TEST_CASE("an IPv6 address in a ws URL" * needs_ipv6()) {
    broker::Options options = with_websocket();
    BrokerThread broker(std::move(options));
    const auto port = broker.ask([](broker::Broker& it) {
        REQUIRE(it.listen({.address = "::1", .make_stream = broker::websocket_on(net::make_socket_stream)}));
        return it.listeners().back()->port();
    });
    const auto url = "ws://[::1]:" + std::to_string(port) + "/home/hall";
    const Result result = run(pub_command({"-L", url, "-m", "x", "-q", "1"}));
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.err.empty());
    CHECK(broker.violations().empty());
}

TEST_CASE("each HTTP status is explained") {
    const auto answer = [](const std::string& status, const std::string& more = "") {
        return refusal("HTTP/1.1 " + status + "\r\n" + more + "Content-Length: 0\r\n\r\n");
    };
    CHECK(answer("301 Moved Permanently", "Location: https://broker.example/mqtt\r\n") ==
          "/mqtt answered 301 Moved Permanently (it redirects to https://broker.example/mqtt: connect "
          "there)\n");
    CHECK(answer("400 Bad Request") ==
          "/mqtt answered 400 Bad Request (does it require TLS (wss://)? is --ws-path right?)\n");
    CHECK(answer("401 Unauthorized") ==
          "/mqtt answered 401 Unauthorized (it requires an Authorization header; --ws-header sets one)\n");
    CHECK(answer("403 Forbidden").starts_with("/mqtt answered 403 Forbidden (not allowed: "));
    CHECK(answer("404 Not Found") == "/mqtt answered 404 Not Found (is --ws-path right?)\n");
    CHECK(answer("200 OK") == "/mqtt answered 200 OK (no WebSocket there; is --ws-path right?)\n");
    CHECK(answer("502 Bad Gateway") ==
          "/mqtt answered 502 Bad Gateway (the server or its backend failed: is the broker up?)\n");
    CHECK(
        answer("101 Switching Protocols",
               "Upgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
               "Sec-WebSocket-Protocol: mqtt\r\n") ==
        "/mqtt failed: Sec-WebSocket-Accept does not match the request (a cache or proxy that does not know "
        "WebSocket?)\n");
}

TEST_CASE("answers other than HTTP are explained, with control characters escaped") {
    CHECK(refusal("\x15\x03\x03\x00\x02\x02\x32") ==
          "/mqtt failed: the answer is TLS (--tls-use-os-certs or --cafile, or mqtts:// or wss:// in the "
          "URL)\n");
    CHECK(refusal("SSH-2.0-OpenSSH_9.2\r\n") ==
          "/mqtt failed: the answer is not HTTP (is it a WebSocket listener?)\n");
    CHECK(refusal("HTTP/1.1 404 \x1b]0;owned\x07\r\n\r\n") ==
          "/mqtt answered 404 \\x1b]0;owned\\x07 (is --ws-path right?)\n");
    CHECK(refusal("HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x')) ==
          "/mqtt failed: the answer is longer than 16384 bytes\n");
}

TEST_CASE("a port for plain MQTT is recognised") {
    BrokerThread broker;
    const Result result = publish(broker.port(), {"-t", "a", "-m", "x", "--ws"});
    CHECK(result.exit == Exit{.code = 63});
    CHECK(
        result.err.find("/mqtt failed: the connection was closed without an answer (a port for plain MQTT") !=
        std::string::npos);
}

TEST_CASE("plain MQTT to an HTTP server is reported with --ws as a hint") {
    broker::Options options;
    options.listeners.push_back({.make_stream = [](int fd) -> net::StreamPtr {
        return std::make_unique<Silent>(net::make_socket_stream(fd), "HTTP/1.1 400 Bad Request\r\n\r\n");
    }});
    BrokerThread broker(std::move(options));
    const Result result = publish(broker.port(), {"-t", "a", "-m", "x"});
    CHECK(result.exit == Exit{.code = 64});
    CHECK(result.err ==
          "mqtt_pub: cannot connect to 127.0.0.1:" + std::to_string(broker.port()) +
              ": the server speaks HTTP, not MQTT (for MQTT over WebSocket: --ws, or ws:// in the "
              "URL)\n");
}

TEST_CASE("a subscriber over WebSocket reconnects after an outage") {
    BrokerThread broker(with_websocket());
    Process receiver(
        subscriber(broker, {"--ws", "-t", "a", "-q", "1", "-C", "2", "--reconnect-delay", "0.05"}));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "before");
    CHECK(receiver.read_line() == "before");
    broker.drop_connections();
    REQUIRE(broker.wait_until([](broker::Broker& it) { return it.connects().size() == 2; }));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "after");
    CHECK(receiver.wait() == Exit{.code = 0});
    CHECK(receiver.out() == "before\nafter\n");
    CHECK(broker.violations().empty());
}

TEST_CASE("a server that sends nothing, or stops sending, is reported after --connect-timeout") {
    for (const std::string text : {"", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"}) {
        CAPTURE(text);
        broker::Options options;
        options.listeners.push_back({.make_stream = [text](int fd) -> net::StreamPtr {
            return std::make_unique<Silent>(net::make_socket_stream(fd), text);
        }});
        BrokerThread broker(std::move(options));
        const Result result =
            publish(broker.port(), {"-t", "a", "-m", "x", "--ws", "--connect-timeout", "0.2"});
        CHECK(result.exit == Exit{.code = 61});
        CHECK(result.err == "mqtt_pub: cannot connect to 127.0.0.1:" + std::to_string(broker.port()) +
                                ": connected, but the handshake was not finished within 0.2 s (is it a "
                                "WebSocket listener?)\n");
    }
}
