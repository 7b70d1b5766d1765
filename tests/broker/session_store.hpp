// The sessions by client identifier, and their subscriptions in a topic tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "session.hpp"
#include "topic_tree.hpp"

namespace mqttc::broker {

class SessionStore {
  public:
    Session* find(std::string_view client_id);
    /// REQUIRES: the identifier is unused.
    Session& create(std::string_view client_id);
    /// Removes the session and its subscriptions.
    void discard(Session& session);

    /// Returns true iff the subscription is new.
    bool subscribe(Session& session, std::string_view filter, const SubscriptionOptions& options);
    /// Returns true iff it existed.
    bool unsubscribe(Session& session, std::string_view filter);

    TopicTree& tree() { return tree_; }
    auto begin() { return sessions_.begin(); }
    auto end() { return sessions_.end(); }
    auto begin() const { return sessions_.begin(); }
    auto end() const { return sessions_.end(); }
    std::size_t size() const { return sessions_.size(); }

  private:
    std::unordered_map<std::string, std::unique_ptr<Session>, StringHash, std::equal_to<>> sessions_;
    TopicTree tree_;
};

}  // namespace mqttc::broker
