// MQTT through Mosquitto's WebSocket listener, nginx as a reverse proxy, microsocks and tinyproxy.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>

#include "broker_thread.hpp"
#include "e2e/payload_transfer.hpp"
#include "e2e/pub_program.hpp"
#include "support/certificates.hpp"
#include "support/needs.hpp"
#include "support/port.hpp"
#include "support/process.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"
#include "tls_server.hpp"
#include "websocket_server.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::BrokerThread;

namespace {

constexpr const char* nginx_path = "/usr/sbin/nginx";
constexpr const char* microsocks_path = "/usr/bin/microsocks";
constexpr const char* tinyproxy_path = "/usr/bin/tinyproxy";

Needs needs_nginx() {
    return needs_program(nginx_path, "nginx is not installed");
}
Needs needs_microsocks() {
    return needs_program(microsocks_path, "microsocks is not installed");
}
Needs needs_tinyproxy() {
    return needs_program(tinyproxy_path, "tinyproxy is not installed");
}

Command sub_command(const Words& arguments) {
    return program_command("mqtt_sub", arguments);
}

/// A server on 127.0.0.1. `make` returns the command that starts it on a port; if that port was taken in the meantime,
/// another one is tried.
class Server {
  public:
    template <typename Make>
    explicit Server(Make make) {
        for (int tries = 0; tries < 5; ++tries) {
            port_ = free_port();
            process_ = std::make_unique<Process>(make(port_));
            const auto give_up = std::chrono::steady_clock::now() + default_timeout;
            while (process_->running() && std::chrono::steady_clock::now() < give_up) {
                if (accepts(port_)) return;
                process_->wait_until([](auto&, auto&) { return false; }, std::chrono::milliseconds(10));
            }
        }
        FAIL("cannot start the server: " << process_->out() << process_->err());
    }
    std::uint16_t port() const { return port_; }
    std::string url(const std::string& scheme, const std::string& user = {}) const {
        return scheme + "://" + user + "127.0.0.1:" + std::to_string(port_);
    }

  private:
    std::uint16_t port_ = 0;
    std::unique_ptr<Process> process_;
};

void check_delivery(const Words& options, const std::function<void()>& published = [] {}) {
    check_transfer({.subscriber = sub_command(Words{"-d"} + options),
                    .publisher = pub_command(options),
                    .published = published});
}

Words at(std::uint16_t port) {
    return {"-h", "127.0.0.1", "-p", std::to_string(port)};
}

Server microsocks(const Words& options = {}) {
    return Server([&](std::uint16_t port) {
        return Command{.argv =
                           Words{microsocks_path, "-i", "127.0.0.1", "-p", std::to_string(port)} + options};
    });
}

Server tinyproxy(const TempDir& dir, const std::string& options = {}) {
    return Server([&](std::uint16_t port) {
        const auto config = dir.write("tinyproxy.conf", "Port " + std::to_string(port) +
                                                            "\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\n"
                                                            "LogLevel Critical\n" +
                                                            options);
        return Command{.argv = {tinyproxy_path, "-d", "-c", config}};
    });
}

/// What mqtt_pub prints on stderr when it fails with 63.
std::string refusal(const Words& arguments) {
    const Result result = run(pub_command(arguments + Words{"-t", "a", "-m", "x"}));
    CHECK(result.exit == Exit{.code = 63});
    return result.err;
}

}  // namespace

TEST_CASE("10 MB over Mosquitto's WebSocket listener" * needs_mosquitto()) {
    // A second listener, in addition to that of RealBroker.
    const auto port = free_port();
    // Mosquitto 2.0.11 sends a WebSocket client one buffer of this size each time its loop turns, and the
    // loop turns every 100 ms unless other clients keep it busy.
    RealBroker broker(
        "listener " + std::to_string(port) +
        " 127.0.0.1\nprotocol websockets\nallow_anonymous true\nwebsockets_headers_size 60000\n");
    check_delivery(at(port) + Words{"--ws"}, [&] {
        const Result busy = run(pub_command(
            at(broker.port()) + Words{"-t", "busy", "-m", "x", "-q", "1", "-M", "1", "--repeat", "3000"}));
        CHECK(busy.exit == Exit{.code = 0});
    });
}

TEST_CASE("10 MB through nginx as a reverse proxy for WebSocket, and its error pages" * needs_nginx()) {
    broker::Options options;
    options.listeners.push_back({.make_stream = broker::websocket_on(net::make_socket_stream)});
    auto upstream = std::make_unique<BrokerThread>(std::move(options));
    const TempDir dir;
    Server nginx([&](std::uint16_t port) {
        const auto config = dir.write(
            "nginx.conf",
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n"
            "access_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path "
            "fastcgi;\n"
            "uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\nserver {\nlisten 127.0.0.1:" +
                std::to_string(port) +
                ";\nlocation = /mqtt {\nproxy_pass http://127.0.0.1:" + std::to_string(upstream->port()) +
                ";\nproxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\n"
                "proxy_set_header Connection upgrade;\n}\n"
                "location = /moved { return 302 wss://broker.example/mqtt; }\n"
                "location = /secret { auth_basic mqtt; auth_basic_user_file /nonexistent; }\n}\n}\n");
        return Command{.argv = {nginx_path, "-p", dir.path().string(), "-c", config}};
    });
    const auto reach = at(nginx.port());
    check_delivery(reach + Words{"--ws"});
    CHECK(upstream->violations().empty());
    CHECK(has(refusal(reach + Words{"--ws-path", "/nowhere"}),
              "/nowhere answered 404 Not Found (is --ws-path right?)"));
    CHECK(has(refusal(reach + Words{"--ws-path", "/moved"}), "redirects to wss://broker.example/mqtt"));
    CHECK(has(refusal(reach + Words{"--ws-path", "/secret"}),
              "answered 401 Unauthorized (it requires an Authorization header"));
    upstream.reset();
    CHECK(has(refusal(reach + Words{"--ws"}), "answered 502 Bad Gateway"));
}

