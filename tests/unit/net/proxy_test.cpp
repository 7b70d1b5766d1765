// Tests of the proxies (proxy.cpp): their dialogues byte by byte, on a stream without a socket.
#include "layers.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "scripted_stream.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace mqttc::test;
using namespace std::string_literals;

namespace {

Endpoint through(ProxyKind kind, const std::string& user = {}, const std::string& password = {}) {
    Endpoint endpoint;
    endpoint.host = "broker.example";
    endpoint.port = 1883;
    endpoint.proxy.emplace();
    endpoint.proxy->kind = kind;
    endpoint.proxy->host = "proxy.example";
    endpoint.proxy->username = user;
    endpoint.proxy->password = Secret(password);
    return endpoint;
}

struct Dialogue {
    explicit Dialogue(Endpoint to) : endpoint(std::move(to)) {
        auto made = make_proxy_stream(std::make_unique<ScriptedStream>(script), endpoint);
        REQUIRE(made);
        stream = std::move(*made);
    }
    /// What the client says after the proxy has said `answer`, which arrives byte by byte.
    std::string after(const std::string& answer) {
        for (std::size_t i = 0; i <= answer.size() && !open && !error; ++i) {
            if (i > 0) script.input += answer[i - 1];
            const auto result = stream->handshake();
            if (result) {
                open = *result;
            } else {
                error = result.error();
            }
            CHECK((open || error || stream->wants({}).read));
        }
        return std::exchange(script.written, {});
    }
    std::string read_all() {
        std::string all;
        std::uint8_t room[3];
        for (;;) {
            const auto got = stream->read(room);
            if (!got || got->state != IoState::ready) return all;
            all += as_text(Bytes(room, got->count));
        }
    }

    Endpoint endpoint;
    Script script;
    StreamPtr stream;
    bool open = false;
    std::optional<Error> error;
};

/// The error's text after "... through the proxy HOST:PORT: ".
std::string why(const Dialogue& dialogue) {
    REQUIRE(dialogue.error);
    CHECK(dialogue.error->code == ErrorCode::proxy_failed);
    const auto head = "cannot connect to broker.example:1883 through the proxy proxy.example:"s +
                      (dialogue.endpoint.proxy->kind == ProxyKind::socks5 ? "1080: " : "8080: ");
    CHECK(dialogue.error->context.starts_with(head));
    return dialogue.error->context.substr(std::min(head.size(), dialogue.error->context.size()));
}

const std::string granted = "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s;

}  // namespace

TEST_CASE("SOCKS5 without credentials, the name left to the proxy") {
    Dialogue socks(through(ProxyKind::socks5));
    CHECK(socks.after("") == "\x05\x01\x00"s);
    CHECK(socks.after("\x05\x00"s) == "\x05\x01\x00\x03\x0e"s + "broker.example" + "\x07\x5b");
    CHECK(socks.after(granted).empty());
    CHECK(socks.open);
}

TEST_CASE("SOCKS5 with user name and password") {
    Dialogue socks(through(ProxyKind::socks5, "us", "p:@"));
    CHECK(socks.after("") == "\x05\x02\x00\x02"s);
    CHECK(socks.after("\x05\x02") == "\x01\x02us\x03p:@");
    CHECK(socks.after("\x01\x00"s).starts_with("\x05\x01\x00\x03"s));
    CHECK(socks.after(granted).empty());
    CHECK(socks.open);
}

TEST_CASE("a SOCKS5 proxy may do without the credentials that were offered") {
    Dialogue socks(through(ProxyKind::socks5, "us", "pw"));
    socks.after("");
    CHECK(socks.after("\x05\x00"s).starts_with("\x05\x01\x00\x03"s));
}

TEST_CASE("SOCKS5 carries numeric addresses as such") {
    auto endpoint = through(ProxyKind::socks5);
    endpoint.host = "192.0.2.1";
    Dialogue four(endpoint);
    four.after("");
    CHECK(four.after("\x05\x00"s) == "\x05\x01\x00\x01\xc0\x00\x02\x01\x07\x5b"s);
    endpoint.host = "2001:db8::1";
    Dialogue six(endpoint);
    six.after("");
    CHECK(six.after("\x05\x00"s) ==
          "\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x07\x5b"s);
}

