// The upgrade from HTTP to WebSocket (RFC 6455 section 4): the request, and the check of the answer. No I/O.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"

namespace mqttc::net {

/// A new Sec-WebSocket-Key.
std::string new_websocket_key();

/// The Sec-WebSocket-Accept that proves that `key` was read.
std::string websocket_accept(std::string_view key);

/// Checks the options. Error: usage, for a header that belongs to the protocol itself.
std::expected<void, Error> check_websocket_options(const WebSocketOptions& options);

/// The upgrade request. `endpoint.websocket` must be set and pass check_websocket_options.
std::string websocket_request(const Endpoint& endpoint, std::string_view key);

/// Checks the head of an answer. Error: websocket_failed (reason: the HTTP status).
std::expected<void, Error> check_websocket_answer(std::string_view head, std::string_view key,
                                                  const Endpoint& endpoint);

/// The error for an answer that is not HTTP; `start` is what was received of it, or empty.
Error not_http_answer(std::string_view start, const Endpoint& endpoint);

/// websocket_failed: "WebSocket handshake with HOST:PORT/PATH " + `why`.
Error websocket_error(const Endpoint& endpoint, const std::string& why, int status = 0,
                      Hint hint = Hint::none);

}  // namespace mqttc::net
