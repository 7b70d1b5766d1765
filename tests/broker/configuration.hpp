// What a mosquitto.conf tells the broker: the directives that tutorials show, read as Mosquitto 2 means them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/error.hpp"
#include "options.hpp"
#include "tls_server.hpp"

namespace mqttc::broker {

struct ConfiguredListener {
    std::uint16_t port = 1883;
    std::string host = {};       ///< name or address; empty: every interface, or this machine (local_only)
    std::string unix_path = {};  ///< not empty: a unix socket instead
    enum class Domain : std::uint8_t { both, ipv4, ipv6 } domain = Domain::both;
    bool websockets = false;
    bool by_identity = false;   ///< use_identity_as_username, use_subject_as_username
    TlsServerOptions tls = {};  ///< not for use without a certificate and without a PSK file
    Access access = {};         ///< its own or everybody's, as per_listener_settings says
    std::string where = {};     ///< "FILE:LINE" of its listener line; empty: the default listener

    bool uses_tls() const { return !tls.cert_file.empty() || !tls.psk_file.empty(); }
};

struct LogDestination {
    enum class Kind : std::uint8_t { out, err, none, file } kind = Kind::err;
    std::string path = {};
};

struct Configuration {
    std::vector<ConfiguredListener> listeners;  ///< at least one
    bool local_only = false;  ///< no listener was named: clients of this machine only, anonymous ones too
    std::vector<LogDestination> log;  ///< empty: nothing was said
    std::string pid_file;             ///< empty: none
    Limits limits;
    Bounds bounds;
    std::vector<std::string> notes;  ///< "FILE:LINE: ...": directives that were accepted and do nothing
};

/// Bounds of what is read.
inline constexpr std::size_t max_configuration_bytes = std::size_t{1} << 20;
inline constexpr std::size_t max_configured_listeners = 100;

/// Reads the file and what its include_dir lines name. Error: usage, "FILE:LINE: what is wrong"; io_error.
std::expected<Configuration, Error> read_configuration(const std::string& path);
/// The same of a text; `name` stands for its file in messages.
std::expected<Configuration, Error> parse_configuration(std::string_view text, const std::string& name);

}  // namespace mqttc::broker
