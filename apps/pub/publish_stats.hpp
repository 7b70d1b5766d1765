// --stats of a publishing run: bytes, rates, and how long acknowledgements took. Allocates nothing per
// message.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "latency_histogram.hpp"
#include "mqttc/types.hpp"
#include "number_format.hpp"
#include "stats_json.hpp"

namespace mqttc::pub {

class PublishStats {
  public:
    /// A message was given to the session. `id` is 0 at QoS 0, where `payload` may be the sum of several messages.
    void published(PacketId id, std::size_t payload) {
        const Time now = std::chrono::steady_clock::now();
        if (!started_) start_ = now;
        started_ = true;
        bytes_ += payload;
        if (id == 0) return;
        if (sent_at_.empty()) sent_at_.resize(all_ids);
        sent_at_[id] = now;
    }
    void acknowledged(PacketId id) {
        if (sent_at_.empty() || sent_at_[id] == Time{}) return;
        latencies_.add(std::chrono::steady_clock::now() - sent_at_[id]);
        sent_at_[id] = {};
    }
    /// "100 messages delivered, 1.2 kB of payload in 0.123 s: 813 messages/s, 9.8 kB/s; latency of acknowledgements: …"
    std::string text(std::uint64_t delivered) const {
        std::string line = app::throughput_text(delivered, "delivered", bytes_, elapsed());
        if (latencies_.count() > 0) line.append("; latency of acknowledgements: ").append(latencies_.text());
        return line;
    }
    /// The same. `all`: delivered or not.
    app::StatsJson json(std::uint64_t all, std::uint64_t delivered) const {
        const Duration took = elapsed();
        app::StatsJson json;
        json.add("messages", all)
            .add("delivered", delivered)
            .add("payload_bytes", bytes_)
            .add("seconds", took);
        return json.add_rates(delivered, bytes_, took).json("latency", latencies_.json());
    }
    const app::LatencyHistogram& latencies() const { return latencies_; }

  private:
    Duration elapsed() const { return started_ ? std::chrono::steady_clock::now() - start_ : Duration(0); }

    static constexpr std::size_t all_ids = 65'536;

    bool started_ = false;
    Time start_{};
    std::uint64_t bytes_ = 0;
    std::vector<Time> sent_at_;  ///< by packet identifier
    app::LatencyHistogram latencies_;
};

}  // namespace mqttc::pub
