// Where a broker is and how it is reached: plain options for transports. Knows no MQTT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

/// TLS as a client (OpenSSL names where it has them). Paths name PEM files.
struct TlsOptions {
    std::string ca_file;
    std::string ca_path;
    bool system_store = false;  ///< also when neither ca_file, ca_path nor a PSK is given
    std::string cert_file;
    std::string key_file;
    Secret key_passphrase;
    bool verify = true;        ///< false = --insecure
    std::string ciphers;       ///< TLS 1.2 list
    std::string ciphersuites;  ///< TLS 1.3 suites
    TlsVersion minimum = TlsVersion::v1_2;
    std::string alpn;  ///< one protocol name
    std::string keylog_file;
    std::string psk_identity;
    Secret psk_key;  ///< hex
};

struct WebSocketOptions {
    std::string path = "/mqtt";
    std::vector<std::string> headers;  ///< each "Name: value"
};

enum class ProxyKind : std::uint8_t { socks5, http_connect };

struct Proxy {
    ProxyKind kind = ProxyKind::socks5;
    std::string host;
    std::uint16_t port = 0;  ///< 0 = 1080 or 8080
    std::string username;
    Secret password;
};

/// One broker address.
struct Endpoint {
    std::string host = "localhost";
    std::uint16_t port = 0;  ///< 0 = by transport: 1883, 8883 with TLS, 80 and 443 with WebSocket
    std::string unix_path;   ///< not empty: a unix domain socket instead of host and port
    std::string bind_address;
    bool srv = false;  ///< look up _mqtt._tcp / _secure-mqtt._tcp of `host`
    bool no_delay = false;
    std::optional<TlsOptions> tls;
    std::optional<WebSocketOptions> websocket;
    std::optional<Proxy> proxy;
};

/// The port in force.
MQTTC_API std::uint16_t effective_port(const Endpoint& endpoint);
/// "broker.example:8883", "[::1]:1883" or the path of a unix socket, for messages.
MQTTC_API std::string endpoint_name(const Endpoint& endpoint);

/// True iff the protocol says this header ("Name: value") of a WebSocket handshake in its own way, so that it can't be
/// one of WebSocketOptions::headers.
MQTTC_API bool is_reserved_websocket_header(std::string_view header);

}  // namespace mqttc
