// Topic names and filters: validity, explanations, matching, shared subscriptions (MQTT 5.0 sections 4.7 and 4.8), and
// UTF-8 as MQTT requires it (1.5.4).
#include "mqttc/topic.hpp"

#include <initializer_list>

#include "base/escape.hpp"
#include "rules.hpp"
#include "utf8.hpp"

namespace mqttc {

namespace {

constexpr std::string_view share_prefix = "$share/";
constexpr std::string_view wildcards = "+#";

/// Longer suggestions are not useful.
constexpr std::size_t longest_suggestion = 200;

/// The text up to the next '/', taken from the front of `rest` together with the '/'. `last`: whether there
/// was none.
std::string_view take_level(std::string_view& rest, bool& last) {
    const std::size_t slash = rest.find('/');
    last = slash == std::string_view::npos;
    const std::string_view level = rest.substr(0, slash);
    rest.remove_prefix(last ? rest.size() : slash + 1);
    return level;
}

std::optional<TopicFault> check_text(std::string_view text) {
    if (text.empty()) return TopicFault::empty;
    if (text.size() > max_topic_bytes) return TopicFault::too_long;
    if (!codec::text_ok(text)) return TopicFault::invalid_utf8;
    return {};
}

/// Where the wildcards of a filter stand wrongly [MQTT-4.7.1-1], [MQTT-4.7.1-2].
std::optional<TopicFault> check_wildcards(std::string_view filter) {
    for (bool last = false; !last;) {
        const std::string_view level = take_level(filter, last);
        const std::size_t wildcard = level.find_first_of(wildcards);
        if (wildcard == std::string_view::npos) continue;
        if (level.size() > 1)
            return level[wildcard] == '+' ? TopicFault::plus_not_alone : TopicFault::hash_not_alone;
        if (level == "#" && !last) return TopicFault::hash_not_last;
    }
    return {};
}

/// A filter near to `filter` that is good: wildcards get levels of their own and nothing follows '#'.
std::string with_own_levels(std::string_view filter) {
    std::string good;
    bool first = true;
    const auto add = [&](std::string_view level) {
        if (!first) good += '/';
        first = false;
        good += level;
    };
    for (bool last = false; !last;) {
        std::string_view level = take_level(filter, last);
        if (level.find_first_of(wildcards) == std::string_view::npos) add(level);
        while (!level.empty()) {
            const std::size_t wildcard = level.find_first_of(wildcards);
            if (wildcard == std::string_view::npos) break;
            if (wildcard > 0) add(level.substr(0, wildcard));
            add(level.substr(wildcard, 1));
            if (level[wildcard] == '#') return good;
            level.remove_prefix(wildcard + 1);
            if (!level.empty() && level.find_first_of(wildcards) == std::string_view::npos) add(level);
        }
    }
    return good;
}

/// The filter with '+' in place of each level that has a wildcard in it, or only of levels before the last.
std::string with_plus_levels(std::string_view filter, bool last_too) {
    std::string good;
    for (bool last = false; !last;) {
        const std::string_view level = take_level(filter, last);
        const bool wild = level.find_first_of(wildcards) != std::string_view::npos && (last_too || !last);
        good += wild ? "+" : level;
        if (!last) good += '/';
    }
    return good;
}

/// ": write a or b", with those candidates that are good, different and short enough.
std::string remedy(std::initializer_list<std::string> candidates, std::string_view otherwise) {
    std::string text;
    std::string_view before;
    for (const std::string& candidate : candidates) {
        if (candidate == before || candidate.size() > longest_suggestion || check_topic_filter(candidate))
            continue;
        text += text.empty() ? ": write " : " or ";
        text += escape_controls(candidate);
        before = candidate;
    }
    if (text.empty()) {
        text = ": write ";
        text += otherwise;
    }
    return text;
}

std::string explain_name(std::string_view topic) {
    const std::size_t wildcard = topic.find_first_of(wildcards);
    const bool plus = wildcard == std::string_view::npos || topic[wildcard] == '+';
    std::string text = plus ? "'+'" : "'#'";
    text += " is a wildcard for subscriptions and cannot be in a topic to publish to";
    std::string name(topic);
    for (char& c : name) {
        if (wildcards.find(c) != std::string_view::npos) c = 'x';
    }
    if (name.size() > longest_suggestion || check_topic_name(name)) name = "home/hall/temp";
    return text + ": name one topic, such as " + escape_controls(name);
}

std::string explain_utf8(std::string_view topic) {
    if (topic.find('\0') != std::string_view::npos) return "a topic cannot contain a NUL character";
    std::size_t good = topic.size();
    while (good > 0 && !valid_utf8(topic.substr(0, good))) --good;
    std::string text = "the topic is not valid UTF-8 from byte " + std::to_string(good + 1);
    if (good < topic.size()) text += " (" + escape_controls(topic.substr(good, 1)) + ")";
    return text + ": write it in UTF-8";
}

std::string explain_share(std::string_view topic) {
    std::string_view rest = topic;
    if (rest.starts_with(share_prefix)) rest.remove_prefix(share_prefix.size());
    bool last = false;
    const std::string_view group = take_level(rest, last);
    std::string good_group;
    for (const char c : group) {
        if (wildcards.find(c) == std::string_view::npos) good_group += c;
    }
    std::string suggestion(share_prefix);
    suggestion += good_group.empty() ? "group" : good_group;
    suggestion += '/';
    suggestion += rest.empty() ? "home/#" : rest;
    return "a shared subscription needs a group name without wildcards and a filter" +
           remedy({suggestion}, "$share/group/home/#");
}

}  // namespace

namespace codec {

std::optional<TopicFault> check_plain_filter(std::string_view filter) {
    if (const auto fault = check_text(filter)) return fault;
    if (plain_name(filter)) return {};
    return check_wildcards(filter);
}

}  // namespace codec

bool valid_utf8(std::string_view text) {
    return is_utf8(text) && text.find('\0') == text.npos;
}

std::optional<TopicFault> check_topic_name(std::string_view name) {
    if (!name.empty() && name.size() <= max_topic_bytes && codec::plain_name(name)) return {};
    if (const auto fault = check_text(name)) return fault;
    if (name.find_first_of(wildcards) != std::string_view::npos) return TopicFault::wildcard_in_name;
    return {};
}

std::optional<TopicFault> check_topic_filter(std::string_view filter) {
    if (!filter.starts_with(share_prefix)) return codec::check_plain_filter(filter);
    if (const auto fault = check_text(filter)) return fault;
    filter.remove_prefix(share_prefix.size());
    bool last = false;
    const std::string_view group = take_level(filter, last);
    if (group.empty() || group.find_first_of(wildcards) != std::string_view::npos || filter.empty())
        return TopicFault::share_name_invalid;  // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
    return check_wildcards(filter);
}

std::optional<SharedFilter> split_share(std::string_view filter) {
    if (!filter.starts_with(share_prefix) || check_topic_filter(filter)) return {};
    filter.remove_prefix(share_prefix.size());
    bool last = false;
    const std::string_view group = take_level(filter, last);
    return SharedFilter{group, filter};
}

bool topic_matches(std::string_view filter, std::string_view name) {
    // [MQTT-4.7.2-1]
    if (name.starts_with('$') && !filter.starts_with('$')) return false;
    bool filter_ends = false;
    bool name_ends = false;
    while (true) {
        const std::string_view wanted = take_level(filter, filter_ends);
        if (wanted == "#") return true;
        const std::string_view level = take_level(name, name_ends);
        if (wanted != "+" && wanted != level) return false;
        if (filter_ends || name_ends) break;
    }
    if (filter_ends) return name_ends;
    // "home/#" also matches "home", the level above.
    return filter == "#";
}

std::string explain(TopicFault fault, std::string_view topic) {
    switch (fault) {
        case TopicFault::empty:
            return "a topic cannot be empty: write at least one level, such as home";
        case TopicFault::too_long:
            return "the topic has " + std::to_string(topic.size()) + " bytes, more than the " +
                   std::to_string(max_topic_bytes) + " that MQTT allows";
        case TopicFault::invalid_utf8:
            return explain_utf8(topic);
        case TopicFault::wildcard_in_name:
            return explain_name(topic);
        case TopicFault::plus_not_alone:
            return "'+' must fill a whole level" +
                   remedy({with_own_levels(topic), with_plus_levels(topic, true)}, "home/+/temp");
        case TopicFault::hash_not_alone:
            return "'#' must fill a whole level" + remedy({with_own_levels(topic)}, "home/#");
        case TopicFault::hash_not_last:
            return "'#' must be the last level" +
                   remedy({with_own_levels(topic), with_plus_levels(topic, false)}, "home/#");
        case TopicFault::share_name_invalid:
            return explain_share(topic);
    }
    return "the topic is not valid";
}

}  // namespace mqttc
