// Percentiles of the histogram.
#include "latency_histogram.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "number_format.hpp"
#include "stats_json.hpp"

namespace mqttc::app {

Duration LatencyHistogram::percentile(double share) const {
    if (count_ == 0) return Duration(0);
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < class_count; ++i) {
        seen += classes_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1)) return Duration(std::clamp(top_of(i), min_, max_));
    }
    return max();
}

std::string LatencyHistogram::text() const {
    std::string line = "min " + duration_text(min());
    line.append(", median ").append(duration_text(percentile(0.5)));
    line.append(", 90% ").append(duration_text(percentile(0.9)));
    line.append(", 99% ").append(duration_text(percentile(0.99)));
    line.append(", max ").append(duration_text(max()));
    return line;
}

std::vector<LatencyHistogram::Row> LatencyHistogram::rows() const {
    constexpr std::size_t most = 12;
    for (bool fine = true;; fine = false) {
        std::vector<Row> rows;
        std::size_t next = 0;
        std::uint64_t left = count_;
        // 1, 2 and 5 times each power of ten, or only these.
        std::uint64_t power = 1;
        for (unsigned step = 0; left > 0; ++step) {
            constexpr std::uint64_t factors[] = {1, 2, 5};
            constexpr std::uint64_t highest = INT64_MAX;
            const std::uint64_t up_to = power > highest / 10 ? highest : power * factors[fine ? step % 3 : 0];
            if ((!fine || step % 3 == 2) && power <= highest / 10) power *= 10;
            std::uint64_t count = 0;
            for (; next < class_count && std::min(top_of(next), max_) <= up_to; ++next)
                count += classes_[next];
            left -= count;
            if (count > 0 || !rows.empty()) rows.push_back({up_to, count});
        }
        if (rows.size() <= most || !fine) return rows;
    }
}

std::string LatencyHistogram::chart() const {
    constexpr std::size_t widest = 40;
    std::string text;
    std::uint64_t highest = 0;
    const auto all = rows();
    for (const Row& row : all) highest = std::max(highest, row.count);
    for (const Row& row : all) {
        constexpr const char* units[] = {"ns", "us", "ms", "s"};
        std::uint64_t number = row.up_to;
        std::size_t unit = 0;
        for (; unit < 3 && number >= 1000; ++unit) number /= 1000;
        char line[64];
        const int length = std::snprintf(
            line, sizeof line, "%11s %3llu %-2s %11llu", text.empty() ? "latency to" : "",
            static_cast<unsigned long long>(number), units[unit], static_cast<unsigned long long>(row.count));
        text.append(line, static_cast<std::size_t>(length));
        // A class that has any has a bar.
        const auto bar = static_cast<std::size_t>(std::ceil(
            static_cast<double>(row.count) / static_cast<double>(highest) * static_cast<double>(widest)));
        if (bar > 0) text.append("  ").append(bar, '#');
        text.append("\n");
    }
    return text;
}

std::string LatencyHistogram::json() const {
    if (count_ == 0) return "null";
    std::string classes;
    for (const Row& row : rows()) {
        classes.append(classes.empty() ? "" : ",");
        classes +=
            StatsJson().add("up_to", std::chrono::nanoseconds(row.up_to)).add("count", row.count).text();
    }
    return StatsJson()
        .add("count", count_)
        .add("min", min())
        .add("median", percentile(0.5))
        .add("p90", percentile(0.9))
        .add("p99", percentile(0.99))
        .add("max", max())
        .json("histogram", "[" + classes + "]")
        .text();
}

}  // namespace mqttc::app
