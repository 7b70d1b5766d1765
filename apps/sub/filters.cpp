// Which received messages are printed: -R, --retained-only, -T, --random-filter.
#include "filters.hpp"

namespace mqttc::sub {

Filters::Filters(const app::SubOptions& options, std::uint64_t seed)
    : none_(!options.no_retain && !options.retained_only && options.filter_out.empty() &&
            !options.random_filter),
      no_retain_(options.no_retain),
      retained_only_(options.retained_only),
      random_(seed | 1) {
    for (const std::string& filter : options.filter_out) out_.insert(filter, true);
    constexpr double all = 18446744073709551616.0;  // 2^64
    if (options.random_filter && *options.random_filter < 100) {
        threshold_ = static_cast<std::uint64_t>(*options.random_filter / 100 * all);
    }
}

Filters::Result Filters::check(const Publish& message) {
    if (retained_only_ && !message.retain) return Result::end;
    if (no_retain_ && message.retain) return Result::drop;
    bool dropped = false;
    out_.match(message.topic, [&](bool) { dropped = true; });
    if (dropped) return Result::drop;
    if (threshold_ == UINT64_MAX) return Result::pass;
    // xorshift64*: good enough for a random sample.
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return random_ * 0x2545f4914f6cdd1dU < threshold_ ? Result::pass : Result::not_chosen;
}

}  // namespace mqttc::sub
