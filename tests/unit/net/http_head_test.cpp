// Tests of HTTP heads (http_head.cpp) and of SHA-1 (sha1.cpp).
#include "http_head.hpp"

#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "mqttc/types.hpp"
#include "sha1.hpp"

using namespace mqttc;
using namespace mqttc::net;

namespace {

std::string hex(std::string_view text) {
    return to_hex(sha1(text));
}

}  // namespace

TEST_CASE("SHA-1 is that of RFC 3174 and FIPS 180") {
    CHECK(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    CHECK(hex(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    // Around the length at which the padding needs a second block.
    CHECK(hex(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    CHECK(hex(std::string(56, 'a')) == "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    CHECK(hex(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST_CASE("a head is complete at its empty line, with CR or without") {
    CHECK(http_head_size("HTTP/1.1 200 OK\r\n\r\nrest") == 19);
    CHECK(http_head_size("HTTP/1.1 200 OK\n\nrest") == 17);
    CHECK(http_head_size("HTTP/1.1 200 OK\r\nA: b\r\n\r\n") == 25);
    CHECK_FALSE(http_head_size("HTTP/1.1 200 OK\r\n").has_value());
    CHECK_FALSE(http_head_size("HTTP/1.1 200 OK\r\nA: b\r\n\r").has_value());
    CHECK_FALSE(http_head_size("").has_value());
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
                             "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_http_head(text).has_value());
    }
}
