// What a broker keeps over a restart, and its form in a file: the retained messages, and the sessions with their
// subscriptions and all that is queued or under way. Wills are not kept: a broker that ends sends them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message.hpp"
#include "mqttc/error.hpp"
#include "topic_tree.hpp"

namespace mqttc::broker {

struct SavedSession {
    std::string client_id;
    ProtocolVersion version = ProtocolVersion::v311;
    std::uint32_t expiry = 0;  ///< seconds; never 0
    std::optional<Time> ends;  ///< none iff it never expires
    std::map<std::string, SubscriptionOptions, std::less<>> subscriptions;
    std::vector<PacketId> received;  ///< QoS 2 identifiers between PUBREC and PUBREL, sorted
    std::deque<Outgoing> in_flight;  ///< with different packet identifiers
    std::deque<Outgoing> queued;     ///< without
    PacketId last_id = 0;
};

struct State {
    std::vector<MessagePtr> retained;
    std::vector<SavedSession> sessions;  ///< with different client identifiers
};

/// One moment by the two clocks: times are kept by the one on the wall, which goes on over a restart.
struct Moment {
    Time steady;
    std::int64_t wall = 0;  ///< milliseconds since 1970

    static Moment now();
};

/// The state in the form of the file. A message that several hold is in it once.
std::string encode_state(const State& state, const Moment& moment);

/// Reads it back; whatever the bytes, a state it returns is one that a broker could have had. The error says
/// what is wrong and where.
std::expected<State, std::string> parse_state(std::string_view bytes, const Moment& moment);

/// A longer file is not read.
inline constexpr std::size_t max_state_bytes = std::size_t{1} << 31;

/// The content of a state file; none when there is no such file.
std::expected<std::optional<std::string>, Error> read_state_file(const std::string& path);
/// Puts `bytes` in the file's place by way of a sibling: a crash leaves the old file or the new one, whole.
std::expected<void, Error> write_state_file(const std::string& path, std::string_view bytes);

}  // namespace mqttc::broker
