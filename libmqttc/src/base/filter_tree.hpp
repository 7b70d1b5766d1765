// Topic filters as a tree of their levels: all filters that match a topic are found without looking at the others.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mqttc {

/// Maps valid topic filters, without "$share/group/", to values. Finding takes time with the levels of the topic and the
/// filters that match, not with the filters in the tree. The recursion is as deep as the deepest filter.
template <class Value>
class FilterTree {
  public:
    /// Replaces an earlier value of the same filter.
    void insert(std::string_view filter, Value value) {
        Node* node = &root_;
        for (Levels levels(filter); levels.next();) {
            auto& child = node->child(levels.level);
            if (child == nullptr) child = std::make_unique<Node>();
            node = child.get();
        }
        if (!node->has_value) ++size_;
        node->value = std::move(value);
        node->has_value = true;
    }

    /// No effect if the filter is unknown.
    void erase(std::string_view filter) {
        if (erase(root_, Levels(filter))) --size_;
    }

    bool empty() const { return size_ == 0; }

    /// Calls `found(const Value&)` for each filter that matches a valid topic name (MQTT 5.0 section 4.7).
    template <class Found>
    void match(std::string_view topic, const Found& found) const {
        match(root_, Levels(topic), !topic.starts_with('$'), found);
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
        Value value{};
        bool has_value = false;

        std::unique_ptr<Node>& child(std::string_view level) {
            if (level == "+") return plus;
            if (level == "#") return hash;
            const auto found = named.find(level);
            return found != named.end() ? found->second : named[std::string(level)];
        }
        bool unused() const { return !has_value && named.empty() && !plus && !hash; }
    };
    /// The levels of a topic or filter in turn.
    struct Levels {
        explicit Levels(std::string_view text) : rest(text) {}
        bool next() {
            if (ended) return false;
            const std::size_t slash = rest.find('/');
            level = rest.substr(0, slash);
            ended = slash == std::string_view::npos;
            if (!ended) rest.remove_prefix(slash + 1);
            return true;
        }
        std::string_view rest;
        std::string_view level;
        bool ended = false;
    };

    /// True iff it had a value.
    static bool erase(Node& node, Levels levels) {
        if (!levels.next()) return std::exchange(node.has_value, false) && (node.value = Value{}, true);
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
    static void match(const Node& node, Levels levels, bool wildcards, const Found& found) {
        // "home/#" matches "home", too.
        if (node.hash && wildcards) found(node.hash->value);
        if (!levels.next()) {
            if (node.has_value) found(node.value);
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
