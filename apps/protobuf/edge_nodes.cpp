// The state of Sparkplug B edge nodes.
#include "edge_nodes.hpp"

#include <utility>

#include "base/text.hpp"
#include "number_format.hpp"
#include "stats_json.hpp"

namespace mqttc::protobuf {
namespace {

using app::count_text;

constexpr std::uint64_t sequence_numbers = 256;
// What an entry takes besides its text.
constexpr std::size_t entry_size = 160;

}  // namespace

std::optional<SparkplugTopic> SparkplugTopic::parse(std::string_view topic) {
    constexpr std::string_view name_space = "spBv1.0/";
    if (!topic.starts_with(name_space)) return std::nullopt;
    topic.remove_prefix(name_space.size());
    SparkplugTopic parsed;
    parsed.group = take_until(topic, '/');
    parsed.type = take_until(topic, '/');
    parsed.node = take_until(topic, '/');
    parsed.device = topic;
    if (parsed.node.empty()) return std::nullopt;
    return parsed;
}

std::optional<EdgeNodes::Metrics::Known> EdgeNodes::Metrics::by_alias(std::uint64_t alias) const {
    const auto found = aliases_.find(alias);
    if (found == aliases_.end()) return std::nullopt;
    return Known{.name = found->second, .type = types_.find(found->second)->second};
}

std::optional<DataType> EdgeNodes::Metrics::type_of(std::string_view name) const {
    const auto found = types_.find(name);
    if (found == types_.end()) return std::nullopt;
    return found->second;
}

void EdgeNodes::forget(Metrics& metrics) {
    names_size_ -= metrics.size_;
    metrics = {};
}

void EdgeNodes::forget_devices(Node& node) {
    for (auto& [name, metrics] : node.devices) {
        forget(metrics);
        names_size_ -= name.size() + entry_size;
    }
    node.devices.clear();
}

EdgeNodes::Node* EdgeNodes::received(const SparkplugTopic& topic, std::optional<std::uint64_t> sequence) {
    ++messages_;
    key_.assign(topic.group).append("/").append(topic.node);
    auto found = nodes_.find(key_);
    if (found == nodes_.end()) {
        if (nodes_.size() >= max_nodes || names_size_ + key_.size() + entry_size > max_names_size) {
            ++untracked_;
            return nullptr;
        }
        names_size_ += key_.size() + entry_size;
        found = nodes_.try_emplace(key_).first;
    }
    Node& node = found->second;
    if (topic.type == "NDEATH") {
        forget(node.metrics);
        forget_devices(node);
        node.born = node.reported = false;
        return &node;
    }
    // Commands come from hosts, and have no sequence number.
    if (topic.type == "NCMD" || topic.type == "DCMD") return &node;
    if (topic.type == "NBIRTH") {
        forget(node.metrics);
        forget_devices(node);
        node.born = true;
        node.sequence = sequence.value_or(0);
        return &node;
    }
    if (topic.type == "DBIRTH" || topic.type == "DDEATH") {
        if (const auto device = node.devices.find(topic.device); device != node.devices.end())
            forget(device->second);
    }
    if (!node.born) {
        if (!std::exchange(node.reported, true)) ++without_birth_;
    } else if (sequence && *sequence != node.sequence) {
        const std::uint64_t skipped =
            (*sequence + 2 * sequence_numbers - node.sequence - 1) % sequence_numbers;
        if (skipped > 0) ++gaps_;
        missing_ += skipped;
        node.sequence = *sequence % sequence_numbers;
    }
    return &node;
}

void EdgeNodes::name(Node& node, const SparkplugTopic& topic, std::string_view name,
                     std::optional<std::uint64_t> alias, DataType type) {
    const std::size_t size = name.size() + entry_size;
    if (names_size_ + size + topic.device.size() + entry_size > max_names_size) return;
    Metrics* metrics = &node.metrics;
    if (topic.type == "DBIRTH") {
        auto device = node.devices.find(topic.device);
        if (device == node.devices.end()) {
            names_size_ += topic.device.size() + entry_size;
            device = node.devices.try_emplace(std::string(topic.device)).first;
        }
        metrics = &device->second;
    }
    const auto [entry, is_new] = metrics->types_.insert_or_assign(std::string(name), type);
    bool grew = is_new;
    if (alias)
        grew = metrics->aliases_.insert_or_assign(*alias, std::string_view(entry->first)).second || grew;
    if (!grew) return;
    metrics->size_ += size;
    names_size_ += size;
}

std::optional<EdgeNodes::Metrics::Known> EdgeNodes::by_alias(const Node& node, const SparkplugTopic& topic,
                                                             std::uint64_t alias) {
    if (const auto device = node.devices.find(topic.device); device != node.devices.end()) {
        if (const auto known = device->second.by_alias(alias)) return known;
    }
    return node.metrics.by_alias(alias);
}

std::optional<DataType> EdgeNodes::type_of(const Node& node, const SparkplugTopic& topic,
                                           std::string_view name) {
    if (topic.device.empty()) return node.metrics.type_of(name);
    const auto device = node.devices.find(topic.device);
    return device == node.devices.end() ? std::nullopt : device->second.type_of(name);
}

std::string EdgeNodes::text() const {
    if (messages_ == 0) return {};
    std::string line = "Sparkplug B: " + count_text(nodes_.size(), "edge node") + ", " +
                       count_text(messages_, "message") + ", " + count_text(gaps_, "sequence gap");
    if (gaps_ > 0) line.append(" with ").append(count_text(missing_, "message")).append(" missing");
    if (without_birth_ > 0)
        line.append(", ").append(count_text(without_birth_, "edge node")).append(" without a birth");
    if (unresolved_ > 0)
        line.append(", ").append(count_text(unresolved_, "metric")).append(" without a name");
    if (untracked_ > 0)
        line.append(", ").append(count_text(untracked_, "message")).append(" of untracked edge nodes");
    return line;
}

std::string EdgeNodes::json() const {
    if (messages_ == 0) return {};
    app::StatsJson json;
    json.add("edge_nodes", std::uint64_t{nodes_.size()}).add("messages", messages_);
    json.add("sequence_gaps", gaps_).add("messages_missing", missing_);
    json.add("edge_nodes_without_birth", without_birth_).add("metrics_without_name", unresolved_);
    return json.add("messages_untracked", untracked_).text();
}

}  // namespace mqttc::protobuf
