// The line of --progress.
#include "progress.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "number_format.hpp"

namespace mqttc::pub {
namespace {

// For messages from this size on, progress is counted in bytes.
constexpr std::uint64_t large_message = 64 * 1024;

std::string clock_text(double seconds) {
    const auto whole = static_cast<long long>(std::min(seconds + 0.5, 1e9));
    char text[48];
    if (whole >= 3600) {
        std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
    }
    return text;
}

bool by_bytes(const ProgressFacts& facts) {
    if (!facts.bytes || facts.bytes->all == 0) return false;
    return !facts.all || *facts.all == 0 || facts.bytes->all / *facts.all >= large_message;
}

// The part that is done, 0 to 1; negative: unknown.
double share_of(const ProgressFacts& facts) {
    if (by_bytes(facts))
        return static_cast<double>(facts.bytes->taken) / static_cast<double>(facts.bytes->all);
    if (!facts.all || *facts.all == 0) return -1;
    return static_cast<double>(facts.delivered) / static_cast<double>(*facts.all);
}

}  // namespace

std::string progress_bar(const ProgressFacts& facts) {
    constexpr std::size_t columns = 20;
    const double share = share_of(facts);
    if (share < 0) return {};
    const auto full = static_cast<std::size_t>(std::min(share, 1.0) * columns);
    std::string bar(full, '=');
    if (full < columns) bar += '>';
    bar.resize(columns, ' ');
    return "[" + bar + "] ";
}

std::string progress_text(const ProgressFacts& facts) {
    std::string line;
    const double share = share_of(facts);
    const auto percent = [&] { return std::to_string(static_cast<int>(share * 100)) + "%"; };
    if (by_bytes(facts)) {
        line.append(percent()).append(" of ").append(app::bytes_text(static_cast<double>(facts.bytes->all)));
        line.append(", ").append(app::count_text(facts.delivered, "message"));
    } else if (facts.all && *facts.all > 0) {
        line.append(std::to_string(facts.delivered)).append(" of ");
        line.append(app::count_text(*facts.all, "message")).append(" (").append(percent()).append(")");
    } else {
        line.append(app::count_text(facts.delivered, "message"));
    }
    line.append(", ").append(app::rate_text(facts.delivered, facts.elapsed)).append(" messages/s");
    if (share > 0) {
        const double elapsed = std::chrono::duration<double>(facts.elapsed).count();
        line.append(", ").append(clock_text(elapsed * (1 - std::min(share, 1.0)) / share)).append(" left");
    }
    return line;
}

}  // namespace mqttc::pub
