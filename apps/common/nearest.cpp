// Names that begin as a wrong one does, and the distance between words.
#include "nearest.hpp"

#include <algorithm>
#include <vector>

namespace mqttc::app {
namespace {

// Number of single-character edits (insert, delete, replace, swap of neighbours) between two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> table((a.size() + 1) * width);
    const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * width + j]; };
    for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
    for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
            at(i, j) = std::min({replaced, at(i - 1, j) + 1, at(i, j - 1) + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
            }
        }
    }
    return at(a.size(), b.size());
}

}  // namespace

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> names) {
    constexpr std::size_t longest = 64;
    if (given.size() < 2 || given.size() > longest) return {};
    const auto begins = [&](std::string_view name) { return name.starts_with(given); };
    if (std::ranges::count_if(names, begins) == 1) return *std::ranges::find_if(names, begins);
    std::string_view nearest;
    std::size_t best = std::max<std::size_t>(1, given.size() / 3) + 1;
    for (const std::string_view name : names) {
        const std::size_t distance = edit_distance(given, name);
        if (distance < best) {
            best = distance;
            nearest = name;
        }
    }
    return nearest;
}

}  // namespace mqttc::app
