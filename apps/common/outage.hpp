// Reports the outage of a connection that is tried again: a line for each cause, not for each attempt.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"
#include "options.hpp"

namespace mqttc::app {

class Outage {
  public:
    /// This long after the last line a failed attempt is reported again, whatever its cause.
    static constexpr Duration reminder = std::chrono::minutes(1);
    /// A connection that ends sooner after CONNACK is short: probably the broker ended it, for a cause that it did not give.
    static constexpr Duration short_connection = std::chrono::seconds(10);
    /// After this many short connections in a row likely causes are suggested.
    static constexpr int short_connections_until_hint = 3;

    Outage(const ConnectionOptions& connection, const RunOptions& run);

    /// An attempt has failed, or the connection was lost. The line for the user, if one is due: `why`, `more`, when the
    /// next attempt starts, and the first time also how the attempts could be limited.
    std::optional<std::string> line(std::string_view why, std::string_view more, Duration retry_in, Time now);
    /// It is connected.
    void over(Time now);
    /// The cause of the outage; empty: there is none, or nothing was tried yet.
    const std::string& reason() const { return reason_; }
    /// The state while not connected: why not, or what the first attempt waits for (Client::awaited).
    std::string not_connected(const std::optional<Error>& awaited) const;

  private:
    std::string hint(Time now);

    bool endless_;            // the user has not limited the attempts, and the hint how to was not given yet
    std::string identifier_;  // the user's own; empty: a random one, which is unique
    std::optional<Time> connected_;
    int short_connections_ = 0;  // in a row
    std::string reason_;
    Time since_{};
    Time reported_at_{};
};

}  // namespace mqttc::app
