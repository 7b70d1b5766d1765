// The broker's side of QoS 1 and 2 in a few lines, for tests that cut the connection: bytes in, bytes out, no
// I/O.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc::test {

/// Speaks to one client. A QoS 2 message is delivered at its PUBREL, as most brokers do it.
class BrokerModel {
  public:
    /// `receive_maximum` is announced in CONNACK (MQTT 5) and enforced; 0: none.
    BrokerModel(ProtocolVersion version, bool keeps_sessions, std::uint16_t receive_maximum = 0)
        : version_(version), keeps_(keeps_sessions), receive_maximum_(receive_maximum) {}

    void opened();
    void closed();
    void receive(std::uint8_t byte);
    /// Sends a message to the client, now or when it is there.
    void publish(std::string payload, Qos qos);

    std::vector<std::uint8_t> output;     ///< for the client, taken from the front
    std::vector<std::string> delivered;   ///< payloads from the client
    std::vector<std::string> violations;  ///< of the standard, by the client
    bool connected() const { return connected_; }
    /// Messages to the client that are not finished.
    std::size_t unfinished() const { return outgoing_.size(); }

  private:
    struct Outgoing {
        PacketId id;
        std::string payload;
        Qos qos;
        bool released;
    };

    void take(const Packet& packet);
    void take_publish(const Publish& publish);
    void take_ack(const Ack& ack);
    void send(const Packet& packet);
    void send(const Outgoing& message, bool dup);

    ProtocolVersion version_;
    bool keeps_;
    bool has_session_ = false;
    bool connected_ = false;
    std::vector<std::uint8_t> input_;
    std::map<PacketId, std::string> received_;  ///< between PUBREC and PUBREL
    std::uint16_t receive_maximum_;
    std::set<PacketId> published_here_;   ///< identifiers of the PUBLISH packets of this connection
    std::set<PacketId> unfinished_here_;  ///< of these, those without PUBACK or PUBCOMP
    std::deque<Outgoing> outgoing_;
    PacketId last_id_ = 0;
};

}  // namespace mqttc::test
