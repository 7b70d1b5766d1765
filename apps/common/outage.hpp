// What is told of a connection that is away and tried again: a line for each reason, not for each try.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"
#include "options.hpp"

namespace mqttc::app {

/// "1.5 s", rounded up to milliseconds.
std::string seconds_text(Duration duration);

class Outage {
  public:
    /// So long after the last line a try that fails is told again, whatever its reason.
    static constexpr Duration reminder = std::chrono::minutes(1);

    /// Nothing is said of how the tries could end.
    Outage() = default;
    explicit Outage(const Options& options)
        : endless_(!options.connection.reconnect && !options.run_timeout) {}

    /// A try has failed, or the connection was lost. The line for people, if one is due: `why`, what else there
    /// is to it, when the next try comes, and the first time also how the tries could end.
    std::optional<std::string> line(std::string_view why, std::string_view more, Duration retry_in, Time now);
    /// It is connected.
    void over() { *this = Outage(endless_); }
    /// Why it is away; empty: it is not, or nothing was tried yet.
    const std::string& reason() const { return reason_; }
    /// What there is to say while it is not connected: why not, as far as that is known.
    std::string not_connected() const;

  private:
    explicit Outage(bool endless) : endless_(endless) {}

    bool endless_ = false;  // the user has not said when to give up, and was not told how to
    std::string reason_;
    Time since_{};
    Time told_{};
};

}  // namespace mqttc::app
