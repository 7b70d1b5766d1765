// --stats: how much was received and how fast; for messages of mqtt_pub --stamp also what is lost, duplicate or out of
// order, and the latency.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "latency_histogram.hpp"
#include "mqttc/packet.hpp"
#include "number_format.hpp"
#include "stamp.hpp"
#include "stats_json.hpp"

namespace mqttc::sub {

/// The stamp numbers of one run of mqtt_pub. Numbers before the first one received are not counted as lost.
class NumberTrack {
  public:
    /// How far back a duplicate is distinguished from a late message.
    static constexpr std::uint64_t window = 65'536;

    void add(std::uint64_t number);
    std::uint64_t lost() const { return lost_; }
    std::uint64_t duplicates() const { return duplicates_; }
    std::uint64_t late() const { return late_; }

  private:
    bool seen(std::uint64_t number) const { return (bits_[number % window / 64] >> number % 64 & 1) != 0; }
    void mark(std::uint64_t number, bool received);

    std::vector<std::uint64_t> bits_;  // by number modulo window
    std::uint64_t first_ = 0;
    std::uint64_t highest_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t late_ = 0;
};

class ReceiveStats {
  public:
    /// Publishers beyond this are only counted.
    static constexpr std::size_t max_runs = 1024;

    /// `arrived`: Unix time in nanoseconds.
    void received(const Publish& message, Time now, std::int64_t arrived);
    /// One line: messages, bytes, seconds, rates; stamped ones: loss, duplicates, order, latency.
    std::string text() const;
    /// The same as JSON.
    app::StatsJson json() const;
    const app::LatencyHistogram& latencies() const { return latencies_; }

  private:
    struct Quality {
        std::uint64_t lost = 0;
        std::uint64_t duplicates = 0;
        std::uint64_t late = 0;
    };
    Quality quality() const;

    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t stamped_ = 0;
    std::uint64_t untracked_ = 0;
    Time first_{};
    Time last_{};
    std::unordered_map<std::uint32_t, NumberTrack> runs_;
    app::LatencyHistogram latencies_;
};

}  // namespace mqttc::sub
