// Topic aliases in both directions: bounded tables that cost nothing where no alias was agreed.
#include "alias.hpp"

#include <utility>

namespace mqttc {

std::expected<std::string_view, ReasonCode> IncomingAliases::resolve(std::uint32_t alias,
                                                                     std::string_view topic) {
    if (alias == 0 || alias > maximum_) return std::unexpected(reason::topic_alias_invalid);
    if (topic.empty()) {
        if (alias > topics_.size() || topics_[alias - 1].empty())
            return std::unexpected(reason::protocol_error);
        return topics_[alias - 1];
    }
    if (alias > topics_.size()) topics_.resize(alias);
    std::string& known = topics_[alias - 1];
    if (bytes_ - known.size() + topic.size() > max_bytes) return std::unexpected(reason::quota_exceeded);
    bytes_ += topic.size() - known.size();
    known = topic;
    return topic;
}

OutgoingAliases::Choice OutgoingAliases::choose(std::string_view topic) {
    if (!user_topics_.empty() || allowed_ == 0 || topic.size() < min_topic_bytes) return {};
    if (last_ != 0 && topics_[last_ - 1U] == topic) return {last_, true};
    const auto found = aliases_.find(topic);
    if (found != aliases_.end()) {
        last_ = found->second;
        return {last_, true};
    }
    if (topics_.size() == allowed_) return {};
    if (seen_.empty()) seen_.resize(seen_slots);
    const std::size_t hash = std::hash<std::string_view>{}(topic);
    std::size_t& seen = seen_[hash % seen_slots];
    if (seen != hash) {
        seen = hash;
        return {};
    }
    return {static_cast<std::uint16_t>(topics_.size() + 1), false};
}

void OutgoingAliases::assign(std::uint16_t alias, std::string_view topic) {
    if (topics_.capacity() == 0) topics_.reserve(allowed_);
    const auto added = aliases_.emplace(topic, alias).first;
    topics_.push_back(added->first);
    last_ = alias;
}

std::string_view OutgoingAliases::topic(std::uint32_t alias) const {
    return alias == 0 || alias > topics_.size() ? std::string_view() : topics_[alias - 1];
}

std::string_view OutgoingAliases::user_topic(std::uint32_t alias) const {
    const auto found = user_topics_.find(alias);
    return found == user_topics_.end() ? std::string_view() : found->second;
}

PropertiesView OutgoingAliases::property(std::uint16_t alias) {
    while (properties_.size() < alias) {
        // An alias from 1 to 65,535 is always in range. Both steps may throw, so the block is complete before it is kept.
        Properties next;
        static_cast<void>(
            next.add(PropertyId::topic_alias, static_cast<std::uint32_t>(properties_.size() + 1)));
        properties_.push_back(std::move(next));
    }
    return properties_[alias - 1U].view();
}

}  // namespace mqttc
