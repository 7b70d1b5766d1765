// A broker's address and how to reach it: plain options for transports. Knows no MQTT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc {

/// Versions of TLS (RFC 5246, RFC 8446). Older ones are not supported.
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

/// TLS as a client (OpenSSL's names where it has them). Paths name PEM files unless stated otherwise; an empty text is "not
/// given". The server's certificate is checked against Endpoint::host, a name or an address, over a unix socket too. Files
/// are read at each connection.
struct TlsOptions {
    std::string ca_file;  ///< certificates that are trusted: CAs, intermediate ones too, or the server's own
    std::string ca_path;  ///< a directory of them, with the hashed names of `openssl rehash`
    bool system_store = false;  ///< also when neither ca_file, ca_path nor a PSK is given
    /// The client's certificate, followed by its intermediate certificates: a file in PEM, DER or PKCS#12, or a URI of
    /// OpenSSL's store (pkcs11:..., or handle:0x81000001 for a key in a TPM).
    std::string cert_file;
    std::string key_file;       ///< the key of `cert_file`, in the same forms; both or neither
    Secret key_passphrase;      ///< of an encrypted `key_file`, or the PIN of a token
    std::string engine;         ///< an OpenSSL engine: then `key_file` is the name of one of its keys
    std::string server_name;    ///< for SNI and the certificate, in place of Endpoint::host
    std::string crl_file;       ///< revocation lists, PEM or DER: one of each CA in the server's chain
    bool require_ocsp = false;  ///< the server must staple a good OCSP response (RFC 6066 section 8)
    bool verify = true;         ///< false: neither certificate nor name is checked
    std::string ciphers;       ///< those of TLS 1.2, an OpenSSL cipher list; with `verify` no aNULL and eNULL
    std::string ciphersuites;  ///< those of TLS 1.3, names with colons between them
    TlsVersion minimum = TlsVersion::v1_2;  ///< the newest that client and server support is used
    std::string alpn;                       ///< one protocol name (RFC 7301), 1 to 255 bytes
    std::string keylog_file;   ///< secrets are appended to it (NSS key log format): for Wireshark
    std::string psk_identity;  ///< pre-shared key instead of certificates, with `psk_key`
    Secret psk_key;            ///< hexadecimal digits, two for each byte
};

/// MQTT over WebSocket (MQTT 5.0 section 6; RFC 6455).
struct WebSocketOptions {
    std::string path = "/mqtt";        ///< the request target, with its query if there is one
    std::vector<std::string> headers;  ///< each "Name: value"; not those of is_reserved_websocket_header
};

/// SOCKS5 with names resolved by the proxy (RFC 1928, 1929), or HTTP's CONNECT (RFC 9110 section 9.3.6).
enum class ProxyKind : std::uint8_t { socks5, http_connect };

/// A proxy between us and the broker.
struct Proxy {
    ProxyKind kind = ProxyKind::socks5;  ///< its protocol
    std::string host;                    ///< name or address, without brackets
    std::uint16_t port = 0;              ///< 0 = 1080 (SOCKS5) or 8080 (HTTP)
    std::string username;                ///< empty: no authentication
    Secret password;                     ///< with `username`
};

/// A broker's address and how to reach it (proxy, TLS, WebSocket).
struct Endpoint {
    std::string host = "localhost";  ///< name or address, without brackets
    std::uint16_t port = 0;          ///< 0 = by transport: 1883, 8883 with TLS, 80 and 443 with WebSocket
    std::string unix_path = {};      ///< not empty: a unix domain socket instead of host and port
    /// Local address or name that the socket is bound to; empty: the system's choice.
    std::string bind_address = {};
    bool srv = false;                    ///< look up _mqtt._tcp / _secure-mqtt._tcp of `host` (RFC 2782)
    std::optional<TlsOptions> tls = {};  ///< none: not encrypted
    std::optional<WebSocketOptions> websocket = {};  ///< none: MQTT directly over TCP or TLS
    std::optional<Proxy> proxy = {};                 ///< none: directly to the broker
};

/// The port in force.
MQTTC_API std::uint16_t effective_port(const Endpoint& endpoint);
/// "broker.example:8883", "[::1]:1883" or the path of a unix socket, for messages.
MQTTC_API std::string endpoint_name(const Endpoint& endpoint);

/// True iff the protocol itself sets this header ("Name: value") of a WebSocket handshake, so that it cannot be one of
/// WebSocketOptions::headers.
MQTTC_API bool is_reserved_websocket_header(std::string_view header);

}  // namespace mqttc
