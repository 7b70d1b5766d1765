// Figures for --stats.
#include "figures.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace mqttc::app {
namespace {

std::string decimal(double value, int digits) {
    char text[64];
    return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.*f", digits, value))};
}

// Three digits, such as 1.25, 12.5, 125.
std::string three_digits(double value) {
    return decimal(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

Duration Latencies::percentile(double share) const {
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

std::string Latencies::text() const {
    std::string line = "min " + duration_text(min());
    line.append(", median ").append(duration_text(percentile(0.5)));
    line.append(", 90% ").append(duration_text(percentile(0.9)));
    line.append(", 99% ").append(duration_text(percentile(0.99)));
    line.append(", max ").append(duration_text(max()));
    return line;
}

std::string duration_text(Duration duration) {
    const auto nanoseconds = static_cast<double>(std::chrono::nanoseconds(duration).count());
    if (nanoseconds < 999.5) return decimal(nanoseconds, 0) + " ns";
    if (nanoseconds < 999.5e3) return three_digits(nanoseconds / 1e3) + " us";
    if (nanoseconds < 999.5e6) return three_digits(nanoseconds / 1e6) + " ms";
    return three_digits(nanoseconds / 1e9) + " s";
}

std::string bytes_text(double bytes) {
    if (bytes < 999.5) return decimal(bytes, 0) + " bytes";
    if (bytes < 999.95e3) return decimal(bytes / 1e3, 1) + " kB";
    if (bytes < 999.95e6) return decimal(bytes / 1e6, 1) + " MB";
    return decimal(bytes / 1e9, 1) + " GB";
}

std::string rate_text(std::uint64_t count, Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
    return decimal(rate, rate < 99.95 ? 1 : 0);
}

std::string count_text(std::uint64_t count, std::string_view singular) {
    return std::to_string(count).append(" ").append(singular).append(count == 1 ? "" : "s");
}

}  // namespace mqttc::app
