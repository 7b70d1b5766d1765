// The rows of the live view.
#include "live_rows.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace mqttc::sub {
namespace {

// Levels before characters: a topic is followed by those below it.
bool topic_before(const LiveEntry* one, const LiveEntry* other) {
    const std::string_view a = one->topic;
    const std::string_view b = other->topic;
    const auto [x, y] = std::ranges::mismatch(a, b);
    if (x == a.end() || y == b.end()) return a.size() < b.size();
    if (*x == '/' || *y == '/') return *x == '/';
    return static_cast<unsigned char>(*x) < static_cast<unsigned char>(*y);
}

// The highest key first; equal ones keep their order. Radix sort, the lowest byte first: twice as fast as comparing.
template <typename Key>
void sort_by(std::vector<const LiveEntry*>& entries, Key key) {
    // The keys are fetched once each: the entries are scattered in memory.
    using Keyed = std::pair<std::uint64_t, const LiveEntry*>;
    std::vector<Keyed> keyed;
    keyed.reserve(entries.size());
    std::uint64_t differing = 0;
    for (const LiveEntry* const entry : entries) {
        keyed.emplace_back(~std::uint64_t{key(*entry)}, entry);
        differing |= keyed.back().first ^ keyed.front().first;
    }
    std::vector<Keyed> sorted(keyed.size());
    for (unsigned shift = 0; shift < 64; shift += 8) {
        const auto byte = [shift](const Keyed& one) {
            return static_cast<std::size_t>(one.first >> shift & 0xff);
        };
        if ((differing >> shift & 0xff) == 0) continue;
        std::array<std::size_t, 257> starts{};
        for (const Keyed& one : keyed) ++starts[byte(one) + 1];
        for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
        for (const Keyed& one : keyed) sorted[starts[byte(one)]++] = one;
        keyed.swap(sorted);
    }
    std::ranges::transform(keyed, entries.begin(), &Keyed::second);
}

// `part` is not empty.
bool contains_ignoring_case(std::string_view text, std::string_view part) {
    const auto equal = [](char a, char b) { return lower(a) == lower(b); };
    return std::ranges::search(text, part, equal).begin() != text.end();
}

bool matches(const LiveEntry& entry, std::string_view filter) {
    return contains_ignoring_case(entry.topic, filter) ||
           contains_ignoring_case(std::string_view(entry.value).substr(0, max_shown), filter) ||
           contains_ignoring_case(entry.line, filter);
}

}  // namespace

void LiveRows::update(const LiveModel& model, Time now) {
    const auto all = model.entries();
    if (by_topic_.size() < all.size()) {
        // New topics are merged: sorting them all would take too long each time.
        std::vector<const LiveEntry*> added(all.begin() + static_cast<std::ptrdiff_t>(by_topic_.size()),
                                            all.end());
        std::ranges::sort(added, topic_before);
        std::vector<const LiveEntry*> merged(all.size());
        std::ranges::merge(by_topic_, added, merged.begin(), topic_before);
        by_topic_ = std::move(merged);
    }
    shown_.clear();
    for (const LiveEntry* const entry : by_topic_) {
        if (filter.empty() || matches(model.shown(entry), filter)) shown_.push_back(entry);
    }
    rows_.clear();
    if (tree) return add_tree();
    switch (order) {
        case LiveOrder::topic:
            break;
        case LiveOrder::time:
            sort_by(shown_, [&](const LiveEntry& it) {
                return static_cast<std::uint64_t>(model.shown(&it).last.time_since_epoch().count());
            });
            break;
        case LiveOrder::rate:
            sort_by(shown_, [&, second = LiveModel::second_of(now)](const LiveEntry& it) {
                // Whole numbers, rounded: a rate is a number of messages divided by 1 to 5.
                return (static_cast<std::uint64_t>(model.shown(&it).rate.rate(second) * 120) + 1) / 2;
            });
            break;
        case LiveOrder::changes:
            sort_by(shown_, [&](const LiveEntry& it) { return model.shown(&it).changes; });
            break;
    }
    rows_.reserve(shown_.size());
    for (const LiveEntry* const entry : shown_)
        rows_.push_back({.entry = entry, .name = entry->topic, .path = entry->topic});
}

void LiveRows::add_tree() {
    struct Open {
        std::size_t row;
        std::size_t length;  // of the path
        std::uint32_t topics;
        bool hidden;  // it or one above it is folded
    };
    std::vector<Open> open;
    const auto close = [&](std::size_t levels) {
        for (; open.size() > levels; open.pop_back()) {
            if (open.back().row < rows_.size()) rows_[open.back().row].topics = open.back().topics;
            if (open.size() > 1) open[open.size() - 2].topics += open.back().topics;
        }
    };
    std::string_view before;
    for (const LiveEntry* const entry : shown_) {
        const std::string_view topic = entry->topic;
        std::size_t kept = 0;
        while (kept < open.size() && topic.starts_with(before.substr(0, open[kept].length))) ++kept;
        close(kept);
        std::size_t start = open.empty() ? 0 : open.back().length;
        for (std::size_t slash = topic.find('/', start); slash != std::string_view::npos;
             slash = topic.find('/', start)) {
            const bool hidden = !open.empty() && open.back().hidden;
            const std::string_view path = topic.substr(0, slash + 1);
            const bool is_folded = folded.contains(path);
            open.push_back({hidden ? SIZE_MAX : rows_.size(), slash + 1, 0, hidden || is_folded});
            if (!hidden)
                rows_.push_back({.name = topic.substr(start, slash + 1 - start),
                                 .path = path,
                                 .depth = static_cast<std::uint32_t>(open.size() - 1),
                                 .folded = is_folded});
            start = slash + 1;
        }
        const bool hidden = !open.empty() && open.back().hidden;
        if (!open.empty()) ++open.back().topics;
        if (!hidden)
            rows_.push_back({.entry = entry,
                             .name = topic.substr(start),
                             .path = topic,
                             .depth = static_cast<std::uint32_t>(open.size())});
        before = topic;
    }
    close(0);
}

std::size_t LiveRows::find(const LiveEntry* entry, std::string_view path) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rows_[i].entry == entry && (entry != nullptr || rows_[i].path == path)) return i;
    }
    return SIZE_MAX;
}

}  // namespace mqttc::sub
