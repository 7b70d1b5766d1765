// A connection of one client: transport, packets, and checks of the rules of the standard.
//
// A violation is recorded in Broker::violations() and ends the connection, in MQTT 5 with a DISCONNECT and its reason
// (MQTT 5.0 section 4.13). Acknowledgements of unknown identifiers are only recorded.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "authenticator.hpp"
#include "buffers.hpp"
#include "loop.hpp"
#include "mqttc/codec.hpp"
#include "mqttc/packet.hpp"
#include "session.hpp"
#include "stream.hpp"

namespace mqttc::broker {

class Broker;

class Connection {
  public:
    /// Without `access` the options of the broker apply.
    Connection(Broker& broker, net::StreamPtr stream, std::string peer,
               std::shared_ptr<const AccessControl> access);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The client identifier; before CONNECT the address of the peer.
    const std::string& name() const { return name_; }
    ProtocolVersion version() const { return version_; }
    /// Null before CONNECT is accepted and after the end.
    Session* session() const { return session_; }
    bool finished() const { return stage_ == Stage::finished; }

    /// Sends what the session has queued, as far as the client and the output bounds allow.
    void pump();
    /// Sends a message at QoS 0; drops it above the output bound or the maximum packet size.
    void send_qos0(const Outgoing& outgoing);
    void send_raw(Bytes bytes);
    /// Sends the acknowledgements that Behaviour::answer_publish held back.
    void release_acknowledgements();
    /// Ends the connection, in MQTT 5 with DISCONNECT.
    void disconnect(ReasonCode code, std::string_view why);
    /// Ends the connection without DISCONNECT.
    void drop();
    /// Writes the output; called once per turn of the loop.
    void flush();

    bool flush_requested = false;  ///< for Broker::request_flush()

  private:
    enum class Stage : std::uint8_t {
        handshake,   ///< of the transport
        connecting,  ///< waiting for CONNECT
        open,        ///< CONNECT was accepted
        closing,     ///< writing the last bytes
        lingering,   ///< DISCONNECT was sent or received; input is discarded
        finished,
    };
    enum class Last : bool { no, yes };

    // connection.cpp: transport, output, end
    void ready(short revents);
    void continue_handshake();
    void read_all();
    void discard_input();
    void take_packets();
    void wait_for_stream();
    void arm_timer(Time when);
    void timer_due();
    void send(const Packet& packet, Last last = Last::no);
    bool send_publish(const Outgoing& outgoing, bool dup);
    void close_after_output();
    void end_session(bool with_will);
    void finish();
    void violation(ReasonCode code, std::string_view rule);
    void note(std::string_view text) const;

    // connection_packets.cpp: received packets
    void take(const Frame& frame);
    void on(const Connect& connect);
    void on(const Publish& publish, Block block);
    void on(const Ack& ack);
    void on(const Subscribe& subscribe);
    void on(const Unsubscribe& unsubscribe);
    void on(const Pingreq&);
    void on(const Disconnect& disconnect);
    std::optional<std::uint8_t> refusal(const Connect& connect) const;
    void refuse(std::uint8_t code, std::string_view why);
    void accept(const Connect& connect);
    Properties connack_properties(const Connect& connect, bool assigned_id) const;
    void resend();
    bool resolve_topic(const Publish& publish, std::string_view& topic);
    std::optional<ReasonCode> violated_limit(const Publish& publish) const;
    void on_pubrel(PacketId id);
    void check_unused(PacketId id, const char* packet);
    void record_violation(const std::string& rule);
    void acknowledge(PacketType type, PacketId id, ReasonCode code);
    std::uint8_t subscribe_one(const Subscription& subscription, std::uint32_t identifier,
                               std::vector<Outgoing>& retained);
    bool v5() const { return version_ == ProtocolVersion::v5; }

    Broker& broker_;
    net::StreamPtr stream_;
    std::string name_;
    std::shared_ptr<const AccessControl> access_;
    Stage stage_ = Stage::handshake;
    ProtocolVersion version_ = ProtocolVersion::v311;
    Session* session_ = nullptr;

    InputBuffer input_;
    OutputQueue output_;
    net::Loop::TimerId timer_ = 0;
    Time last_received_;
    Duration max_silence_{};  ///< one and a half times the keep-alive; zero: no limit

    // Limits from the client's CONNECT.
    std::size_t max_in_flight_ = 0;
    std::size_t max_packet_size_ = 0;
    std::uint16_t max_aliases_ = 0;
    std::unordered_map<std::string, std::uint16_t, StringHash, std::equal_to<>> aliases_out_;
    std::unordered_map<std::uint16_t, std::string> aliases_in_;
    bool disconnect_received_ = false;        ///< the client sent DISCONNECT
    std::vector<Ack> held_back_;              ///< by Behaviour::answer_publish
    std::deque<PacketId> awaiting_pubrel_;    ///< in the order in which PUBREC was sent
    std::unordered_set<PacketId> in_flight_;  ///< incomplete QoS 1 and 2 PUBLISH packets of this connection
};

}  // namespace mqttc::broker
