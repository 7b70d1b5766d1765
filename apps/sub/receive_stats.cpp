// --stats: how much was received and how fast; for messages of mqtt_pub --stamp also what is lost, duplicate or out of
// order, and the latency.
#include "receive_stats.hpp"

#include <algorithm>
#include <chrono>

namespace mqttc::sub {

void NumberTrack::mark(std::uint64_t number, bool received) {
    const std::uint64_t bit = std::uint64_t{1} << number % 64;
    std::uint64_t& word = bits_[number % window / 64];
    word = received ? word | bit : word & ~bit;
}

void NumberTrack::add(std::uint64_t number) {
    if (bits_.empty()) {
        bits_.resize(window / 64);
        first_ = highest_ = number;
        mark(number, true);
        return;
    }
    if (number > highest_) {
        const std::uint64_t gap = number - highest_ - 1;
        lost_ += gap;
        for (std::uint64_t missing = number - std::min(gap, window - 1); missing < number; ++missing)
            mark(missing, false);
        mark(number, true);
        highest_ = number;
        return;
    }
    const bool known = highest_ - number < window && number >= first_;
    if (known && seen(number)) {
        ++duplicates_;
        return;
    }
    ++late_;
    if (number < first_) {
        // The numbers in between were not counted as lost so far.
        const std::uint64_t gap = first_ - number - 1;
        lost_ += gap;
        if (highest_ - number < window) {
            for (std::uint64_t missing = number + 1; missing < first_; ++missing) mark(missing, false);
            mark(number, true);
        }
        first_ = number;
        return;
    }
    if (lost_ > 0) --lost_;
    if (known) mark(number, true);
}

void ReceiveStats::received(const Publish& message, Time now, std::int64_t arrived) {
    if (messages_++ == 0) first_ = now;
    last_ = now;
    bytes_ += message.payload.size();
    const auto stamp = app::parse_stamp(as_text(message.payload));
    if (!stamp) return;
    ++stamped_;
    // The age of a retained message is not a latency.
    if (!message.retain) latencies_.add(std::chrono::nanoseconds(arrived - stamp->nanoseconds));
    if (const auto run = runs_.find(stamp->run); run != runs_.end()) {
        run->second.add(stamp->number);
    } else if (runs_.size() < max_runs) {
        runs_[stamp->run].add(stamp->number);
    } else {
        ++untracked_;
    }
}

ReceiveStats::Quality ReceiveStats::quality() const {
    Quality sum;
    for (const auto& [run, track] : runs_) {
        sum.lost += track.lost();
        sum.duplicates += track.duplicates();
        sum.late += track.late();
    }
    return sum;
}

std::string ReceiveStats::text() const {
    // Messages of one read, or none, have no rate.
    std::string line = app::throughput_text(messages_, "received", bytes_, last_ - first_);
    if (stamped_ == 0) return line;
    const auto [lost, duplicates, late] = quality();
    line.append("; ").append(std::to_string(stamped_)).append(" stamped by ");
    line.append(app::count_text(runs_.size(), "publisher")).append(": ");
    line.append(std::to_string(lost)).append(" lost, ");
    line.append(app::count_text(duplicates, "duplicate")).append(", ");
    line.append(std::to_string(late)).append(" out of order");
    if (untracked_ > 0)
        line.append(", ").append(app::count_text(untracked_, "message")).append(" of untracked publishers");
    if (latencies_.count() > 0) line.append("; latency: ").append(latencies_.text());
    return line;
}

app::StatsJson ReceiveStats::json() const {
    const Duration took = last_ - first_;
    app::StatsJson json;
    json.add("messages", messages_).add("payload_bytes", bytes_).add("seconds", took);
    json.add_rates(messages_, bytes_, took);
    app::StatsJson stamped;
    const auto [lost, duplicates, late] = quality();
    stamped.add("messages", stamped_).add("publishers", std::uint64_t{runs_.size()});
    stamped.add("lost", lost).add("duplicates", duplicates).add("out_of_order", late);
    stamped.add("messages_untracked", untracked_);
    json.json("stamped", stamped_ > 0 ? stamped.text() : "null").json("latency", latencies_.json());
    return json;
}

}  // namespace mqttc::sub
