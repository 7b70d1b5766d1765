// The layers on a connected socket: proxy, TLS, WebSocket. `endpoint` must outlive their streams.
#pragma once

#include <expected>

#include "mqttc/endpoint.hpp"
#include "stream.hpp"
#include "tls_module.hpp"

namespace mqttc::net {

/// The address of the proxy, with the port in force.
Endpoint proxy_endpoint(const Proxy& proxy);

/// A tunnel to the broker through the proxy that `lower` is connected to; the proxy resolves the broker's name. SOCKS5
/// (RFC 1928, RFC 1929) or HTTP CONNECT (RFC 9110 section 9.3.6). `endpoint.proxy` must be set. Error: usage.
std::expected<StreamPtr, Error> make_proxy_stream(StreamPtr lower, const Endpoint& endpoint);

/// MQTT's bytes in WebSocket frames (RFC 6455), as a client: the handshake is the upgrade, data are sent in binary frames.
/// `endpoint.websocket` must be set. Error: usage (options).
std::expected<StreamPtr, Error> make_websocket_stream(StreamPtr lower, const Endpoint& endpoint);

/// Stacks the endpoint's layers on a connected socket: proxy, then TLS, then WebSocket. Their handshakes are not yet made.
/// `tls` is needed when the endpoint requires TLS. Errors: those of a layer's options (tls_config, usage).
std::expected<StreamPtr, Error> build_layers(StreamPtr socket, const Endpoint& endpoint, TlsContext* tls);

}  // namespace mqttc::net
