// Topic names, topic filters, matching and shared subscriptions (MQTT 5.0 sections 4.7 and 4.8), UTF-8 rules (1.5.4).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc {

/// Longest topic name or filter in bytes.
inline constexpr std::size_t max_topic_bytes = 65'535;

/// True iff `text` is well-formed UTF-8 as MQTT requires it: no U+0000, no surrogates, no overlong forms.
[[nodiscard]] MQTTC_API bool valid_utf8(std::string_view text);

/// What is wrong with a topic name or a filter.
enum class TopicFault : std::uint8_t {
    empty,
    too_long,
    invalid_utf8,        ///< not UTF-8, or contains U+0000
    wildcard_in_name,    ///< + or # in a topic name
    plus_not_alone,      ///< "home/+temp": + must fill a whole level
    hash_not_alone,      ///< "home#"
    hash_not_last,       ///< "home/#/temp"
    share_name_invalid,  ///< "$share//x", "$share/a+b/x", "$share/group" without a filter
};

/// What is wrong with a topic name, as a PUBLISH has one (section 4.7.3); none if it is valid.
[[nodiscard]] MQTTC_API std::optional<TopicFault> check_topic_name(std::string_view name);
/// What is wrong with a topic filter, shared or not, as a SUBSCRIBE has them (sections 4.7.1, 4.8.2); none if it is valid.
[[nodiscard]] MQTTC_API std::optional<TopicFault> check_topic_filter(std::string_view filter);

/// One sentence that says what is wrong and shows the right form ("'+' must fill a whole level: write home/+/temp
/// or home/+"), for a message. Control characters of `topic` are escaped.
MQTTC_API std::string explain(TopicFault fault, std::string_view topic);

/// True iff the (valid) name matches the (valid) filter. Filters starting with a wildcard do not match names that start
/// with '$'. A filter with the prefix "$share/group/" does not match: remove it first with `split_share`.
[[nodiscard]] MQTTC_API bool topic_matches(std::string_view filter, std::string_view name);

/// The parts of a shared subscription; views into the argument.
struct SharedFilter {
    std::string_view group;   ///< the share name
    std::string_view filter;  ///< what is subscribed to
};
/// none iff the filter is not a well-formed shared subscription.
MQTTC_API std::optional<SharedFilter> split_share(std::string_view filter);

}  // namespace mqttc
