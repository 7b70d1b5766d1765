// The stack of layers on a connected socket.
#include "layers.hpp"

#include <utility>

namespace mqttc::net {

Endpoint proxy_endpoint(const Proxy& proxy) {
    const std::uint16_t usual = proxy.kind == ProxyKind::socks5 ? 1080 : 8080;
    return {.host = proxy.host, .port = proxy.port != 0 ? proxy.port : usual};
}

std::expected<StreamPtr, Error> build_layers(StreamPtr socket, const Endpoint& endpoint, TlsContext* tls) {
    if (endpoint.proxy && endpoint.unix_path.empty()) {
        auto tunnel = make_proxy_stream(std::move(socket), endpoint);
        if (!tunnel) return tunnel;
        socket = std::move(*tunnel);
    }
    if (endpoint.tls) {
        auto secured =
            tls->wrap(std::move(socket), {.host = endpoint.host, .target = endpoint_name(endpoint)});
        if (!secured) return secured;
        socket = std::move(*secured);
    }
    if (endpoint.websocket) return make_websocket_stream(std::move(socket), endpoint);
    return socket;
}

}  // namespace mqttc::net
