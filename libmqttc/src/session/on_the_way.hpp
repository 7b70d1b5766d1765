// Which QoS 0 messages lie in which bytes that were sent: to count what a broken connection took with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace mqttc {

/// Positions are those of Output. Messages that lie close together are kept as one group, in which they are
/// taken to be of one size; the newest `max_groups` groups are kept, more than a kernel's send buffer holds.
class OnTheWay {
  public:
    /// A group that is not yet this long takes what comes next.
    static constexpr std::uint64_t group_bytes = 4096;

    void add(std::uint64_t begin, std::uint64_t end, std::uint64_t messages = 1) {
        if (!groups_) groups_ = std::make_unique<std::array<Group, max_groups>>();
        if (size_ > 0) {
            Group& last = at(size_ - 1);
            if (last.end == begin && last.end - last.begin < group_bytes) {
                last.end = end;
                last.messages += messages;
                return;
            }
        }
        if (size_ == max_groups) {
            first_ = (first_ + 1) % max_groups;
            --size_;
        }
        ++size_;
        at(size_ - 1) = {begin, end, messages};
    }

    /// Messages that end behind `from` and not behind `to`.
    std::uint64_t between(std::uint64_t from, std::uint64_t to) const {
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < size_; ++i) count += at(i).ended_by(to) - at(i).ended_by(from);
        return count;
    }

    void clear() { size_ = 0; }

  private:
    static constexpr std::size_t max_groups = 2048;

    struct Group {
        std::uint64_t begin;
        std::uint64_t end;
        std::uint64_t messages;

        std::uint64_t ended_by(std::uint64_t position) const {
            if (position <= begin) return 0;
            if (position >= end) return messages;
            return messages * (position - begin) / (end - begin);
        }
    };

    Group& at(std::size_t i) { return (*groups_)[(first_ + i) % max_groups]; }
    const Group& at(std::size_t i) const { return (*groups_)[(first_ + i) % max_groups]; }

    std::unique_ptr<std::array<Group, max_groups>> groups_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace mqttc
