// --remove-retained: publishes an empty retained message for each topic it is given, as fast as the broker
// accepts them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "messages.hpp"
#include "mqttc/client.hpp"

namespace mqttc::sub {

class RetainedCleaner {
  public:
    /// Topics waiting to be cleared take at most this much memory; further ones are not cleared, with a warning.
    static constexpr std::size_t max_waiting_bytes = 64UL * 1024 * 1024;

    explicit RetainedCleaner(app::Messages& messages) : messages_(messages) {}

    void add(std::string_view topic);
    /// Publishes as many as the session takes.
    void publish(Client& client);
    /// The broker's answer to one of them.
    void delivered(PacketId id, ReasonCode code);

    /// No topic waits to be published to.
    bool all_published() const { return waiting_.empty(); }
    /// All are acknowledged, too.
    bool done() const { return waiting_.empty() && unacknowledged_.empty(); }

    /// Each topic that was given is cleared, as far as the broker reports failures (MQTT 5).
    bool all_cleared() const { return cleared_ == given_; }
    /// "2 of 3 retained messages cleared"
    std::string account() const;

  private:
    app::Messages& messages_;
    std::deque<std::string> waiting_;
    std::size_t waiting_bytes_ = 0;
    bool warned_ = false;
    std::uint64_t given_ = 0;
    std::uint64_t cleared_ = 0;
    std::map<PacketId, std::string> unacknowledged_;
};

}  // namespace mqttc::sub
