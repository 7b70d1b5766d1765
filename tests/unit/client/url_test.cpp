// Tests of URLs: a table of good ones and a table of bad ones.
#include "mqttc/url.hpp"
#include "mqttc/client.hpp"

#include <doctest/doctest.h>

using namespace mqttc;

namespace {

std::string show(const Url& url) {
    return std::string(url.tls ? "tls " : "") + (url.websocket ? "ws " : "") + "host=" + url.host +
           (url.port != 0 ? " port=" + std::to_string(url.port) : "") +
           (url.username ? " user=" + *url.username : "") +
           (url.password ? " password=" + std::string(url.password->view()) : "") +
           (url.topic ? " topic=" + *url.topic : "");
}

}  // namespace

TEST_CASE("good URLs") {
    struct Row {
        const char* url;
        const char* parts;
    };
    for (const auto& row : {
             Row{"mqtt://broker.example", "host=broker.example"},
             Row{"MQTTS://broker.example", "tls host=broker.example"},
             Row{"ws://broker.example:9001", "ws host=broker.example port=9001"},
             Row{"wss://broker.example/a/b", "tls ws host=broker.example topic=a/b"},
             Row{"mqtt://broker.example/", "host=broker.example"},
             Row{"mqtt://broker.example:/t", "host=broker.example topic=t"},
             Row{"mqtt://[::1]:18999/a", "host=::1 port=18999 topic=a"},
             Row{"mqtt://[2001:db8::1]", "host=2001:db8::1"},
             Row{"mqtt://[fe80::1%25eth0]", "host=fe80::1%eth0"},
             Row{"mqtt://[fe80::1%eth0]", "host=fe80::1%eth0"},
             Row{"mqtt://u:p@h/t", "host=h user=u password=p topic=t"},
             Row{"mqtt://u@h", "host=h user=u"},
             Row{"mqtt://@h", "host=h"},
             Row{"mqtt://:p@h", "host=h user= password=p"},
             Row{"mqtt://u:@h", "host=h user=u password="},
             Row{"mqtt://us%65r:p%40w%2f%3A@h", "host=h user=user password=p@w/:"},
             Row{"mqtt://u:p@w@h", "host=h user=u password=p@w"},
             Row{"mqtt://u:a:b@h", "host=h user=u password=a:b"},
             Row{"mqtt://h//a", "host=h topic=/a"},
             Row{"mqtt://h/home/#", "host=h topic=home/#"},
             Row{"mqtt://h/home/+/temp?x=1", "host=h topic=home/+/temp?x=1"},
             Row{"mqtt://h/a%20b/%23", "host=h topic=a%20b/%23"},
             Row{"mqtt://caf\xc3\xa9.example", "host=caf\xc3\xa9.example"},
         }) {
        CAPTURE(row.url);
        const auto url = parse_url(row.url);
        REQUIRE(url);
        CHECK(show(*url) == row.parts);
    }
}

TEST_CASE("a URL cannot contain line breaks and other control characters") {
    for (const char* url :
         {"mqtt://h/a\n", "mqtt://h/a\nb", "mqtt://h\r\n", "mqtt://h:1883\n", "\nmqtt://h"}) {
        CAPTURE(url);
        CHECK(parse_url(url).error().context == "the URL contains a line break");
    }
    CHECK(parse_url("mqtt://h/a\tb").error().context == "the URL contains a control character");
    CHECK(parse_proxy_url("http://h:8080\n").error().context == "the URL contains a line break");
    CHECK(parse_url("mqtt://u:p%0a@h")->password->view() == "p\n");
}

