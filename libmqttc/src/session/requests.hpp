// SUBSCRIBE and UNSUBSCRIBE packets without an answer, and the answered SUBSCRIBEs, which are repeated when a broker has
// lost the session; those that have only shared subscriptions, after each reconnect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"
#include "packet_ids.hpp"

namespace mqttc {

/// One SUBSCRIBE or UNSUBSCRIBE. It keeps its identifier as long as it may be repeated, so that every answer has
/// the identifier that subscribe() returned.
struct Request {
    PacketType type = PacketType::subscribe;
    PacketId id = 0;
    std::size_t filters = 0;
    std::vector<std::uint8_t> packet;
    std::uint64_t end = 0;  ///< where it ends in this connection's output
    Time since{};           ///< when it was sent
    bool early = false;     ///< sent on this connection before CONNACK
};

/// The packet that a request holds, which this library has encoded.
Packet packet_of(const Request& request, ProtocolVersion version);

class Requests {
  public:
    static constexpr PacketIds::Owner owner = 65'535;
    static constexpr std::size_t max_requests = 50'000;

    using List = std::list<Request>;

    explicit Requests(ProtocolVersion version) : version_(version) {}

    bool full() const { return index_.size() >= max_requests; }
    Request& add(Request request);
    /// The unanswered request with this identifier; nullptr if none.
    Request* find(PacketId id);
    /// SUBACK or UNSUBACK was received. A SUBSCRIBE is remembered from now on, and an older one loses the filters
    /// they have in common; an UNSUBSCRIBE is forgotten, and so are its filters, except those whose code (MQTT 5) is a
    /// failure: the broker keeps these. Releases identifiers that are no longer needed.
    void answered(Request& request, Bytes codes, PacketIds& ids);
    /// The broker has no session: everything remembered is unanswered again, in its original order.
    void broker_lost_session();
    /// The broker has the session: SUBSCRIBEs that have only shared subscriptions are unanswered again. Mosquitto 2.0 forgets
    /// these when it restarts, and no retained messages are sent for them (MQTT 5.0 section 4.8.2), so that they may be repeated.
    void session_resumed();

    /// Those without an answer, oldest first.
    List& unanswered() { return unanswered_; }
    const List& unanswered() const { return unanswered_; }
    bool empty() const { return index_.empty(); }

  private:
    struct Place {
        bool answered;
        List::iterator at;
    };

    using Filters = std::set<std::string_view>;
    /// Removes these filters from the answered SUBSCRIBEs that contain them, except from that of `except`.
    void forget(const Filters& filters, PacketId except, PacketIds& ids);
    void erase(PacketId id, PacketIds& ids);

    ProtocolVersion version_;
    List answered_;
    List unanswered_;
    // Hash tables need libm for one floor(): that would make every start of a program slower.
    std::map<PacketId, Place> index_;
    std::map<std::string, PacketId, std::less<>> owners_;  ///< of the filters of answered_
};

}  // namespace mqttc
