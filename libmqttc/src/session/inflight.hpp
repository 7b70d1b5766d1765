// Outgoing QoS 1 and 2 messages that are not finished (MQTT 5.0 section 4.3), in the order they were sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "mqttc/types.hpp"
#include "output.hpp"
#include "packet_ids.hpp"

namespace mqttc {

/// One outgoing message between publish() and its last acknowledgement.
struct OutgoingMessage {
    enum class Stage : std::uint8_t {
        publish,  ///< PUBLISH is to be sent or waits for PUBACK or PUBREC
        pubrel,   ///< PUBREC was received: PUBREL is to be sent or waits for PUBCOMP
    };

    /// Of the PUBLISH.
    std::size_t size() const { return packet.size() + payload.bytes.size(); }

    std::vector<std::uint8_t> packet;  ///< the PUBLISH with its whole topic, DUP = 0, and a small payload
    ExternalPayload payload;           ///< a payload that is not in `packet`
    /// Where the last packet sent of it starts and ends in this connection's output.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    Time since{};  ///< when that was
    OutgoingMessage* previous = nullptr;
    OutgoingMessage* next = nullptr;
    PacketIds::Owner slot = 0;
    PacketId id = 0;
    Qos qos = Qos::at_least_once;
    Stage stage = Stage::publish;
    bool on_wire = false;        ///< sent on this connection
    bool attempted = false;      ///< an earlier connection may have carried the PUBLISH: DUP must be set
    bool pubrel_resent = false;  ///< PUBREL was sent again after a reconnect
    bool refused = false;        ///< never to be sent: about to be finished
};

/// Two queues of messages in one pool of slots that are used again: `waiting` to be sent on this connection, and `sent` in
/// the order of the last packet sent for each: PUBLISH as first sent, PUBREL as the PUBRECs arrived, as section 4.6
/// requires.
class Inflight {
  public:
    /// Slots have numbers that fit a PacketIds::Owner, and one number is left for requests.
    static constexpr std::size_t max_messages = 65'000;

    class Queue {
      public:
        OutgoingMessage* front() const { return first_; }
        bool empty() const { return first_ == nullptr; }

      private:
        friend class Inflight;
        OutgoingMessage* first_ = nullptr;
        OutgoingMessage* last_ = nullptr;
    };

    /// A fresh message at the end of `waiting`, or nullptr when no identifier is free. `wanted`: with this one, or nullptr
    /// when that is in use; 0: the next one.
    OutgoingMessage* add(PacketIds& ids, PacketId wanted = 0);
    /// The message that owns an identifier; nullptr if none.
    OutgoingMessage* find(const PacketIds& ids, PacketId id) const;
    /// Moves to the end of `sent`.
    void move_to_sent(OutgoingMessage& message);
    /// Removes the message and releases its identifier.
    void finish(OutgoingMessage& message, PacketIds& ids);
    /// The connection is gone: everything waits again, in order; what was sent in part counts as attempted.
    void closed(std::uint64_t sent_position);

    const Queue& waiting() const { return waiting_; }
    const Queue& sent() const { return sent_; }
    /// nullptr if there are no messages.
    const OutgoingMessage* oldest() const { return sent_.empty() ? waiting_.front() : sent_.front(); }
    std::size_t size() const { return size_; }

  private:
    /// A slot keeps its buffer for the next message up to this size.
    static constexpr std::size_t kept_capacity = std::size_t{4} * 1024;

    static void append(Queue& queue, OutgoingMessage& message);
    static void remove(Queue& queue, OutgoingMessage& message);

    std::vector<std::unique_ptr<OutgoingMessage>> slots_;
    std::vector<OutgoingMessage*> free_;
    Queue waiting_;
    Queue sent_;
    std::size_t size_ = 0;
};

}  // namespace mqttc
