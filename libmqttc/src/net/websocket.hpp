// MQTT's bytes in WebSocket frames (RFC 6455), as a client.
#pragma once

#include <expected>

#include "mqttc/endpoint.hpp"
#include "stream.hpp"

namespace mqttc::net {

/// A WebSocket on `lower`: its handshake is the upgrade, its data go in binary frames. `endpoint.websocket`
/// must be set; `endpoint` must outlive the stream. Errors: usage (options), out_of_memory.
std::expected<StreamPtr, Error> make_websocket_stream(StreamPtr lower, const Endpoint& endpoint);

}  // namespace mqttc::net
