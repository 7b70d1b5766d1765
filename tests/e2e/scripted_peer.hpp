// A peer that sends what a script lists, valid or not, and records what it receives.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "mqttc/codec.hpp"
#include "support/hex.hpp"
#include "unit/net/listener.hpp"

namespace mqttc::test {

/// Waits for a packet of that type from the client, then sends the bytes.
struct Line {
    PacketType after;
    std::vector<std::uint8_t> bytes;
};

/// Serves one connection at a time on its own thread, each with the whole script.
class ScriptedPeer {
  public:
    /// With `closes` it closes each connection after the last line. The first `refused` connections are closed when
    /// something was received.
    explicit ScriptedPeer(std::vector<Line> script, bool closes = false, std::size_t refused = 0);
    ~ScriptedPeer();
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;

    std::uint16_t port() const { return listener_.port; }
    /// The bytes received on the latest connection.
    std::vector<std::uint8_t> received() const;
    std::size_t connections() const;
    /// Until `count` connections were accepted and something was received on the latest; false: not in time.
    bool wait_for_connections(std::size_t count);
    /// Until the last line of the script was sent on the latest connection; false: not in time.
    bool wait_for_end_of_script();
    /// Until the latest connection has ended; false: not in time.
    bool wait_for_close();

  private:
    void serve();
    void serve_connection(int fd);
    bool stopped() const;

    std::vector<Line> script_;
    bool closes_;
    std::size_t refused_;
    Listener listener_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::uint8_t> received_;
    std::size_t connections_ = 0;
    std::size_t lines_sent_ = 0;
    bool connected_ = true;
    bool stop_ = false;
    std::thread thread_;
};

/// The first line of most scripts.
inline Line connack_v5() {
    return {PacketType::connect, hex("20 03 00 00 00")};
}
inline Line connack_v311() {
    return {PacketType::connect, hex("20 02 00 00")};
}

}  // namespace mqttc::test
