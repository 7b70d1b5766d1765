// Applies a mosquitto.conf to a broker: options, log, listeners, pid file.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker.hpp"
#include "configuration.hpp"

namespace mqttc::broker {

void log_to_stderr(std::string_view line);

/// Limits, bounds and the log, not the listeners. Without log_dest there is a log only if `verbose`.
/// Error: io_error, a log file cannot be opened.
std::expected<Options, Error> options_of(const Configuration& configuration, bool verbose);

/// The listeners of a configuration in a broker.
class ConfiguredListeners {
  public:
    explicit ConfiguredListeners(Broker& broker) : broker_(broker) {}

    /// Resolves their names and opens them; to be called once, after Broker::start().
    std::expected<void, Error> open(const Configuration& configuration);
    /// New connections use the users, keys and certificates of `fresh`. After an error nothing has changed.
    /// Error: usage, `fresh` has other listeners; or a file is invalid.
    std::expected<void, Error> reload(const Configuration& fresh);

  private:
    struct Opened {
        ConfiguredListener listener;
        std::size_t sockets = 0;  ///< their number in Broker::listeners()
    };
    Broker& broker_;
    std::vector<Opened> opened_;
};

/// Reloads the file on SIGHUP, for the listeners and the log, and reopens the log files.
void reload_on_signal(Broker& broker, ConfiguredListeners& listeners, const std::string& path, bool verbose);

/// The pid file; the destructor removes it if it was written.
class PidFile {
  public:
    /// An empty path: no pid file.
    explicit PidFile(std::string path) : path_(std::move(path)) {}
    ~PidFile();
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;
    std::expected<void, Error> write();

  private:
    std::string path_;
    bool written_ = false;
};

}  // namespace mqttc::broker
