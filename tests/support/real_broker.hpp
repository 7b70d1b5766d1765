// Debian's Mosquitto as a broker for one test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

inline constexpr const char* mosquitto_path = "/usr/sbin/mosquitto";
inline constexpr const char* mosquitto_pub_path = "/usr/bin/mosquitto_pub";
inline constexpr const char* mosquitto_sub_path = "/usr/bin/mosquitto_sub";
inline constexpr const char* mosquitto_rr_path = "/usr/bin/mosquitto_rr";
inline constexpr const char* mosquitto_passwd_path = "/usr/bin/mosquitto_passwd";

// A running mosquitto with a listener on 127.0.0.1 and a free port.
class RealBroker {
  public:
    // Whether mosquitto and its clients are installed.
    static bool available();

    // Starts it. `config` are lines of mosquitto.conf after the listener. With Log::little it does not log packets.
    enum class Log { packets, little };
    explicit RealBroker(std::string_view config = "allow_anonymous true\n", Log logged = Log::packets);

    std::uint16_t port() const { return port_; }
    // Its working directory.
    const TempDir& dir() const { return dir_; }
    // Its stderr so far.
    std::string log() const { return process_ ? process_->err() : std::string(); }

    // Ends it with SIGTERM, so that it saves its state, and starts it again on the same port.
    void stop();
    void start();

    Process& process() { return *process_; }

  private:
    // False when the port is in use.
    bool try_start();

    TempDir dir_;
    std::string config_;
    Log log_ = Log::packets;
    std::uint16_t port_ = 0;
    std::unique_ptr<Process> process_;
};

}  // namespace mqttc::test
