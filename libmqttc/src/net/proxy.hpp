// The way through a proxy: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110 section 9.3.6).
#pragma once

#include <expected>

#include "mqttc/endpoint.hpp"
#include "stream.hpp"

namespace mqttc::net {

/// A tunnel to the broker through the proxy that `lower` is connected to; the proxy resolves the broker's
/// name. `endpoint.proxy` must be set; `endpoint` must outlive the stream. Error: usage.
std::expected<StreamPtr, Error> make_proxy_stream(StreamPtr lower, const Endpoint& endpoint);

}  // namespace mqttc::net
