// Percentiles of the histogram.
#include "latency_histogram.hpp"

#include <algorithm>
#include <cmath>

#include "number_format.hpp"

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

}  // namespace mqttc::app
