// MQTT over WebSocket for the embedded broker.
#pragma once

#include <cstddef>
#include <string>

#include "options.hpp"

namespace mqttc::broker {

struct WebSocketServerOptions {
    std::string path = "";              ///< not empty: other paths get 404
    std::string subprotocol = "mqtt";   ///< the one that is accepted, and "mqttv3.1"
    std::string raw_answer = "";        ///< not empty: sent instead of the answer to the request
    std::size_t largest_frame = 65536;  ///< one write is fragmented into frames of at most this size
    bool ping_often = false;            ///< a ping before each frame, also between fragments
};

/// WebSocket over the streams of `lower` (TCP or TLS). Unmasked frames and other violations of RFC 6455 are errors with
/// code protocol_error, which the broker records as violations.
StreamFactory websocket_on(StreamFactory lower, WebSocketServerOptions options = {});

}  // namespace mqttc::broker
