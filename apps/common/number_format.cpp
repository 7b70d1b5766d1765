// Numbers with as many digits as are useful.
#include "number_format.hpp"

#include <chrono>
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

std::string duration_text(Duration duration) {
    const auto nanoseconds = static_cast<double>(std::chrono::nanoseconds(duration).count());
    if (nanoseconds < 999.5) return decimal(nanoseconds, 0) + " ns";
    if (nanoseconds < 999.5e3) return three_digits(nanoseconds / 1e3) + " us";
    if (nanoseconds < 999.5e6) return three_digits(nanoseconds / 1e6) + " ms";
    return three_digits(nanoseconds / 1e9) + " s";
}

std::string bytes_text(double bytes) {
    const std::string whole = decimal(bytes, 0);
    if (bytes < 999.5) return whole + (whole == "1" ? " byte" : " bytes");
    if (bytes < 999.95e3) return decimal(bytes / 1e3, 1) + " kB";
    if (bytes < 999.95e6) return decimal(bytes / 1e6, 1) + " MB";
    return decimal(bytes / 1e9, 1) + " GB";
}

std::string rate_text(std::uint64_t count, Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
    return decimal(rate, rate < 99.95 ? 1 : 0);
}

std::string throughput_text(std::uint64_t messages, std::string_view what, std::uint64_t bytes,
                            Duration took) {
    std::string line = count_text(messages, "message").append(" ").append(what).append(", ");
    line.append(bytes_text(static_cast<double>(bytes))).append(" of payload");
    const double seconds = std::chrono::duration<double>(took).count();
    if (seconds <= 0) return line;
    line.append(" in ").append(duration_text(took)).append(": ");
    line.append(rate_text(messages, took)).append(" messages/s, ");
    return line.append(bytes_text(static_cast<double>(bytes) / seconds)).append("/s");
}

}  // namespace mqttc::app
