// The line of --stats=json: one JSON object.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc::app {

/// Names are constants of the programs: they are not escaped.
class StatsJson {
  public:
    StatsJson& add(std::string_view name, std::uint64_t number) { return json(name, std::to_string(number)); }
    /// A finite number.
    StatsJson& add(std::string_view name, double number) {
        char text[40];
        const int length = std::snprintf(text, sizeof text, "%.9g", number);
        return json(name, {text, static_cast<std::size_t>(length)});
    }
    /// In seconds.
    StatsJson& add(std::string_view name, Duration duration) {
        return add(name, std::chrono::duration<double>(duration).count());
    }
    /// Rates of `messages` and `bytes`; null if no time has passed.
    StatsJson& add_rates(std::uint64_t messages, std::uint64_t bytes, Duration took) {
        const double seconds = std::chrono::duration<double>(took).count();
        if (seconds <= 0) return json("messages_per_second", "null").json("payload_bytes_per_second", "null");
        return add("messages_per_second", static_cast<double>(messages) / seconds)
            .add("payload_bytes_per_second", static_cast<double>(bytes) / seconds);
    }
    /// `value` is JSON.
    StatsJson& json(std::string_view name, std::string_view value) {
        text_.append(text_.size() > 1 ? ",\"" : "\"").append(name).append("\":").append(value);
        return *this;
    }
    std::string text() const { return text_ + "}"; }

  private:
    std::string text_ = "{";
};

}  // namespace mqttc::app
