// The layers on a connected socket: proxy, TLS, WebSocket, as the endpoint requires.
#pragma once

#include <expected>

#include "mqttc/endpoint.hpp"
#include "stream.hpp"
#include "tls_module.hpp"

namespace mqttc::net {

/// Stacks the endpoint's layers on a connected socket: proxy, then TLS, then WebSocket. Their handshakes are
/// not yet made. `endpoint` must outlive the stream; `tls` is needed when it requires TLS. Errors: those of a
/// layer's options (tls_config, usage).
std::expected<StreamPtr, Error> build_layers(StreamPtr socket, const Endpoint& endpoint, TlsContext* tls);

}  // namespace mqttc::net
