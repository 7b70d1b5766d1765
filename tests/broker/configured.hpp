// From what a mosquitto.conf says to a broker that runs so: options, log, listeners, pid file.
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

/// Limits, bounds and the log; without a log_dest only `verbose` makes one. The listeners are not among them.
/// Error: io_error, a log file cannot be opened.
std::expected<Options, Error> options_of(const Configuration& configuration, bool verbose);

/// The listeners of a configuration in a broker.
class ConfiguredListeners {
  public:
    explicit ConfiguredListeners(Broker& broker) : broker_(broker) {}

    /// Opens them, with their names resolved. To be called once, after Broker::start().
    std::expected<void, Error> open(const Configuration& configuration);
    /// Who connects from now on meets the users, keys and certificates that `fresh` names, as they are now.
    /// After an error nothing has changed. Error: usage, `fresh` has other listeners; a file is not good.
    std::expected<void, Error> renew(const Configuration& fresh);

  private:
    struct Opened {
        ConfiguredListener wanted;
        std::size_t sockets = 0;  ///< so many of Broker::listeners() are of it
    };
    Broker& broker_;
    std::vector<Opened> opened_;
};

/// On SIGHUP reads the file again, for the listeners and for the log, whose files are opened anew.
void reload_on_signal(Broker& broker, ConfiguredListeners& listeners, const std::string& path, bool verbose);

/// The pid file, removed with the object iff it was written.
class PidFile {
  public:
    /// Without a path all of it does nothing.
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
