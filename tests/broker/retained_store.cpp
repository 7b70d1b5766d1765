// Implementation of retained_store.hpp.
#include "retained_store.hpp"

#include "mqttc/topic.hpp"

namespace mqttc::broker {

void RetainedStore::store(MessagePtr message) {
    if (message->payload.empty())
        messages_.erase(message->topic);
    else
        messages_.insert_or_assign(message->topic, std::move(message));
}

void RetainedStore::match(std::string_view filter, Time now,
                          const std::function<void(const MessagePtr&)>& visit) {
    // Each match starts with the part before the first wildcard, without its slash ("a/#" also matches "a").
    auto prefix = filter.substr(0, filter.find_first_of("+#"));
    if (prefix.size() < filter.size() && prefix.ends_with('/')) prefix.remove_suffix(1);
    for (auto it = messages_.lower_bound(prefix); it != messages_.end() && it->first.starts_with(prefix);) {
        if (it->second->expired(now)) {
            it = messages_.erase(it);
            continue;
        }
        if (topic_matches(filter, it->first)) visit(it->second);
        ++it;
    }
}

MessagePtr RetainedStore::find(std::string_view topic) const {
    const auto found = messages_.find(topic);
    return found == messages_.end() ? nullptr : found->second;
}

}  // namespace mqttc::broker