TEST_CASE("a SOCKS5 answer may hold any kind of address, and what follows it belongs to the tunnel") {
    for (const std::string& bound : {"\x01" + "abcd"s, "\x04" + "0123456789abcdef"s, "\x03\x05" + "proxy"s}) {
        Dialogue socks(through(ProxyKind::socks5));
        socks.after("");
        socks.after("\x05\x00"s);
        socks.script.input = "\x05\x00\x00"s + bound + "pp" + "early";
        CHECK(socks.after("").empty());
        CHECK(socks.open);
        CHECK(socks.stream->buffered());
        socks.script.input = " and late";
        CHECK(socks.read_all() == "early and late");
    }
}

TEST_CASE("each refusal of a SOCKS5 proxy is explained") {
    const char* const replies[] = {"general failure",          "do not allow",       "network is unreachable",
                                   "host is unreachable",      "connection refused", "no answer",
                                   "does not support CONNECT", "kind of address",    "unknown reason"};
    for (std::size_t code = 1; code <= std::size(replies); ++code) {
        Dialogue socks(through(ProxyKind::socks5));
        socks.after("");
        socks.after("\x05\x00"s);
        socks.after("\x05"s + static_cast<char>(code) + granted.substr(2));
        CHECK(why(socks).find(replies[code - 1]) != std::string::npos);
        CHECK(socks.error->reason == static_cast<int>(code));
    }
    Dialogue anonymous(through(ProxyKind::socks5));
    anonymous.after("\x05\xff");
    CHECK(why(anonymous) == "the proxy requires credentials");
    CHECK(anonymous.error->hint == Hint::proxy_credentials);
    Dialogue unasked(through(ProxyKind::socks5));
    unasked.after("\x05\x02");
    CHECK(why(unasked).find("supports neither") != std::string::npos);
    Dialogue wrong(through(ProxyKind::socks5, "us", "bad"));
    wrong.after("\x05\x02");
    wrong.after("\x01\x01");
    CHECK(why(wrong) == "the proxy refuses the user name or the password");
}

TEST_CASE("a server that isn't a SOCKS5 proxy is recognized") {
    Dialogue http(through(ProxyKind::socks5));
    http.after("H");
    CHECK(why(http) == "it is an HTTP proxy");
    CHECK(http.error->hint == Hint::proxy_http);
    Dialogue other(through(ProxyKind::socks5));
    other.after("\x04");
    CHECK(why(other) == "it is not a SOCKS5 proxy");
    Dialogue closed(through(ProxyKind::socks5));
    closed.script.end = true;
    closed.after("");
    CHECK(why(closed) == "the proxy closed the connection without an answer (is it a SOCKS5 proxy?)");
    Dialogue damaged(through(ProxyKind::socks5));
    damaged.after("\x05\x00"s);
    damaged.after("\x05\x00\x00\x02x"s);
    CHECK(why(damaged) == "the proxy's answer is malformed");
}

TEST_CASE("names too long for SOCKS5 are a usage error") {
    const auto code = [](const Endpoint& endpoint) {
        Script script;
        const auto made = make_proxy_stream(std::make_unique<ScriptedStream>(script), endpoint);
        return made ? ErrorCode::ok : made.error().code;
    };
    const std::string longest(255, 'x');
    CHECK(code(through(ProxyKind::socks5, longest, longest)) == ErrorCode::ok);
    CHECK(code(through(ProxyKind::socks5, longest + "x", "")) == ErrorCode::usage);
    CHECK(code(through(ProxyKind::socks5, "x", longest + "x")) == ErrorCode::usage);
    auto endpoint = through(ProxyKind::socks5);
    endpoint.host = longest + "x";
    CHECK(code(endpoint) == ErrorCode::usage);
}

