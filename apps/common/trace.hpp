// -d: one line on stderr for each packet sent and received.
#pragma once

#include <string>

#include "mqttc/session.hpp"

#include "messages.hpp"

namespace mqttc::app {

/// "PUBLISH id 1 qos 1 topic 'a/b' 5 bytes": what a packet is, in one line; control characters are escaped,
/// secrets and payloads are not shown. Fields that packets of `version` do not have are left out.
std::string describe_packet(const Packet& packet, ProtocolVersion version = ProtocolVersion::v5);

class DebugTrace : public PacketTrace {
  public:
    explicit DebugTrace(Messages& messages) : messages_(messages) {}
    void sent(const Packet& packet) override;
    void received(const Packet& packet) override;
    void ignored(const Packet& packet) override;

  private:
    Messages& messages_;
    ProtocolVersion version_ = ProtocolVersion::v5;  // of the last CONNECT
};

}  // namespace mqttc::app
