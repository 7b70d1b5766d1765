// Subscriptions by topic level: adding, removing, matching.
#include "topic_tree.hpp"

#include <algorithm>

#include "mqttc/topic.hpp"
#include "session.hpp"

namespace mqttc::broker {
namespace {

struct Cut {
    std::string_view level;
    std::string_view rest;
    bool last;
};

Cut cut(std::string_view topic) {
    const auto slash = topic.find('/');
    if (slash == std::string_view::npos) return {topic, {}, true};
    return {topic.substr(0, slash), topic.substr(slash + 1), false};
}

SharedFilter split(std::string_view filter) {
    if (const auto shared = split_share(filter)) return *shared;
    return {{}, filter};
}

template <typename Subscribers>
auto find(Subscribers& subscribers, const Session& session) {
    return std::find_if(subscribers.begin(), subscribers.end(),
                        [&](const auto& subscriber) { return subscriber.session == &session; });
}

}  // namespace

bool TopicTree::add(std::string_view filter, Session& session, const SubscriptionOptions& options) {
    const auto [group, plain] = split(filter);
    auto* node = &root_;
    for (auto step = cut(plain);; step = cut(step.rest)) {
        auto found = node->below.find(step.level);
        if (found == node->below.end())
            found = node->below.emplace(std::string(step.level), std::make_unique<Node>()).first;
        node = found->second.get();
        if (step.last) break;
    }
    auto& subscribers = group.empty() ? node->subscribers : node->groups[std::string(group)].members;
    if (const auto present = find(subscribers, session); present != subscribers.end()) {
        present->options = options;
        return false;
    }
    subscribers.push_back({&session, options});
    ++size_;
    return true;
}

bool TopicTree::remove(std::string_view filter, Session& session) {
    const auto [group, plain] = split(filter);
    if (!remove_below(root_, plain, group, session)) return false;
    --size_;
    return true;
}

bool TopicTree::remove_below(Node& node, std::string_view rest, std::string_view group, Session& session) {
    const auto step = cut(rest);
    const auto below = node.below.find(step.level);
    if (below == node.below.end()) return false;
    auto& child = *below->second;
    bool removed = false;
    if (!step.last) {
        removed = remove_below(child, step.rest, group, session);
    } else if (group.empty()) {
        const auto found = find(child.subscribers, session);
        removed = found != child.subscribers.end();
        if (removed) child.subscribers.erase(found);
    } else if (const auto named = child.groups.find(group); named != child.groups.end()) {
        auto& members = named->second.members;
        const auto found = find(members, session);
        removed = found != members.end();
        if (removed) members.erase(found);
        if (members.empty()) child.groups.erase(named);
    }
    if (child.empty()) node.below.erase(below);
    return removed;
}

void TopicTree::match(std::string_view topic, const Visit& visit) {
    match_below(root_, topic, true, true, visit);
}

void TopicTree::preview(std::string_view topic, const Visit& visit) {
    match_below(root_, topic, true, false, visit);
}

void TopicTree::match_below(Node& node, std::string_view rest, bool first, bool take_turn,
                            const Visit& visit) {
    const auto step = cut(rest);
    const auto descend = [&](std::string_view level) {
        const auto found = node.below.find(level);
        if (found == node.below.end()) return;
        auto& child = *found->second;
        if (!step.last) return match_below(child, step.rest, false, take_turn, visit);
        match_here(child, take_turn, visit);
        // "a/#" matches "a" too.
        if (const auto hash = child.below.find("#"); hash != child.below.end())
            match_here(*hash->second, take_turn, visit);
    };
    descend(step.level);
    if (first && rest.starts_with('$')) return;
    descend("+");
    if (const auto hash = node.below.find("#"); hash != node.below.end())
        match_here(*hash->second, take_turn, visit);
}

void TopicTree::match_here(Node& node, bool take_turn, const Visit& visit) {
    for (const auto& subscriber : node.subscribers) visit(*subscriber.session, subscriber.options);
    for (auto& [name, group] : node.groups) {
        const auto count = group.members.size();
        auto chosen = group.next % count;
        for (std::size_t i = 0; i < count; ++i) {
            const auto candidate = (group.next + i) % count;
            if (!group.members[candidate].session->connected()) continue;
            chosen = candidate;
            break;
        }
        if (take_turn) group.next = (chosen + 1) % count;
        const auto& member = group.members[chosen];
        visit(*member.session, member.options);
    }
}

}  // namespace mqttc::broker
