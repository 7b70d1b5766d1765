// From options to a client's options: the rules of client ids, clean sessions, ports, TLS, credentials and
// the will.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "mqttc/client.hpp"

#include "options.hpp"

namespace mqttc::app {

struct Connection {
    ClientOptions client;
    std::vector<std::string> warnings;  ///< each one line for people, without the program's name
};

/// `options` as they came from parse(), secrets resolved (see secrets.hpp). `process_id` is used in client
/// ids. Error: one line for people, a usage error.
std::expected<Connection, std::string> build_connection(const Options& options, unsigned long process_id);

/// The version in force: some options (-x, -D, --no-local, …) mean MQTT 5, whatever -V says.
ProtocolVersion effective_version(const ConnectionSettings& settings);

/// The properties for `where` (one packet bit): those given with -D, checked by parse(); and in DISCONNECT the end of
/// a session that was only to bridge outages.
Properties properties_for(const Options& options, PacketSet where);

}  // namespace mqttc::app
