// The rows of the live view: which topics are shown in which order, as a list or as a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "live_model.hpp"

namespace mqttc::sub {

enum class LiveOrder : std::uint8_t { topic, time, rate, changes };

struct LiveRow {
    const LiveEntry* entry = nullptr;  ///< none: a group of topics, in the tree
    std::string_view name;  ///< the topic, or in the tree its last levels; of a group its level with a slash
    std::string_view path;  ///< the topic, or the common start of a group's topics
    std::uint32_t depth = 0;
    std::uint32_t topics = 0;  ///< of a group
    bool folded = false;
};

class LiveRows {
  public:
    LiveOrder order = LiveOrder::topic;
    bool tree = false;   ///< always in the order of topics
    std::string filter;  ///< topics, values and lines that contain it; empty: all
    std::set<std::string, std::less<>> folded;

    /// Makes the rows again. The views in them live as long as the model's entries.
    void update(const LiveModel& model, Time now);
    const std::vector<LiveRow>& rows() const { return rows_; }
    /// Topics of the model that the last update has seen.
    std::size_t known() const { return by_topic_.size(); }
    /// Topics in the rows, those of folded groups included.
    std::size_t topics() const { return shown_.size(); }
    /// The row with that path and kind; SIZE_MAX: there is none.
    std::size_t find(const LiveEntry* entry, std::string_view path) const;

  private:
    void add_tree();

    std::vector<const LiveEntry*> by_topic_;
    std::vector<const LiveEntry*> shown_;
    std::vector<LiveRow> rows_;
};

}  // namespace mqttc::sub
