// Which received messages are printed: -R, --retained-only, -T, --random-filter.
#pragma once

#include <cstdint>

#include "base/filter_tree.hpp"
#include "mqttc/packet.hpp"
#include "options.hpp"

namespace mqttc::sub {

class Filters {
  public:
    enum class Result : std::uint8_t {
        pass,
        drop,        ///< ignored
        not_chosen,  ///< not in the random sample; a retained one is still cleared
        end,         ///< --retained-only, and this one isn't retained: the program ends
    };

    /// `seed` for --random-filter.
    Filters(const app::SubOptions& options, std::uint64_t seed);
    Result check(const Publish& message);
    /// Everything passes.
    bool none() const { return none_; }

  private:
    bool none_;
    bool no_retain_;
    bool retained_only_;
    FilterTree<bool> out_;                  // -T; no values
    std::uint64_t threshold_ = UINT64_MAX;  // a random number below it passes
    std::uint64_t random_;
};

}  // namespace mqttc::sub