TEST_CASE("errors of invalid URLs name the fault and never show the password") {
    struct Row {
        const char* url;
        const char* why;
    };
    for (const auto& row : {
             Row{"", "the URL has no scheme (it begins with mqtt://, mqtts://, ws:// or wss://)"},
             Row{"broker.example",
                 "the URL has no scheme (it begins with mqtt://, mqtts://, ws:// or wss://)"},
             Row{"http://h",
                 "unknown scheme 'http' in the URL (it begins with mqtt://, mqtts://, ws:// or wss://)"},
             Row{"user:secret://h",
                 "unknown scheme in the URL (it begins with mqtt://, mqtts://, ws:// or wss://)"},
             Row{"mqtt://", "the URL names no host"},
             Row{"mqtt:///t", "the URL names no host"},
             Row{"mqtt://u:secret@", "the URL names no host"},
             Row{"mqtt://h:x",
                 "the URL's port must be a number from 1 to 65535 (in user name and password write '/' as "
                 "%2F and '@' as %40)"},
             Row{"mqtt://h:0", "the URL's port must be a number from 1 to 65535"},
             Row{"mqtt://h:65536", "the URL's port must be a number from 1 to 65535"},
             Row{"mqtt://h:-1",
                 "the URL's port must be a number from 1 to 65535 (in user name and password write '/' as "
                 "%2F and '@' as %40)"},
             Row{"mqtt://h:99999999999", "the URL's port must be a number from 1 to 65535"},
             Row{"mqtt://::1", "the URL's host holds several ':' (write an IPv6 address in brackets: [::1])"},
             Row{"mqtt://[::1", "the URL's IPv6 address has no closing bracket"},
             Row{"mqtt://[::1]x", "in the URL something other than a port follows the ']'"},
             Row{"mqtt://[h]", "the text in brackets in the URL is not an IPv6 address"},
             Row{"mqtt://[::1%]", "the text in brackets in the URL is not an IPv6 address"},
             Row{"mqtt://a b", "the URL's host holds a character that no host name has"},
             Row{"mqtt://h%00", "the URL's host holds a character that no host name has"},
             Row{"mqtt://u:secret%@h",
                 "in the URL's password a '%' is not followed by two hex digits (write a '%' as %25)"},
             Row{"mqtt://u%4:secret@h",
                 "in the URL's user name a '%' is not followed by two hex digits (write a '%' as %25)"},
             Row{"mqtt://u%00:secret@h", "the URL's user name contains a NUL character"},
         }) {
        CAPTURE(row.url);
        const auto url = parse_url(row.url);
        REQUIRE_FALSE(url);
        CHECK(url.error().code == ErrorCode::usage);
        CHECK(url.error().context == row.why);
        CHECK(url.error().context.find("secret") == std::string::npos);
    }
}

TEST_CASE("a URL sets the options of a client") {
    const auto plain = client_options(parse_url("mqtt://h").value());
    CHECK(plain.endpoint.host == "h");
    CHECK(effective_port(plain.endpoint) == 1883);
    CHECK_FALSE(plain.endpoint.tls);
    CHECK_FALSE(plain.endpoint.websocket);
    CHECK_FALSE(plain.session.username);
    const auto all = client_options(parse_url("wss://me:pw@h:9/topic").value());
    CHECK(all.endpoint.port == 9);
    CHECK(all.endpoint.tls);
    REQUIRE(all.endpoint.websocket);
    CHECK(all.endpoint.websocket->path == "/mqtt");
    CHECK(all.session.username == "me");
    REQUIRE(all.session.password);
    CHECK(all.session.password->view() == "pw");
    CHECK(effective_port(client_options(parse_url("mqtts://h").value()).endpoint) == 8883);
}

TEST_CASE("proxy URLs") {
    const auto socks = parse_proxy_url("socks5h://me:p%40w@[::1]:1081/");
    REQUIRE(socks);
    CHECK(socks->kind == ProxyKind::socks5);
    CHECK(socks->host == "::1");
    CHECK(socks->port == 1081);
    CHECK(socks->username == "me");
    CHECK(socks->password.view() == "p@w");
    const auto http = parse_proxy_url("http://proxy.example");
    REQUIRE(http);
    CHECK(http->kind == ProxyKind::http_connect);
    CHECK(http->port == 0);
    CHECK(http->username.empty());
    CHECK(parse_proxy_url("mqtt://h").error().context ==
          "unknown scheme 'mqtt' in the URL (it begins with socks5h:// or http://)");
    CHECK(parse_proxy_url("http://h/path").error().context == "a proxy's URL must end after the port");
}
