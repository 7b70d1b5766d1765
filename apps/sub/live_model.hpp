// What -w knows of each topic: its last value and earlier ones, rates, and the numbers of a curve. Memory is bounded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "format.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc::sub {

/// A number in a payload such as "21.5", "21.5 °C", "45%"; ON, true, open are 1 and their opposites 0. None: the text has
/// more than a number and a unit.
std::optional<double> number_in(std::string_view text);

/// Messages per second as a mean over the last five; it takes no time while there are none.
class RateMeter {
  public:
    static constexpr std::int64_t span = 5;  ///< seconds

    /// `second`: of a clock that does not go back.
    void count(std::int64_t second) {
        advance(second);
        ++counts_[static_cast<std::size_t>(second % slots)];
    }
    /// Over the last `span` complete seconds, or the fewer since the first count.
    double rate(std::int64_t second) const;

  private:
    static constexpr std::int64_t slots = span + 1;

    void advance(std::int64_t second);

    std::array<std::uint32_t, slots> counts_{};
    std::int64_t first_ = -1;
    std::int64_t last_ = -1;
};

struct LiveEntry {
    static constexpr std::size_t curve_points = 12;

    std::string topic;  ///< raw; a long one is cut, and its hash follows
    std::string value;  ///< the payload, or what is shown instead; raw, maybe cut
    std::string line;   ///< what -F makes of the last message, with the sequences of the format; maybe cut
    std::string properties;  ///< of MQTT 5, one "name: value" per line; raw
    std::string history;     ///< the last values, see LiveModel::each_value
    std::string samples;     ///< one value each half minute
    std::int64_t last_sample = 0;
    std::size_t number = 0;  ///< in LiveModel::entries()
    std::uint64_t size = 0;  ///< bytes of the whole value
    std::uint64_t count = 0;
    std::uint64_t changes = 0;
    Time last{};
    Time changed{};
    RateMeter rate;
    double lowest = 0;  ///< of all numbers so far
    double highest = 0;
    std::array<double, curve_points> numbers{};  ///< the latest ones
    std::uint8_t numbers_known = 0;
    bool is_number = false;  ///< the last value is one
    bool topic_is_cut = false;
    bool retained = false;
    Qos qos = Qos::at_most_once;
};

class LiveModel {
  public:
    static constexpr std::size_t max_topics = 100'000;
    /// Of values, earlier values, topics and properties of all entries. Above it an entry keeps no earlier values, and
    /// less of its value.
    static constexpr std::size_t max_bytes = std::size_t{96} * 1024 * 1024;
    static constexpr std::size_t max_value = std::size_t{64} * 1024;
    static constexpr std::size_t max_value_when_full = 256;
    static constexpr std::size_t max_earlier = 20;
    static constexpr std::size_t max_earlier_value = 200;
    static constexpr std::int64_t sample_milliseconds = 30'000;
    static constexpr std::size_t max_properties = 1024;
    static constexpr std::size_t max_line = 1024;

    /// What an entry shows of a message.
    struct Shown {
        std::string_view text;
        bool is_value = true;        ///< may be a number
        std::string_view line = {};  ///< of -F
    };

    /// A message was received at `now` and `wall`.
    void take(const Publish& message, const Shown& shown, Time now, output::WallTime wall);

    /// In the order in which they were received first. Entries are never removed.
    std::span<const LiveEntry* const> entries() const {
        return std::span(entries_).first(paused_ ? paused_->entries : entries_.size());
    }
    /// An entry of entries(), not null, as it is to be shown.
    const LiveEntry& shown(const LiveEntry* entry) const {
        if (!paused_) return *entry;
        const auto before = paused_->before.find(entry);
        return before == paused_->before.end() ? *entry : before->second;
    }
    /// Until resume(), entries() and shown() are as they are now. Messages are taken all the same.
    void pause();
    void resume();
    /// Frees at most that many of the entries that the last pause has kept: all at once would delay the key that ends it.
    void release(std::size_t most);
    bool paused() const { return paused_.has_value(); }
    /// Messages since pause().
    std::uint64_t since_pause() const { return paused_ ? count_ - paused_->count : 0; }
    /// Messages of topics beyond max_topics.
    std::uint64_t left_out() const { return left_out_; }
    /// Messages per second.
    double rate(Time now) const { return rate_.rate(second_of(now)); }
    /// Of values, topics and the like, all entries together.
    std::size_t bytes() const { return bytes_; }

    static std::int64_t second_of(Time now) {
        return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    }
    /// Calls `visit(milliseconds since 1970, value)` for earlier values, the oldest first: the last twenty, and before them
    /// one each half minute of ten minutes. The views are valid until the
    /// next message.
    static void each_value(const LiveEntry& entry,
                           const std::function<void(std::int64_t, std::string_view)>& visit);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    using Copies = std::unordered_map<const LiveEntry*, LiveEntry>;
    struct Pause {
        std::size_t entries;
        std::uint64_t count;
        Copies before;  ///< of those that have changed since
    };

    LiveEntry* find_or_add(std::string_view topic);
    static void remember(LiveEntry& entry, output::WallTime wall, std::string_view text, bool full);

    std::unordered_map<std::string, LiveEntry, Hash, std::equal_to<>> by_topic_;
    std::vector<const LiveEntry*> entries_;
    std::optional<Pause> paused_;
    Copies released_;  ///< of the last pause, to be freed
    RateMeter rate_;
    std::uint64_t count_ = 0;
    std::uint64_t left_out_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace mqttc::sub
