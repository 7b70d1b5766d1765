// From ConnectionOptions to the client's options: the rules of client identifiers, sessions, ports, TLS, credentials and
// the Will.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "mqttc/client.hpp"

#include "options.hpp"

namespace mqttc::app {

/// Turns TLS on without an option.
inline constexpr std::uint16_t tls_port = 8883;

struct ConnectionSetup {
    ClientOptions client;
    std::vector<std::string> warnings;  ///< one line each, without the program's name
};

/// What must hold for the connection beyond the rules of the option rows. Error: one line.
std::expected<void, std::string> check_connection(const ConnectionOptions& options);

/// `options` checked, secrets resolved (see secrets.hpp). `process_id` is used in client identifiers. Error: one line, a
/// usage error.
std::expected<ConnectionSetup, std::string> set_up_connection(const ConnectionOptions& options,
                                                              unsigned long process_id);

/// The broker's address and how to reach it: with the port in force, and TLS and WebSocket if an option selects them.
Endpoint make_endpoint(const ConnectionOptions& options);

/// The version in force: some options (-x, -D, --no-local, ...) select MQTT 5, whatever -V selects.
ProtocolVersion effective_version(const ConnectionOptions& options);

/// The properties for `where` (one packet bit): those given with -D, checked by to_property(); and in DISCONNECT the end
/// of a session that was only kept to bridge outages.
Properties properties_for(const ConnectionOptions& options, PacketSet where);

}  // namespace mqttc::app
