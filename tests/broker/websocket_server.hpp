// The server's side of MQTT over WebSocket, for the tests' broker.
#pragma once

#include <cstddef>
#include <string>

#include "options.hpp"

namespace mqttc::broker {

struct WebSocketServerOptions {
    std::string path = "";              ///< not empty: others get 404
    std::string subprotocol = "mqtt";   ///< the only one
    std::string raw_answer = "";        ///< not empty: sent in place of an answer to the request
    std::size_t largest_frame = 65536;  ///< what is written at once goes in fragments of at most this size
    bool ping_often = false;            ///< a ping before each frame, also between fragments
};

/// A WebSocket on what `below` makes (a socket, TLS). Frames that are not masked and other breaches of RFC
/// 6455 are errors of code protocol_error, which the broker counts as violations.
StreamFactory websocket_on(StreamFactory below, WebSocketServerOptions options = {});

}  // namespace mqttc::broker