TEST_CASE("HTTP CONNECT, with Basic credentials when there are some") {
    Dialogue plain(through(ProxyKind::http_connect));
    CHECK(plain.after("") == "CONNECT broker.example:1883 HTTP/1.1\r\nHost: broker.example:1883\r\n\r\n");
    CHECK(plain.after("HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n").empty());
    CHECK(plain.open);
    auto endpoint = through(ProxyKind::http_connect, "Aladdin", "open sesame");
    endpoint.host = "::1";
    Dialogue basic(endpoint);
    CHECK(basic.after("") ==
          "CONNECT [::1]:1883 HTTP/1.1\r\nHost: [::1]:1883\r\n"
          "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST_CASE("a CONNECT proxy may send interim responses first") {
    Dialogue http(through(ProxyKind::http_connect));
    http.after("");
    CHECK(http.after("HTTP/1.1 100 Continue\r\n\r\n").empty());
    CHECK_FALSE(http.open);
    CHECK(http.after("HTTP/1.1 200 OK\r\n\r\n").empty());
    CHECK(http.open);
}

TEST_CASE("what follows a CONNECT proxy's answer belongs to the tunnel") {
    Dialogue http(through(ProxyKind::http_connect));
    http.after("");
    http.script.input = "HTTP/1.1 200 OK\r\n\r\nearly";
    http.after("");
    CHECK(http.open);
    CHECK(http.read_all() == "early");
    REQUIRE(http.stream->write(as_bytes("out")));
    CHECK(http.script.written == "out");
}

TEST_CASE("each refusal of a CONNECT proxy is explained") {
    const auto refusal = [](const std::string& status, const std::string& user = {},
                            const std::string& header = {}) {
        Dialogue http(through(ProxyKind::http_connect, user));
        http.after("");
        http.after("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n" + header + "\r\n");
        CHECK(http.error->reason == std::stoi(status));
        return why(http);
    };
    CHECK(refusal("407 Proxy Authentication Required") ==
          "the proxy answered 407 Proxy Authentication Required (it requires credentials)");
    CHECK(refusal("407 No", "us") == "the proxy answered 407 No (it refuses the user name or the password)");
    CHECK(refusal("407 No", "us", "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n") ==
          "the proxy answered 407 No (it accepts only Negotiate, NTLM, not Basic)");
    CHECK(refusal("407 No", "us", "Proxy-Authenticate: NTLM, Basic realm=x\r\n")
              .ends_with("(it refuses the user name or the password)"));
    CHECK(refusal("403 Forbidden") ==
          "the proxy answered 403 Forbidden (its rules do not allow this host or port)");
    CHECK(refusal("502 Bad Gateway").find("(it cannot reach the broker: ") != std::string::npos);
    CHECK(refusal("504 Gateway Timeout").find("no answer from the broker") != std::string::npos);
    CHECK(refusal("405 Method Not Allowed").find("does it support CONNECT?") != std::string::npos);
    CHECK(refusal("302 Found") == "the proxy answered 302 Found");
}

TEST_CASE("a server that isn't a CONNECT proxy is recognized, and an endless answer is cut off") {
    Dialogue socks(through(ProxyKind::http_connect));
    socks.after("\x05");
    CHECK(why(socks) == "it is a SOCKS5 proxy");
    CHECK(socks.error->hint == Hint::proxy_socks5);
    Dialogue other(through(ProxyKind::http_connect));
    other.after("SSH-2.0");
    CHECK(why(other) == "it is not an HTTP proxy");
    Dialogue endless(through(ProxyKind::http_connect));
    endless.script.input = "HTTP/1.1 200 OK\r\n" + std::string(100'000, 'x');
    endless.after("");
    CHECK(why(endless) == "the proxy's answer is longer than 16384 bytes");
    CHECK_FALSE(endless.script.input.empty());
    Dialogue lost(through(ProxyKind::http_connect));
    lost.script.failure = Error{ErrorCode::connection_lost, 104, "connection reset by peer"};
    lost.after("");
    CHECK(why(lost) == "connection reset by peer (is it an HTTP proxy?)");
}
