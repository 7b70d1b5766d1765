// Topics and filters as levels, and filters as a tree of them: all that match a topic are found without looking at the
// others.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mqttc {

/// The levels of a topic or filter in turn; there is at least one. Views into the text.
struct TopicLevels {
    explicit TopicLevels(std::string_view text) : rest(text) {}
    /// Goes to the next level. False: there is none.
    bool next() {
        if (last) return false;
        const std::size_t slash = rest.find('/');
        last = slash == std::string_view::npos;
        level = rest.substr(0, slash);
        rest.remove_prefix(last ? rest.size() : slash + 1);
        return true;
    }
    std::string_view level;
    std::string_view rest;  ///< after the level and its '/'
    bool last = false;      ///< this level is the last one
};

/// Maps valid topic filters, without "$share/group/", to values. Finding takes time with the levels of the topic and the
/// filters that match, not with the filters in the tree. The recursion is as deep as the deepest filter.
template <class Value>
class FilterTree {
  public:
    /// Replaces an earlier value of the same filter.
    void insert(std::string_view filter, Value value) {
        Node* node = &root_;
        for (TopicLevels levels(filter); levels.next();) {
            auto& child = node->child(levels.level);
            if (child == nullptr) child = std::make_unique<Node>();
            node = child.get();
        }
        if (!node->value) ++size_;
        node->value = std::move(value);
    }

    /// No effect if the filter is unknown.
    void erase(std::string_view filter) {
        if (erase(root_, TopicLevels(filter))) --size_;
    }

    bool empty() const { return size_ == 0; }

    /// Calls `found(const Value&)` for each filter that matches a valid topic name (MQTT 5.0 section 4.7).
    template <class Found>
    void match(std::string_view topic, const Found& found) const {
        match(root_, TopicLevels(topic), !topic.starts_with('$'), found);
    }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    struct Node {
        std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> named;
        std::unique_ptr<Node> plus;
        std::unique_ptr<Node> hash;
        std::optional<Value> value;

        std::unique_ptr<Node>& child(std::string_view level) {
            if (level == "+") return plus;
            if (level == "#") return hash;
            const auto found = named.find(level);
            return found != named.end() ? found->second : named[std::string(level)];
        }
        bool unused() const { return !value && named.empty() && !plus && !hash; }
    };

    /// True iff it had a value.
    static bool erase(Node& node, TopicLevels levels) {
        if (!levels.next()) return std::exchange(node.value, std::nullopt).has_value();
        auto& child = node.child(levels.level);
        const bool erased = child != nullptr && erase(*child, levels);
        if (child != nullptr && !child->unused()) return erased;
        if (levels.level == "+" || levels.level == "#") {
            child.reset();
        } else {
            node.named.erase(node.named.find(levels.level));
        }
        return erased;
    }

    /// `wildcards`: they may match here; not at the start of a topic that begins with '$'.
    template <class Found>
    static void match(const Node& node, TopicLevels levels, bool wildcards, const Found& found) {
        // "home/#" matches "home", too.
        if (node.hash && wildcards) found(*node.hash->value);
        if (!levels.next()) {
            if (node.value) found(*node.value);
            return;
        }
        if (node.plus && wildcards) match(*node.plus, levels, true, found);
        if (const auto next = node.named.find(levels.level); next != node.named.end())
            match(*next->second, levels, true, found);
    }

    Node root_;
    std::size_t size_ = 0;
};

}  // namespace mqttc
