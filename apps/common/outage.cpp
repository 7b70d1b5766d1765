// Reports outages.
#include "outage.hpp"

#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "error_hints.hpp"

namespace mqttc::app {

std::string Outage::not_connected(const std::optional<Error>& awaited) const {
    if (!reason_.empty()) return "not connected: " + reason_;
    return awaited ? error_text(*awaited) : "not connected";
}

void Outage::over(Time now) {
    reason_.clear();
    connected_ = now;
}

// Two clients with one identifier disconnect each other again and again, and MQTT 3.x has no reason code for it.
std::string Outage::hint(Time now) {
    if (!connected_) return {};
    short_connections_ = now - *connected_ < short_connection ? short_connections_ + 1 : 0;
    connected_.reset();
    if (short_connections_ != short_connections_until_hint) return {};
    std::string text = " (" + std::to_string(short_connections_) + " times soon after connecting: does ";
    if (!identifier_.empty())
        text.append("another client use the identifier '")
            .append(escape_controls(identifier_))
            .append("', or does ");
    return text.append("the broker not allow what was sent?)");
}

Outage::Outage(const ConnectionOptions& connection, const RunOptions& run)
    : endless_(!connection.reconnect && !run.timeout) {
    if (connection.client_id) identifier_ = *connection.client_id;
}

std::optional<std::string> Outage::line(std::string_view why, std::string_view more, Duration retry_in,
                                        Time now) {
    const bool starts = reason_.empty();
    const std::string likely = starts ? hint(now) : "";
    const bool reminds = !starts && now - reported_at_ >= reminder;
    if (reason_ == why && !reminds) return std::nullopt;
    if (starts) since_ = now;
    reported_at_ = now;
    reason_ = why;
    std::string text;
    if (reminds) {
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - since_).count();
        text.append("not connected for ").append(std::to_string(minutes)).append(" min: ");
    }
    // Jitter makes the time uneven: milliseconds are only shown when it is short.
    constexpr Duration tenth = std::chrono::milliseconds(100);
    const Duration shown = retry_in < std::chrono::seconds(1) ? retry_in : retry_in / tenth * tenth;
    text.append(why).append(more);
    // A redirect is followed at once.
    if (retry_in == Duration::zero()) return text.append(likely);
    text.append("; trying again in ").append(seconds_text(shown));
    if (std::exchange(endless_, false)) text.append(" (forever; --reconnect N or -W limits it)");
    return text.append(likely);
}

}  // namespace mqttc::app
