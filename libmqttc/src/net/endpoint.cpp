// Names and ports of endpoints.
#include "mqttc/endpoint.hpp"

namespace mqttc {

std::uint16_t effective_port(const Endpoint& endpoint) {
    if (endpoint.port != 0) return endpoint.port;
    if (endpoint.websocket) return endpoint.tls ? 443 : 80;
    return endpoint.tls ? 8883 : 1883;
}

std::string endpoint_name(const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return endpoint.unix_path;
    const bool bracketed = endpoint.host.find(':') != std::string::npos;
    const auto host = bracketed ? "[" + endpoint.host + "]" : endpoint.host;
    return host + ":" + std::to_string(effective_port(endpoint));
}

}  // namespace mqttc
