// A client for dialogues with the broker: it sends packets and raw bytes, and returns received packets as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker_thread.hpp"
#include "mqttc/packet.hpp"

namespace mqttc::test {

inline constexpr auto v5 = ProtocolVersion::v5;

/// Whether the broker has recorded a violation with this text.
inline bool violated(broker::BrokerThread& broker, std::string_view rule) {
    return std::ranges::any_of(broker.violations(),
                               [&](const std::string& violation) { return violation.contains(rule); });
}

class RawClient {
  public:
    explicit RawClient(std::uint16_t port, ProtocolVersion version = ProtocolVersion::v311);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(const Packet& packet);
    /// Bytes as hex digits; spaces are ignored.
    void send_hex(std::string_view hex);
    /// Sends a CONNECT (its version is set to this client's) and returns the answer.
    std::string connect(Connect connect = {});
    std::string connect(std::string_view client_id, bool clean_start = true);
    /// Sends SUBSCRIBE with identifier 1 and returns the answer.
    std::string subscribe(std::string_view filter, Qos qos = Qos::at_most_once);
    void publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once,
                 PacketId id = 0, bool retain = false);
    /// Waits until the broker has handled all sent packets (PINGREQ, PINGRESP). Returns the packets received before that.
    std::string rest();

    /// The next packet in one line: "CONNACK 0 code 0", "PUBLISH q1 id 7 retain a/b=text", "PUBACK 7",
    /// "SUBACK 1: 0 128", followed by codes other than 0 and MQTT 5 properties; "end" when the broker has closed
    /// the connection, "nothing" after ten seconds.
    std::string next();

    void close();

  private:
    bool fill();

    int fd_ = -1;
    ProtocolVersion version_;
    std::vector<std::uint8_t> received_;
    std::size_t used_ = 0;
    bool timed_out_ = false;
};

}  // namespace mqttc::test
