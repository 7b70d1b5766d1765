// A bad network between a client and a broker: connections are cut, and their bytes stalled and split, at random (with a
// seed).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "unit/net/listener.hpp"

namespace mqttc::test {

class ChaosProxy {
  public:
    /// Probabilities per piece of bytes that is forwarded.
    struct Chances {
        double cut = 0.02;    ///< both connections are closed, half of the time with a reset
        double stall = 0.02;  ///< nothing is forwarded for up to 20 ms
        double split = 0.2;   ///< the piece is forwarded in parts
    };

    /// Forwards connections to its port to 127.0.0.1:`target`.
    ChaosProxy(std::uint16_t target, std::uint64_t seed, Chances chances);
    ~ChaosProxy();
    ChaosProxy(const ChaosProxy&) = delete;
    ChaosProxy& operator=(const ChaosProxy&) = delete;

    std::uint16_t port() const { return listener_.port; }
    /// From now on everything is forwarded at once.
    void calm() { calm_ = true; }
    std::size_t cuts() const { return cuts_; }

  private:
    struct Link;
    void serve();
    void accept();
    /// False: the link has ended.
    bool pass(Link& link, bool from_client);
    bool chance(double probability);
    std::size_t up_to(std::size_t most);
    void cut(Link& link);

    Listener listener_;
    std::uint16_t target_;
    Chances chances_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Link>> links_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> calm_ = false;
    std::atomic<std::size_t> cuts_ = 0;
    std::thread thread_;
};

}  // namespace mqttc::test
