// What is told of a connection that is away and tried again: a line for each reason, not for each try.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"
#include "options.hpp"

namespace mqttc::app {

/// "1.5 s", rounded up to milliseconds.
std::string seconds_text(Duration duration);

class Outage {
  public:
    /// So long after the last line a try that fails is told again, whatever its reason.
    static constexpr Duration reminder = std::chrono::minutes(1);
    /// A broker that closes this soon after CONNACK does so for a reason that it does not tell, ...
    static constexpr Duration moment = std::chrono::seconds(10);
    /// ... and after so many times in a row the likely ones are told.
    static constexpr int moments_until_hint = 3;

    /// Nothing is said of how the tries could end.
    Outage() = default;
    explicit Outage(const Options& options)
        : endless_(!options.connection.reconnect && !options.run_timeout),
          identifier_(options.connection.client_id.value_or("")) {}

    /// A try has failed, or the connection was lost. The line for people, if one is due: `why`, what else there
    /// is to it, when the next try comes, and the first time also how the tries could end.
    std::optional<std::string> line(std::string_view why, std::string_view more, Duration retry_in, Time now);
    /// It is connected.
    void over(Time now);
    /// Why it is away; empty: it is not, or nothing was tried yet.
    const std::string& reason() const { return reason_; }
    /// What there is to say while it is not connected: why not, or what the first try waits for (Client::awaited).
    std::string not_connected(const std::optional<Error>& awaited) const;

  private:
    std::string hint(Time now);

    bool endless_ = false;    // the user has not said when to give up, and was not told how to
    std::string identifier_;  // the user's own; empty: a random one, which nobody else has
    std::optional<Time> connected_;
    int moments_ = 0;  // connections in a row that lasted no longer than that
    std::string reason_;
    Time since_{};
    Time told_{};
};

}  // namespace mqttc::app
