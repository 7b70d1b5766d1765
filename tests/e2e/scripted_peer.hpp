// A peer that says what a script tells it to, right or wrong, and writes down what it hears: for brokers that
// no real one resembles.
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

/// Serves one connection after another on a thread of its own, each with the whole script from the start.
class ScriptedPeer {
  public:
    /// With `closes` it ends each connection behind the last line.
    explicit ScriptedPeer(std::vector<Line> script, bool closes = false);
    ~ScriptedPeer();
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;

    std::uint16_t port() const { return listener_.port; }
    /// Whole packets (in hex) and loose bytes that came on the latest connection.
    std::vector<std::uint8_t> heard() const;
    std::size_t connections() const;
    /// Until as many connections have come and the latest has brought something; false: not in time.
    bool wait_for_connections(std::size_t count);
    /// Until the script's last line is said to the latest connection; false: not in time.
    bool wait_for_end_of_script();
    /// Until the latest connection has ended; false: not in time.
    bool wait_for_close();

  private:
    void serve();
    void talk(int fd);
    bool stopped() const;

    std::vector<Line> script_;
    bool closes_;
    Listener listener_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::uint8_t> heard_;
    std::size_t connections_ = 0;
    std::size_t lines_said_ = 0;
    bool talking_ = true;
    bool stop_ = false;
    std::thread thread_;
};

/// The lines most scripts begin with.
inline Line connack_v5() {
    return {PacketType::connect, hex("20 03 00 00 00")};
}
inline Line connack_v311() {
    return {PacketType::connect, hex("20 02 00 00")};
}

}  // namespace mqttc::test
