// Latencies for --stats in a histogram of fixed size.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc::app {

/// Counts durations in classes no wider than 1/32 of their value; 15 KiB, whatever is added.
class LatencyHistogram {
  public:
    void add(Duration latency) {
        const auto value = latency.count() > 0 ? static_cast<std::uint64_t>(latency.count()) : 0;
        ++classes_[class_of(value)];
        if (count_++ == 0 || value < min_) min_ = value;
        if (value > max_) max_ = value;
    }
    std::uint64_t count() const { return count_; }
    Duration min() const { return Duration(min_); }
    Duration max() const { return Duration(max_); }
    /// The duration that `share` of all (0 to 1) do not exceed, to 1/32 and never beyond max(). Zero when
    /// nothing was added.
    Duration percentile(double share) const;

    /// "min 0.12 ms, median 0.30 ms, 90% 0.51 ms, 99% 1.2 ms, max 3.4 ms"
    std::string text() const;
    /// A line with a bar for each of at most a dozen classes, or for each power of ten; empty when nothing was added.
    std::string chart() const;
    /// The figures of text() and the classes of chart() as JSON, in seconds; "null" when nothing was added.
    std::string json() const;

  private:
    struct Row {
        std::uint64_t up_to;  ///< nanoseconds; to 1/32, as classes have it
        std::uint64_t count;
    };
    std::vector<Row> rows() const;

    static constexpr unsigned step_bits = 5;
    static constexpr std::size_t steps = std::size_t{1} << step_bits;
    static constexpr std::size_t class_count = (64 - step_bits + 1) * steps;

    static constexpr std::size_t class_of(std::uint64_t value) {
        if (value < steps) return static_cast<std::size_t>(value);
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
        return (std::size_t{shift} + 1) * steps + (static_cast<std::size_t>(value >> shift) - steps);
    }
    /// The largest value of a class.
    static constexpr std::uint64_t top_of(std::size_t index) {
        if (index < steps) return index;
        const auto shift = static_cast<unsigned>(index / steps) - 1;
        return (std::uint64_t{(index % steps) + steps + 1} << shift) - 1;
    }

    std::array<std::uint64_t, class_count> classes_{};
    std::uint64_t count_ = 0;
    std::uint64_t min_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace mqttc::app
