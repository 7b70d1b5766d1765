// The session state of a client (MQTT 5.0 section 4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "loop.hpp"
#include "message.hpp"
#include "topic_tree.hpp"

namespace mqttc::broker {

class Connection;

inline constexpr std::uint32_t never_expires = 0xffff'ffff;

struct StoredWill {
    MessagePtr message;
    std::uint32_t delay = 0;              ///< seconds
    std::optional<std::uint32_t> expiry;  ///< seconds from its publication
};

StoredWill make_will(const Will& will, std::string_view client_id, Time now);

class Session {
  public:
    explicit Session(std::string client_id) : client_id_(std::move(client_id)) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& client_id() const { return client_id_; }
    bool connected() const { return connection != nullptr; }

    /// Queues a QoS 1 or 2 delivery. Returns false iff the queue is full.
    bool enqueue(Outgoing outgoing, std::size_t max_messages, std::size_t max_bytes);
    /// The next delivery to send while fewer than `window` are in flight, otherwise null. First the incomplete ones of an
    /// earlier connection, then queued ones, which get a packet identifier. Expired messages are dropped. The pointer is
    /// valid until the next change.
    const Outgoing* start_next(std::size_t window, Time now);
    /// After a reconnect the messages in flight must be sent again (PUBREL for released ones).
    void reconnected();
    bool has_queued() const { return !queued_.empty(); }
    std::size_t queued_messages() const { return queued_.size(); }

    enum class Found : std::uint8_t { yes, no, wrong_kind, out_of_order };
    /// Handles an acknowledgement of the client. `no`: the identifier is not in flight; `wrong_kind`: another packet is
    /// expected for it; `out_of_order`: accepted, but an earlier message had to be acknowledged first (MQTT 5.0 section
    /// 4.6).
    Found puback(PacketId id);
    Found pubrec(PacketId id, bool refused);
    Found pubcomp(PacketId id);
    /// Removes a delivery that cannot be sent.
    void forget(PacketId id);
    /// Incomplete deliveries in the order of sending.
    const std::deque<Outgoing>& in_flight() const { return in_flight_; }

    std::map<std::string, SubscriptionOptions, std::less<>> subscriptions;
    std::map<PacketId, MessagePtr>
        received;  ///< QoS 2 between PUBREC and PUBREL; null: never to be forwarded
    std::optional<StoredWill> will;
    std::uint32_t expiry = 0;  ///< seconds after the end of the connection
    ProtocolVersion version = ProtocolVersion::v311;
    Connection* connection = nullptr;
    net::Loop::TimerId expiry_timer = 0;
    net::Loop::TimerId will_timer = 0;

    // For Broker::route(): the message that was routed last, and the index of its delivery.
    std::uint64_t route = 0;
    std::size_t route_index = 0;

  private:
    std::deque<Outgoing>::iterator find(PacketId id);
    bool is_oldest(std::deque<Outgoing>::iterator delivery);
    void complete(const std::deque<Outgoing>::iterator& delivery);
    PacketId free_id();

    std::string client_id_;
    std::deque<Outgoing> queued_;
    std::size_t queued_bytes_ = 0;
    std::deque<Outgoing> in_flight_;
    std::size_t waiting_ = 0;  ///< how many of them have `waiting` set
    PacketId last_id_ = 0;
};

}  // namespace mqttc::broker
