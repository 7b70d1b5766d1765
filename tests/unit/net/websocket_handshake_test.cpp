// Tests of the WebSocket upgrade (websocket_handshake.cpp): the request, and a table of answers.
#include "websocket_handshake.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace mqttc;
using namespace mqttc::net;

namespace {

// The example of RFC 6455 section 1.3.
const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string accept_line = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

Endpoint endpoint(std::string host = "broker.example", std::uint16_t port = 0) {
    Endpoint it;
    it.host = std::move(host);
    it.port = port;
    it.websocket.emplace();
    return it;
}

std::string good_answer(const std::string& more = "Sec-WebSocket-Protocol: mqtt\r\n") {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + accept_line +
           more + "\r\n";
}

/// What is wrong with the answer; empty when nothing is.
std::string verdict(const std::string& answer, const Endpoint& to = endpoint()) {
    const auto result = check_websocket_answer(answer, key, to);
    if (result) return {};
    CHECK(result.error().code == ErrorCode::websocket_failed);
    return result.error().context;
}

bool has_line(const std::string& request, const std::string& line) {
    return request.find("\r\n" + line + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the accept value is that of the standard's example") {
    CHECK(websocket_accept(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("keys are 16 random bytes") {
    std::set<std::string> keys;
    for (int i = 0; i < 100; ++i) keys.insert(new_websocket_key());
    CHECK(keys.size() == 100);
    CHECK(keys.begin()->size() == 24);
    CHECK(keys.begin()->ends_with("=="));
}

TEST_CASE("the request") {
    auto to = endpoint();
    to.websocket->path = "/mqtt?token=1";
    CHECK(
        websocket_request(to, key) ==
        "GET /mqtt?token=1 HTTP/1.1\r\nHost: broker.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n");
}

TEST_CASE("the Host header names a port that is not the usual one, and brackets IPv6") {
    const auto host = [](Endpoint to, bool tls = false) {
        if (tls) to.tls.emplace();
        const auto request = websocket_request(to, key);
        const auto at = request.find("Host: ") + 6;
        return request.substr(at, request.find("\r\n", at) - at);
    };
    CHECK(host(endpoint("a", 80)) == "a");
    CHECK(host(endpoint("a", 443)) == "a:443");
    CHECK(host(endpoint("a", 443), true) == "a");
    CHECK(host(endpoint("a", 80), true) == "a:80");
    CHECK(host(endpoint("::1", 9001)) == "[::1]:9001");
    CHECK(host(endpoint("fe80::1%eth0")) == "[fe80::1]");
    auto local = endpoint();
    local.unix_path = "/run/mqtt.sock";
    CHECK(host(local) == "localhost");
}

TEST_CASE("headers of the user are added, and take the place of Host and the subprotocol") {
    auto to = endpoint();
    to.websocket->headers = {"Authorization:Basic eDp5", "hOST:  other.example ",
                             "Sec-WebSocket-Protocol: mqttv3.1"};
    const auto request = websocket_request(to, key);
    CHECK(has_line(request, "Authorization: Basic eDp5"));
    CHECK(has_line(request, "Host: other.example"));
    CHECK(has_line(request, "Sec-WebSocket-Protocol: mqttv3.1"));
    CHECK_FALSE(has_line(request, "Host: broker.example"));
    CHECK_FALSE(has_line(request, "Sec-WebSocket-Protocol: mqtt"));
    CHECK(verdict(good_answer("Sec-WebSocket-Protocol: mqttv3.1\r\n"), to).empty());
    CHECK(verdict(good_answer(), to).ends_with("chose the subprotocol mqtt, which was not offered"));
}

TEST_CASE("headers that belong to the protocol are refused") {
    for (const char* header :
         {"upgrade: h2c", "Connection: close", "sec-websocket-key: x", "Content-Length: 3"}) {
        WebSocketOptions options;
        options.headers = {header};
        const auto result = check_websocket_options(options);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::usage);
    }
    CHECK(check_websocket_options({.headers = {"Upgrades: x"}}));
}

TEST_CASE("a path or a header that would be more than its line is refused") {
    for (const char* path : {"", "mqtt", "/a b", "/a\r\nX: y", "/a\x7f"}) {
        CAPTURE(path);
        const auto checked = check_websocket_options({.path = path, .headers = {}});
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ErrorCode::usage);
    }
    for (const char* header : {"", "no colon", ": x", "a b: c", "a: b\r\nc: d", "a: b\nc"}) {
        CAPTURE(header);
        const auto checked = check_websocket_options({.headers = {header}});
        REQUIRE_FALSE(checked.has_value());
        CHECK(checked.error().code == ErrorCode::usage);
    }
    CHECK(
        check_websocket_options({.path = "/mqtt?x=y", .headers = {"Origin: http://a b", "x:"}}).has_value());
}

TEST_CASE("good answers") {
    CHECK(verdict(good_answer()).empty());
    CHECK(verdict("HTTP/1.1 101\r\nupgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" + accept_line +
                  "sec-websocket-protocol:mqtt\r\n\r\n")
              .empty());
}

TEST_CASE("answers that look almost right") {
    CHECK(verdict(good_answer("")).find("does not speak the subprotocol mqtt (") != std::string::npos);
    CHECK(verdict(good_answer("Sec-WebSocket-Protocol: MQTT\r\n")).find("not offered") != std::string::npos);
    CHECK(verdict(good_answer("Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: x\r\n"))
              .find("extension that was not offered") != std::string::npos);
    CHECK(verdict(good_answer("Sec-WebSocket-Protocol: mqtt\r\n" + accept_line))
              .find("Accept does not match") != std::string::npos);
    for (std::size_t cut = 1; cut < 29; ++cut) {
        auto answer = good_answer();
        answer.erase(answer.find("=\r\n") + 1 - cut, cut);
        CAPTURE(answer);
        CHECK(verdict(answer).find("Accept does not match") != std::string::npos);
    }
    for (const std::string line : {"Upgrade: websocket\r\n", "Connection: Upgrade\r\n"}) {
        auto answer = good_answer();
        answer.erase(answer.find(line), line.size());
        CHECK(verdict(answer).ends_with("switches to something other than WebSocket"));
    }
    CHECK(verdict("HTTP/1.1 101 x\r\nbroken\r\n\r\n").ends_with("the answer is malformed HTTP"));
}

TEST_CASE("the error names host, port and path, and has the status") {
    auto to = endpoint("::1", 9001);
    to.websocket->path = "/ws";
    const auto result = check_websocket_answer("HTTP/1.1 404 Not Found\r\n\r\n", key, to);
    REQUIRE_FALSE(result);
    CHECK(result.error().reason == 404);
    CHECK(result.error().context == "WebSocket handshake with [::1]:9001/ws answered 404 Not Found");
    CHECK(result.error().hint == Hint::websocket_path);
}

TEST_CASE("a redirect names its target, whatever that is") {
    const auto redirect = [](const std::string& location) {
        return verdict("HTTP/1.1 302 Found\r\n" + location + "\r\n");
    };
    CHECK(redirect("Location: wss://b.example/x\r\n")
              .ends_with("(it redirects to wss://b.example/x: connect there)"));
    CHECK(redirect("").ends_with("(a redirect without a location)"));
    CHECK(redirect("Location: \x1b[2J\r\n").find('\x1b') == std::string::npos);
}
