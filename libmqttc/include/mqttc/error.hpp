// Errors of libmqttc: codec errors, and failures of sessions, connections and clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc {

/// Why bytes are not a packet, or a packet cannot be encoded. Each maps to one v5 reason code (see reason_of).
enum class CodecError : std::uint8_t {
    malformed,              ///< the bytes break the packet's layout (reason 0x81)
    protocol_error,         ///< well-formed, but not allowed here: repeated property, reserved bits, … (0x82)
    packet_too_large,       ///< more than the limit given to next_frame (0x95)
    unsupported_version,    ///< CONNECT with a protocol name or level we don't know (0x84)
    invalid_utf8,           ///< a string that isn't UTF-8, or contains U+0000 (0x81)
    invalid_topic,          ///< empty topic name or filter, wildcard misplaced (0x90 / 0x8f)
    property_not_allowed,   ///< unknown property or one that this packet cannot have (0x81)
    property_out_of_range,  ///< value outside the standard's range (0x82)
    string_too_long,        ///< encoding only: a string or binary field over 65,535 bytes
    too_large_to_encode,    ///< encoding only: remaining length over 268,435,455
};

/// One sentence without a full stop, static storage ("a string is not valid UTF-8").
MQTTC_API std::string_view describe(CodecError error);

/// The failure of a session, a connection or a client.
enum class ErrorCode : std::uint8_t {
    ok = 0,
    usage,             ///< the request is invalid: bad topic, option, file
    name_not_found,    ///< host name could not be resolved; `reason` is getaddrinfo's code
    name_timeout,      ///< resolving took longer than the connect time-out
    connect_failed,    ///< refused, unreachable; `reason` is the errno
    connect_timeout,   ///< TCP connection, handshakes or CONNACK took too long; `reason` is 0 or ETIMEDOUT
    tls_failed,        ///< handshake or verification; `reason` is the errno below it, or 0
    tls_config,        ///< certificate, key, CA or cipher setting unusable (usage error)
    proxy_failed,      ///< `reason` is what the proxy answered: SOCKS5's reply or method, HTTP's status; or 0
    websocket_failed,  ///< `reason` is the HTTP status, or 0
    connection_refused,  ///< the broker's CONNACK refused; `reason` is its code
    protocol_error,      ///< the peer violated the protocol; `reason` is the v5 reason code
    closed_by_peer,      ///< end of stream without DISCONNECT; `reason` is a WebSocket's close code, or 0
    connection_lost,     ///< reset or I/O error; `reason` is the errno, or 0
    server_disconnect,   ///< DISCONNECT from the broker; `reason` is its reason code
    keep_alive_timeout,  ///< no PINGRESP in time
    ack_timeout,         ///< no acknowledgement in time
    not_connected,       ///< no CONNACK yet, or DISCONNECT was sent
    window_full,         ///< as many messages in flight as allowed: try again after an acknowledgement
    buffer_full,         ///< the bounded output buffer is full: try again after sending
    limit_exceeded,  ///< the broker's CONNACK forbids it (maximum QoS, packet size, retain, …); context says
                     ///< which
    interrupted,     ///< stopped by request; never from the library
    out_of_memory,   ///< what was not done can be tried again
    io_error,  ///< a local file or descriptor; `reason` is the errno; from the library: a mapped payload was truncated
};

/// The setting that may remedy an error, so that a program can name it in its own words: an option, a field of a form.
/// With ErrorCode::tls_config it is the setting that is unusable.
enum class Hint : std::uint8_t {
    none,
    ca_file,             ///< TlsOptions::ca_file: the server's CA isn't trusted
    wrong_ca,            ///< the given ca_file or ca_path does not contain the server's CA
    ca_path,             ///< TlsOptions::ca_path
    system_ca,           ///< the system has no CA certificates
    client_certificate,  ///< TlsOptions::cert_file and key_file
    client_key,          ///< TlsOptions::key_file
    key_passphrase,      ///< TlsOptions::key_passphrase
    psk,                 ///< TlsOptions::psk_key
    psk_identity,        ///< TlsOptions::psk_identity
    tls_version,         ///< TlsOptions::minimum
    ciphers,             ///< TlsOptions::ciphers
    ciphersuites,        ///< TlsOptions::ciphersuites
    weak_key,            ///< only a lower security level in TlsOptions::ciphers accepts the key or signature
    tls_settings,        ///< ciphers, a pre-shared key or a client certificate
    alpn,                ///< TlsOptions::alpn
    keylog_file,         ///< TlsOptions::keylog_file
    tls,                 ///< Endpoint::tls: the server requires it
    maybe_tls,           ///< Endpoint::tls, if the server requires it
    websocket,           ///< Endpoint::websocket: the server speaks HTTP
    websocket_path,      ///< WebSocketOptions::path
    websocket_header,    ///< WebSocketOptions::headers
    proxy_http,          ///< Proxy::kind: it is an HTTP proxy
    proxy_socks5,        ///< Proxy::kind: it is a SOCKS5 proxy
    proxy_credentials,   ///< Proxy::username and password
    srv,                 ///< Endpoint::srv: the domain has no SRV records
    credentials,         ///< SessionOptions::username and password
    protocol_version,    ///< SessionOptions::version
    client_id,           ///< SessionOptions::client_id
    password,            ///< SessionOptions::password
    port,                ///< Endpoint::port: the host seems to contain it
    redirect,            ///< ClientOptions::follow_redirect
    tls_engine,          ///< TlsOptions::engine
    crl_file,            ///< TlsOptions::crl_file
    max_packet_size,     ///< SessionOptions::max_packet_size, which MQTT 3.x cannot announce to the broker
};

/// What went wrong, built once where the context is known.
struct Error {
    ErrorCode code = ErrorCode::ok;  ///< what kind of failure
    int reason = 0;                  ///< errno, CONNACK code or reason code, as `code` says
    std::string context;     ///< one line for a message, without a full stop; names no setting of a program
    Hint hint = Hint::none;  ///< what may remedy it
};

}  // namespace mqttc
