// The subscriptions of all sessions as a tree of topic levels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc::broker {

class Session;

struct SubscriptionOptions {
    Qos qos = Qos::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0;  ///< 0: none
};

struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

/// Filters and topics must be valid. Sessions are referenced and must be removed before they are destroyed.
class TopicTree {
  public:
    using Visit = std::function<void(Session& session, const SubscriptionOptions& options)>;

    /// Returns true iff the session had no subscription with this filter; else its options are replaced.
    /// "$share/group/filter" makes the session a member of that group.
    bool add(std::string_view filter, Session& session, const SubscriptionOptions& options);
    /// Returns true iff it existed.
    bool remove(std::string_view filter, Session& session);
    /// Calls `visit` for each matching subscription, and for one member of each matching group: members take turns, and
    /// connected ones are preferred.
    void match(std::string_view topic, const Visit& visit);
    /// As match(), but the next call of match() chooses the same members of groups.
    void preview(std::string_view topic, const Visit& visit);
    std::size_t size() const { return size_; }

  private:
    struct Subscriber {
        Session* session;
        SubscriptionOptions options;
    };
    struct Group {
        std::vector<Subscriber> members;
        std::size_t next = 0;
    };
    struct Node {
        std::unordered_map<std::string, std::unique_ptr<Node>, StringHash, std::equal_to<>> below;
        std::vector<Subscriber> subscribers;
        std::map<std::string, Group, std::less<>> groups;

        bool empty() const { return below.empty() && subscribers.empty() && groups.empty(); }
    };

    static bool remove_below(Node& node, std::string_view rest, std::string_view group, Session& session);
    static void match_below(Node& node, std::string_view rest, bool first, bool take_turn,
                            const Visit& visit);
    static void match_here(Node& node, bool take_turn, const Visit& visit);

    Node root_;
    std::size_t size_ = 0;
};

}  // namespace mqttc::broker