TEST_CASE("10 MB through microsocks, plain and as WebSocket" * needs_microsocks()) {
    broker::Options options;
    options.listeners.emplace_back();
    options.listeners.push_back({.make_stream = broker::websocket_on(net::make_socket_stream)});
    BrokerThread broker(std::move(options));
    const auto proxy = microsocks();
    check_delivery(at(broker.port(0)) + Words{"--proxy", proxy.url("socks5h")});
    check_delivery(at(broker.port(1)) + Words{"--ws", "--proxy", proxy.url("socks5h")});
    CHECK(broker.violations().empty());
}

TEST_CASE("WebSocket over TLS through each kind of proxy" * needs_microsocks() * needs_tinyproxy()) {
    const Certificates certificates;
    const auto server = certificates.issue("server");
    const auto tls = broker::make_tls_factory({.cert_file = server.certificate, .key_file = server.key});
    REQUIRE(tls);
    broker::Options options;
    options.listeners.push_back({.make_stream = broker::websocket_on(*tls)});
    BrokerThread broker(std::move(options));
    const TempDir dir;
    const auto socks = microsocks();
    const auto http = tinyproxy(dir);
    const auto url = "wss://localhost:" + std::to_string(broker.port());
    for (const auto& proxy : {socks.url("socks5h"), http.url("http")}) {
        const Result result = run(pub_command({"-L", url, "-t", "a", "-m", "x", "-q", "2", "--cafile",
                                               certificates.ca_file(), "--proxy", proxy}));
        CHECK(result.exit == Exit{.code = 0});
        CHECK(result.err.empty());
    }
    CHECK(broker.received().size() == 2);
    CHECK(broker.violations().empty());
}

TEST_CASE("microsocks resolves names, checks the password, and reports unreachable brokers" *
          needs_microsocks()) {
    BrokerThread broker;
    const auto open = microsocks();
    const auto closed = microsocks({"-u", "us", "-P", "p@:w"});
    const auto port = std::to_string(broker.port());
    const auto rc = [&](const Words& words) {
        return run(pub_command(words + Words{"-p", port, "-t", "a", "-m", "x", "-q", "1"})).exit.code;
    };
    CHECK(rc({"-h", "localhost", "--proxy", open.url("socks5h")}) == 0);
    CHECK(rc({"-h", "127.0.0.1", "--proxy", closed.url("socks5h", "us:p%40%3Aw@")}) == 0);
    CHECK(has(refusal(at(broker.port()) + Words{"--proxy", closed.url("socks5h")}),
              "the proxy requires credentials"));
    CHECK(has(refusal(at(broker.port()) + Words{"--proxy", closed.url("socks5h", "us:no@")}),
              "the proxy refuses the user name or the password"));
    CHECK(has(refusal(at(broker.port()) + Words{"--proxy", open.url("http")}),
              "it is a SOCKS5 proxy (use --proxy socks5h://...)"));
    CHECK(has(refusal(at(free_port()) + Words{"--proxy", open.url("socks5h")}),
              "connection refused by the broker's host"));
}

TEST_CASE("10 MB through tinyproxy, plain and as WebSocket" * needs_tinyproxy()) {
    broker::Options options;
    options.listeners.emplace_back();
    options.listeners.push_back({.make_stream = broker::websocket_on(net::make_socket_stream)});
    BrokerThread broker(std::move(options));
    const TempDir dir;
    const auto proxy = tinyproxy(dir);
    check_delivery(at(broker.port(0)) + Words{"--proxy", proxy.url("http")});
    check_delivery(at(broker.port(1)) + Words{"--ws", "--proxy", proxy.url("http")});
    CHECK(broker.violations().empty());
}

TEST_CASE("tinyproxy checks the password and its rules, and reports unreachable brokers" *
          needs_tinyproxy()) {
    BrokerThread broker;
    const TempDir dir;
    const auto reach = at(broker.port());
    {
        const auto closed = tinyproxy(dir, "BasicAuth us pw\n");
        CHECK(run(pub_command(reach + Words{"--proxy", closed.url("http", "us:pw@"), "-t", "a", "-m", "x",
                                            "-q", "1"}))
                  .exit.code == 0);
        CHECK(has(refusal(reach + Words{"--proxy", closed.url("http")}),
                  "407 Proxy Authentication Required (it requires credentials"));
        CHECK(has(refusal(reach + Words{"--proxy", closed.url("http", "us:no@")}),
                  "(it refuses the user name or the password)"));
        CHECK(has(refusal(at(free_port()) + Words{"--proxy", closed.url("http", "us:pw@")}),
                  "(it cannot reach the broker"));
    }
    const auto strict = tinyproxy(dir, "ConnectPort 443\n");
    CHECK(has(refusal(reach + Words{"--proxy", strict.url("http")}), "the proxy answered 403"));
}

TEST_CASE("a proxy of another kind that sends nothing is reported after --connect-timeout" *
          needs_tinyproxy()) {
    const TempDir dir;
    const auto proxy = tinyproxy(dir);
    const Result result = run(pub_command(at(free_port()) + Words{"-t", "a", "-m", "x", "--connect-timeout",
                                                                  "0.2", "--proxy", proxy.url("socks5h")}));
    CHECK(result.exit == Exit{.code = 61});
    CHECK(has(result.err, " through the proxy 127.0.0.1:" + std::to_string(proxy.port()) +
                              ": connected, but the handshake was not finished within 0.2 s (is it a SOCKS5 "
                              "proxy?)"));
}
