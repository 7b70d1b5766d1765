// Reads a mosquitto.conf: the directives that tutorials use, with their meaning in Mosquitto 2.
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
    std::string host = {};       ///< name or address; empty: all interfaces, or this machine (local_only)
    std::string unix_path = {};  ///< not empty: a unix socket instead
    enum class Domain : std::uint8_t { both, ipv4, ipv6 } domain = Domain::both;
    bool websockets = false;
    bool by_identity = false;   ///< use_identity_as_username, use_subject_as_username
    TlsServerOptions tls = {};  ///< see uses_tls()
    Access access = {};         ///< its own or the global one (per_listener_settings)
    std::string where = {};     ///< "FILE:LINE" of its listener line; empty: the default listener

    bool uses_tls() const { return !tls.cert_file.empty() || !tls.psk_file.empty(); }
};

struct LogDestination {
    enum class Kind : std::uint8_t { out, err, none, file } kind = Kind::err;
    std::string path = {};
};

struct Configuration {
    std::vector<ConfiguredListener> listeners;  ///< at least one
    bool local_only = false;  ///< without a listener: clients of this machine only, also anonymous ones
    std::vector<LogDestination> log;  ///< empty: no log_dest
    std::string pid_file;             ///< empty: none
    Limits limits;
    Bounds bounds;
    std::vector<std::string> notes;  ///< "FILE:LINE: ...": directives without effect
};

/// Bounds of what is read.
inline constexpr std::size_t max_configuration_bytes = std::size_t{1} << 20;
inline constexpr std::size_t max_configured_listeners = 100;

/// Reads the file and its include_dir directories. Error: usage, "FILE:LINE: cause"; io_error.
std::expected<Configuration, Error> read_configuration(const std::string& path);
/// The same from a text; `name` is its file name in messages.
std::expected<Configuration, Error> parse_configuration(std::string_view text, const std::string& name);

}  // namespace mqttc::broker
