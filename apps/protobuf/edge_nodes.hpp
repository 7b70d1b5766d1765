// What messages of Sparkplug B edge nodes imply for each other: births name the metrics of later messages, and sequence
// numbers show what is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sparkplug_types.hpp"

namespace mqttc::protobuf {

/// spBv1.0/GROUP/TYPE/NODE[/DEVICE]; the views are into the topic.
struct SparkplugTopic {
    std::string_view group, type, node, device;

    static std::optional<SparkplugTopic> parse(std::string_view topic);
    bool is_birth() const { return type == "NBIRTH" || type == "DBIRTH"; }
};

class EdgeNodes {
  public:
    /// Names of further nodes and metrics are not kept: hostile publishers must not fill the memory.
    static constexpr std::size_t max_nodes = 10'000;
    static constexpr std::size_t max_names_size = std::size_t{32} * 1024 * 1024;

    /// The names of a node's or a device's metrics, from its last birth.
    class Metrics {
      public:
        struct Known {
            std::string_view name;
            DataType type;
        };
        std::optional<Known> by_alias(std::uint64_t alias) const;
        std::optional<DataType> type_of(std::string_view name) const;

      private:
        friend class EdgeNodes;
        std::map<std::string, DataType, std::less<>> types_;
        std::unordered_map<std::uint64_t, std::string_view> aliases_;  // into the names of types_
        std::size_t size_ = 0;
    };
    struct Node {
        bool born = false;
        bool reported = false;  ///< among those without a birth
        std::uint64_t sequence = 0;
        Metrics metrics;
        std::map<std::string, Metrics, std::less<>> devices;
    };

    /// A message of a node: takes its sequence number into account, and forgets names that it makes invalid. Null: a
    /// limit was reached, so the node is not tracked.
    Node* received(const SparkplugTopic& topic, std::optional<std::uint64_t> sequence);
    /// A metric in a birth.
    void name(Node& node, const SparkplugTopic& topic, std::string_view name,
              std::optional<std::uint64_t> alias, DataType type);
    /// What is known of a metric by its alias: of the device, or of its node.
    static std::optional<Metrics::Known> by_alias(const Node& node, const SparkplugTopic& topic,
                                                  std::uint64_t alias);
    static std::optional<DataType> type_of(const Node& node, const SparkplugTopic& topic,
                                           std::string_view name);
    void unresolved() { ++unresolved_; }

    /// "Sparkplug B: 2 edge nodes, 10 messages, 1 sequence gap with 3 messages missing"; empty: no message.
    std::string text() const;
    /// The same as a JSON object.
    std::string json() const;

  private:
    void forget(Metrics& metrics);
    void forget_devices(Node& node);

    std::map<std::string, Node, std::less<>> nodes_;  // by "GROUP/NODE"
    std::string key_;
    std::size_t names_size_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t gaps_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t without_birth_ = 0;
    std::uint64_t unresolved_ = 0;
    std::uint64_t untracked_ = 0;
};

}  // namespace mqttc::protobuf
