// Tests of HTTP heads (http_head.cpp).
#include "http_head.hpp"

#include <doctest/doctest.h>

#include "mqttc/types.hpp"

using namespace mqttc;
using namespace mqttc::net;

TEST_CASE("a head is complete at its empty line, with CR or without") {
    CHECK(http_head_size("HTTP/1.1 200 OK\r\n\r\nrest") == 19);
    CHECK(http_head_size("HTTP/1.1 200 OK\n\nrest") == 17);
    CHECK(http_head_size("HTTP/1.1 200 OK\r\nA: b\r\n\r\n") == 25);
    CHECK_FALSE(http_head_size("HTTP/1.1 200 OK\r\n").has_value());
    CHECK_FALSE(http_head_size("HTTP/1.1 200 OK\r\nA: b\r\n\r").has_value());
    CHECK_FALSE(http_head_size("").has_value());
}

TEST_CASE("interim responses belong to the head that they precede") {
    const std::string_view interim =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    CHECK_FALSE(http_head_size(interim).has_value());
    const std::string_view last = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    const std::string text = std::string(interim).append(last);
    CHECK(http_head_size(text + "rest") == text.size());
    const auto head = parse_http_head(text);
    REQUIRE(head);
    CHECK(head->status == 101);
    CHECK(head->fields.size() == 1);
    CHECK(head->first("Upgrade") == "websocket");
    CHECK_FALSE(parse_http_head(interim).has_value());
}

TEST_CASE("text that cannot become HTTP is detected at the first wrong byte") {
    for (const char* good : {"", "H", "HTTP", "HTTP/1.", "HTTP/1.1 200"}) CHECK(begins_like_http(good));
    for (const char* bad : {"h", "\x05", "HTTP/2", "SSH-", " HTTP"}) CHECK_FALSE(begins_like_http(bad));
}

TEST_CASE("a head is taken apart") {
    const auto head = parse_http_head(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade:websocket\r\nCONNECTION: \tkeep-alive, Upgrade \r\n"
        "X: 1\r\nx: 2\r\nEmpty:\r\n\r\nbehind: it\r\n");
    REQUIRE(head);
    CHECK(head->status == 101);
    CHECK(head->reason == "Switching Protocols");
    CHECK(head->fields.size() == 5);
    CHECK(head->first("upgrade") == "websocket");
    CHECK(head->has_token("connection", "upgrade"));
    CHECK(head->has_token("Connection", "Keep-Alive"));
    CHECK_FALSE(head->has_token("Connection", "keep"));
    CHECK(head->all("X") == std::vector<std::string_view>{"1", "2"});
    CHECK(head->all("behind").empty());
    CHECK(head->first("Empty").empty());
    CHECK(head->status_text() == "101 Switching Protocols");
}

TEST_CASE("names are compared whole") {
    const auto head = parse_http_head("HTTP/1.1 200 OK\r\nU: a\r\nUpgradeX: b\r\nXUpgrade: c\r\n\r\n");
    REQUIRE(head);
    CHECK(head->all("Upgrade").empty());
}

TEST_CASE("a status without a reason is one") {
    CHECK(parse_http_head("HTTP/1.0 404\r\n\r\n")->status_text() == "404");
    CHECK(parse_http_head("HTTP/1.1 404 \r\n\r\n")->status_text() == "404");
}

TEST_CASE("damaged heads are refused") {
    for (const char* text : {"", "HTTP/1.1\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
                             "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.x 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
                             "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                             "HTTP/1.1 200 OK\r\n: no name\r\n\r\n", "HTTP/1.1 200 OK\r\nA : blank\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "HTTP/1.1 200 OK\n\n",
                             "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nA: b\r\n\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_http_head(text).has_value());
    }
    using namespace std::string_view_literals;
    CHECK_FALSE(parse_http_head("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"sv).has_value());
}
