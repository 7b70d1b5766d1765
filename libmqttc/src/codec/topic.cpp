// Topic names and filters: validity, explanations, matching, shared subscriptions (MQTT 5.0 sections 4.7 and 4.8), and
// UTF-8 as MQTT requires it (1.5.4).
#include "mqttc/topic.hpp"

#include <initializer_list>

#include "base/escape.hpp"
#include "base/filter_tree.hpp"
#include "rules.hpp"
#include "utf8.hpp"

namespace mqttc {

namespace {

constexpr std::string_view share_prefix = "$share/";

/// Longer suggestions are not useful.
constexpr std::size_t longest_suggestion = 200;

std::optional<TopicFault> check_text(std::string_view text) {
    if (text.empty()) return TopicFault::empty;
    if (text.size() > max_topic_bytes) return TopicFault::too_long;
    if (!codec::text_ok(text)) return TopicFault::invalid_utf8;
    return {};
}

/// What is wrong with the wildcards of a filter [MQTT-4.7.1-1], [MQTT-4.7.1-2].
std::optional<TopicFault> check_wildcards(std::string_view filter) {
    for (TopicLevels levels(filter); levels.next();) {
        const std::size_t wildcard = levels.level.find_first_of(codec::wildcards);
        if (wildcard == std::string_view::npos) continue;
        if (levels.level.size() > 1)
            return levels.level[wildcard] == '+' ? TopicFault::plus_not_alone : TopicFault::hash_not_alone;
        if (levels.level == "#" && !levels.last) return TopicFault::hash_not_last;
    }
    return {};
}

/// A valid filter similar to `filter`: wildcards get levels of their own and nothing follows '#'.
std::string with_own_levels(std::string_view filter) {
    std::string good;
    char before = '/';
    for (const char c : filter) {
        if ((codec::wildcards.contains(before) || codec::wildcards.contains(c)) && before != '/' && c != '/')
            good += '/';
        good += c;
        if (c == '#') break;
        before = c;
    }
    return good;
}

/// The filter with '+' in place of each level that has a wildcard in it, or only of levels before the last.
std::string with_plus_levels(std::string_view filter, bool last_too) {
    std::string good;
    for (TopicLevels levels(filter); levels.next();) {
        good += codec::has_wildcard(levels.level) && (last_too || !levels.last) ? "+" : levels.level;
        if (!levels.last) good += '/';
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
    const std::size_t wildcard = topic.find_first_of(codec::wildcards);
    const bool plus = wildcard == std::string_view::npos || topic[wildcard] == '+';
    std::string text = plus ? "'+'" : "'#'";
    text += " is a wildcard for subscriptions and cannot be in a topic to publish to";
    std::string name(topic);
    for (char& c : name) {
        if (codec::wildcards.contains(c)) c = 'x';
    }
    if (name.size() > longest_suggestion || check_topic_name(name)) name = "home/hall/temp";
    return text + ": name one topic, such as " + escape_controls(name);
}

std::string explain_utf8(std::string_view topic) {
    if (topic.find('\0') != std::string_view::npos) return "a topic cannot contain a NUL character";
    std::size_t good = 0;
    while (const std::size_t length = utf8_sequence(topic.substr(good))) good += length;
    std::string text = "the topic is not valid UTF-8 from byte " + std::to_string(good + 1);
    if (good < topic.size()) text += " (" + escape_controls(topic.substr(good, 1)) + ")";
    return text + ": write it in UTF-8";
}

std::string explain_share(std::string_view topic) {
    if (topic.starts_with(share_prefix)) topic.remove_prefix(share_prefix.size());
    TopicLevels levels(topic);
    levels.next();
    std::string group(levels.level);
    std::erase_if(group, [](char c) { return codec::wildcards.contains(c); });
    std::string suggestion(share_prefix);
    suggestion += group.empty() ? "group" : group;
    suggestion += '/';
    suggestion += levels.rest.empty() ? "home/#" : levels.rest;
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
    if (codec::has_wildcard(name)) return TopicFault::wildcard_in_name;
    return {};
}

std::optional<TopicFault> check_topic_filter(std::string_view filter) {
    if (!filter.starts_with(share_prefix)) return codec::check_plain_filter(filter);
    if (const auto fault = check_text(filter)) return fault;
    TopicLevels levels(filter.substr(share_prefix.size()));
    levels.next();
    if (levels.level.empty() || codec::has_wildcard(levels.level) || levels.rest.empty())
        return TopicFault::share_name_invalid;  // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
    return check_wildcards(levels.rest);
}

std::optional<SharedFilter> split_share(std::string_view filter) {
    if (!filter.starts_with(share_prefix) || check_topic_filter(filter)) return {};
    TopicLevels levels(filter.substr(share_prefix.size()));
    levels.next();
    return SharedFilter{levels.level, levels.rest};
}

bool topic_matches(std::string_view filter, std::string_view name) {
    // [MQTT-4.7.2-1]
    if (name.starts_with('$') && !filter.starts_with('$')) return false;
    TopicLevels wanted(filter);
    TopicLevels levels(name);
    while (wanted.next()) {
        // "home/#" also matches "home", the level above.
        if (wanted.level == "#") return true;
        if (!levels.next() || (wanted.level != "+" && wanted.level != levels.level)) return false;
    }
    return levels.last;
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
