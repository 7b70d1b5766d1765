// What -w knows of each topic.
#include "live_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/sha1.hpp"
#include "base/text.hpp"
#include "mqttc/property.hpp"

namespace mqttc::sub {
namespace {

// Before each earlier value in LiveEntry::history.
struct EarlierHead {
    std::int64_t milliseconds;
    std::uint16_t length;
};
constexpr std::size_t head_size = sizeof(std::int64_t) + sizeof(std::uint16_t);

EarlierHead read_head(const std::string& history, std::size_t at) {
    EarlierHead head{};
    std::memcpy(&head.milliseconds, history.data() + at, sizeof head.milliseconds);
    std::memcpy(&head.length, history.data() + at + sizeof head.milliseconds, sizeof head.length);
    return head;
}

std::size_t memory_of(const LiveEntry& entry) {
    return entry.topic.capacity() + entry.value.capacity() + entry.line.capacity() +
           entry.properties.capacity() + entry.history.capacity() + entry.samples.capacity();
}

std::string_view property_text(const Property& property, const PropertyInfo& info, std::string& scratch) {
    switch (info.type) {
        case PropertyType::utf8:
        case PropertyType::binary:
            return property.text;
        case PropertyType::utf8_pair:
            scratch.assign(property.name).append("=").append(property.text);
            return scratch;
        default:
            scratch = std::to_string(property.number);
            return scratch;
    }
}

void list_properties(PropertiesView properties, std::string& out) {
    out.clear();
    std::string scratch;
    for (const Property& property : properties) {
        const PropertyInfo* const info = find_property(property.id);
        if (info == nullptr || out.size() >= LiveModel::max_properties) continue;
        out.append(info->name).append(": ");
        out.append(property_text(property, *info, scratch).substr(0, LiveModel::max_properties)).append("\n");
    }
}

}  // namespace

std::optional<double> number_in(std::string_view text) {
    constexpr std::size_t longest_unit = 8;
    constexpr std::size_t longest_number = 40;
    constexpr std::string_view spaces = " \n\r\t";
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    text = text.substr(0, text.find_last_not_of(spaces) + 1);
    if (text.size() > longest_number + longest_unit) return std::nullopt;
    struct Word {
        std::string_view text;
        double number;
    };
    for (const Word& word :
         {Word{"on", 1}, Word{"off", 0}, Word{"true", 1}, Word{"false", 0}, Word{"open", 1},
          Word{"closed", 0}, Word{"online", 1}, Word{"offline", 0}, Word{"yes", 1}, Word{"no", 0}}) {
        if (equal_ignoring_case(text, word.text)) return word.number;
    }
    // strtod() also reads numbers without a digit at their start, and hexadecimal ones.
    const std::string_view digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    if (digits.empty() || !is_digit(digits[0])) return std::nullopt;
    const std::string copy(text);
    char* end = nullptr;
    const double number = std::strtod(copy.c_str(), &end);
    std::string_view unit = text.substr(static_cast<std::size_t>(end - copy.c_str()));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const bool is_unit = unit.size() <= longest_unit && std::ranges::none_of(unit, [](char c) {
                             return is_digit(c) || is_control(c) ||
                                    std::string_view("{}[]\":,;").find(c) != std::string_view::npos;
                         });
    const bool is_decimal = digits.size() < 2 || lower(digits[1]) != 'x';
    return is_unit && is_decimal && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

void RateMeter::advance(std::int64_t second) {
    if (first_ < 0) first_ = last_ = second;
    const std::int64_t empty = std::min(second - last_, slots);
    for (std::int64_t i = 1; i <= empty; ++i) counts_[static_cast<std::size_t>((last_ + i) % slots)] = 0;
    last_ = std::max(last_, second);
}

double RateMeter::rate(std::int64_t second) const {
    if (first_ < 0 || second - last_ > span) return 0;
    // All slots but those of the seconds that are not complete, or were before the span.
    std::uint64_t sum = 0;
    for (const std::uint32_t count : counts_) sum += count;
    for (std::int64_t other = std::min(last_ + 1, second); other <= second; ++other)
        sum -= counts_[static_cast<std::size_t>(other % slots)];
    const std::int64_t seconds = std::clamp<std::int64_t>(second - first_, 1, span);
    return static_cast<double>(sum) / static_cast<double>(seconds);
}

LiveEntry* LiveModel::find_or_add(std::string_view topic) {
    std::string cut;
    if (topic.size() > max_shown) {
        cut.append(topic.substr(0, max_shown)).append(" ").append(to_hex(sha1(topic)));
        topic = cut;
    }
    if (const auto found = by_topic_.find(topic); found != by_topic_.end()) return &found->second;
    if (entries_.size() >= max_topics) return nullptr;
    LiveEntry& entry = by_topic_[std::string(topic)];
    entry.topic = topic;
    entry.topic_is_cut = !cut.empty();
    entry.number = entries_.size();
    entries_.push_back(&entry);
    bytes_ += memory_of(entry);
    return &entry;
}

void LiveModel::take(const Publish& message, const Shown& shown, Time now, output::WallTime wall) {
    const std::int64_t second = second_of(now);
    ++count_;
    rate_.count(second);
    LiveEntry* const entry = find_or_add(message.topic);
    if (entry == nullptr) {
        ++left_out_;
        return;
    }
    if (paused_ && entry->number < paused_->entries && paused_->before.try_emplace(entry, *entry).second)
        release(1);
    const std::size_t before = memory_of(*entry);
    const bool full = bytes_ > max_bytes;
    const std::string_view kept = shown.text.substr(0, full ? max_value_when_full : max_value);
    if (entry->count == 0 || entry->value != kept || entry->size != shown.text.size()) {
        entry->changed = now;
        if (entry->count > 0) ++entry->changes;
        // Memory of a long value is given back.
        if (entry->value.capacity() > 4 * kept.size() + max_shown) entry->value = std::string();
        entry->value.assign(kept);
        entry->size = shown.text.size();
    }
    entry->line.assign(shown.line.substr(0, max_line));
    ++entry->count;
    entry->last = now;
    entry->retained = message.retain;
    entry->qos = message.qos;
    entry->rate.count(second);
    if (!message.properties.empty() || !entry->properties.empty())
        list_properties(message.properties, entry->properties);
    const auto number = shown.is_value ? number_in(shown.text.substr(0, max_shown)) : std::nullopt;
    entry->is_number = number.has_value();
    if (number) {
        const bool first = entry->numbers_known == 0;
        entry->lowest = first ? *number : std::min(entry->lowest, *number);
        entry->highest = first ? *number : std::max(entry->highest, *number);
        if (entry->numbers_known == LiveEntry::curve_points) {
            std::shift_left(entry->numbers.begin(), entry->numbers.end(), 1);
            --entry->numbers_known;
        }
        entry->numbers[entry->numbers_known++] = *number;
    }
    remember(*entry, wall, shown.text, full);
    bytes_ += memory_of(*entry) - before;
}

void LiveModel::pause() {
    if (!paused_) paused_ = {.entries = entries_.size(), .count = count_, .before = {}};
}

void LiveModel::resume() {
    if (paused_ && released_.empty()) released_.swap(paused_->before);
    paused_.reset();
}

void LiveModel::release(std::size_t most) {
    for (; most > 0 && !released_.empty(); --most) released_.erase(released_.begin());
}

namespace {

void append_record(std::string& history, std::int64_t milliseconds, std::string_view text) {
    const std::string_view kept = text.substr(0, LiveModel::max_earlier_value);
    const auto length = static_cast<std::uint16_t>(kept.size());
    std::size_t known = 0;
    for (std::size_t at = 0; at < history.size(); at += head_size + read_head(history, at).length) ++known;
    if (known >= LiveModel::max_earlier) history.erase(0, head_size + read_head(history, 0).length);
    char head[head_size];
    std::memcpy(head, &milliseconds, sizeof milliseconds);
    std::memcpy(head + sizeof milliseconds, &length, sizeof length);
    history.append(head, head_size).append(kept);
}

}  // namespace

void LiveModel::remember(LiveEntry& entry, output::WallTime wall, std::string_view text, bool full) {
    if (full) {
        entry.history = entry.samples = std::string();
        return;
    }
    const std::int64_t milliseconds = wall.seconds * 1000 + wall.nanoseconds / 1'000'000;
    append_record(entry.history, milliseconds, text);
    if (entry.samples.empty() || milliseconds - entry.last_sample >= sample_milliseconds) {
        append_record(entry.samples, milliseconds, text);
        entry.last_sample = milliseconds;
    }
}

void LiveModel::each_value(const LiveEntry& entry,
                           const std::function<void(std::int64_t, std::string_view)>& visit) {
    const std::int64_t dense = entry.history.empty() ? INT64_MAX : read_head(entry.history, 0).milliseconds;
    for (const std::string* const part : {&entry.samples, &entry.history}) {
        for (std::size_t at = 0; at < part->size();) {
            const EarlierHead head = read_head(*part, at);
            if (part == &entry.history || head.milliseconds < dense)
                visit(head.milliseconds, std::string_view(*part).substr(at + head_size, head.length));
            at += head_size + head.length;
        }
    }
}

}  // namespace mqttc::sub
