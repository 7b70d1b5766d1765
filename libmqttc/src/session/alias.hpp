// Topic aliases of one connection (MQTT 5.0 section 3.3.2.3.4), the broker's and ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/property.hpp"
#include "mqttc/reason.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// What the broker's aliases mean.
class IncomingAliases {
  public:
    /// Longest topics together; a broker that wants more is refused with "quota exceeded".
    static constexpr std::size_t max_bytes = std::size_t{16} * 1024 * 1024;

    /// `maximum` is what CONNECT announced.
    explicit IncomingAliases(std::uint16_t maximum) : maximum_(maximum) {}
    IncomingAliases() = default;

    /// Learns a topic that has an alias, or finds the topic of an alias without one. The view is valid
    /// until the next call. Error: the reason code to disconnect with.
    std::expected<std::string_view, ReasonCode> resolve(std::uint32_t alias, std::string_view topic);

  private:
    std::vector<std::string> topics_;
    std::size_t bytes_ = 0;
    std::uint16_t maximum_ = 0;
};

/// Aliases for our topics, the user's and chosen ones: a topic gets one when it is used for the second time, if one
/// is left and the topic is long enough to save bytes; an alias keeps its meaning for the whole connection.
class OutgoingAliases {
  public:
    static constexpr std::uint16_t max_aliases = 256;
    /// A PUBLISH with an alias is three bytes longer; for a shorter topic the third message would not save as much.
    static constexpr std::size_t min_topic_bytes = 6;

    explicit OutgoingAliases(std::uint16_t allowed)
        : allowed_(allowed < max_aliases ? allowed : max_aliases) {}
    OutgoingAliases() = default;

    struct Choice {
        std::uint16_t alias = 0;  ///< 0 = none
        bool known = false;       ///< the broker knows the topic: it need not be sent
    };
    Choice choose(std::string_view topic);
    /// The PUBLISH with a chosen new alias and its topic is made pending. Throws std::bad_alloc with nothing changed.
    void assign(std::uint16_t alias, std::string_view topic);
    /// The topic of an assigned alias; empty if there is none.
    std::string_view topic(std::uint32_t alias) const;
    /// The topic of an alias that the user has chosen; empty if there is none.
    std::string_view user_topic(std::uint32_t alias) const;
    /// The user has chosen an alias: no further ones are chosen here; topic() still works.
    void assign_user(std::uint32_t alias, std::string_view topic) {
        user_topics_.insert_or_assign(alias, std::string(topic));
    }
    /// A block of properties with nothing but this alias; valid until the next assign.
    PropertiesView property(std::uint16_t alias);

  private:
    static constexpr std::size_t seen_slots = 256;

    std::map<std::string, std::uint16_t, std::less<>> aliases_;
    std::vector<std::string_view> topics_;  ///< by alias - 1, views of the keys of aliases_
    std::vector<Properties> properties_;    ///< by alias - 1
    std::vector<std::size_t> seen_;         ///< hashes of topics used once, at (hash mod seen_slots)
    std::uint16_t last_ = 0;                ///< the alias of the topic used last
    std::uint16_t allowed_ = 0;
    std::map<std::uint32_t, std::string> user_topics_;
};

}  // namespace mqttc
