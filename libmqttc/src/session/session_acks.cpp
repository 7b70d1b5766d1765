// Acknowledgements from the broker: they finish messages, or take them to their next stage.
#include <algorithm>
#include <string>

#include "session_impl.hpp"

namespace mqttc {

std::expected<std::size_t, Error> Session::Impl::take_plain_acks(Bytes bytes, Time now,
                                                                 SessionHandler& handler) {
    std::size_t used = 0;
    conn.partial_size = 0;
    conn.last_progress = now;
    while (live() && begins_plain_ack(bytes.subspan(used))) {
        const auto id = static_cast<PacketId>(bytes[used + 2] << 8U | bytes[used + 3]);
        if (id == 0) break;  // malformed: decode() has the error
        const Ack ack{static_cast<PacketType>(bytes[used] >> 4U), id, reason::success, {}};
        conn.in_event = true;
        const Outcome outcome = take_ack(ack, now, handler);
        conn.in_event = false;
        send_deferred_disconnect();
        if (!outcome) return std::unexpected(outcome.error());
        used += plain_ack_size;
    }
    return used;
}

Session::Impl::Outcome Session::Impl::take_ack(const Ack& packet, Time now, SessionHandler& handler) {
    const PacketId id = packet.packet_id;
    ReasonCode code = v5() ? packet.code : reason::success;
    if (packet.type == PacketType::pubrel) {
        if (state.uncertain_qos2_ids.contains(id)) state.received.take_all(state.uncertain_qos2_ids);
        const bool known = state.received.erase(id);
        if (known && conn.received_unfinished > 0) --conn.received_unfinished;
        send_ack(PacketType::pubcomp, id, known ? reason::success : reason::packet_identifier_not_found, now);
        return Taken::yes;
    }
    OutgoingMessage* message = state.inflight.find(state.ids, id);
    if (message == nullptr) {
        // PUBACK and PUBCOMP of a message that is finished do no harm.
        if (packet.type == PacketType::pubrec && code < reason::unspecified_error) {
            send_ack(PacketType::pubrel, id, reason::packet_identifier_not_found, now);
        }
        return Taken::yes;
    }
    const bool released = message->stage == OutgoingMessage::Stage::pubrel;
    // Some brokers (RabbitMQ) take QoS 2 messages as QoS 1.
    const bool lowered = packet.type == PacketType::puback && message->qos == Qos::exactly_once && !released;
    const bool fits = packet.type == PacketType::puback   ? message->qos == Qos::at_least_once || lowered
                      : packet.type == PacketType::pubrec ? message->qos == Qos::exactly_once
                                                          : released;
    if (!fits) {
        return fail(reason::protocol_error, "the broker sent " + name_of(packet.type) +
                                                " for a message that waits for another answer");
    }
    if (!message->on_wire || message->end > conn.output.sent_position()) {
        return fail(reason::protocol_error,
                    "the broker sent " + name_of(packet.type) + " for a message before all of it was sent");
    }
    if (packet.type == PacketType::pubrec) {
        if (code < reason::unspecified_error) {
            message->stage = OutgoingMessage::Stage::pubrel;
            send_pubrel(*message, now);
            return Taken::yes;
        }
        // After PUBREL a message cannot be refused; the answer to that PUBREL finishes it.
        if (released) return Taken::yes;
    }
    // After a reconnect the broker may have finished with the message already (sections 3.7.2.1, 4.3.3).
    if (message->pubrel_resent && code == reason::packet_identifier_not_found) code = reason::success;
    if (lowered && code < reason::unspecified_error) ++state.counters.lowered;
    finish(*message, code, packet.properties, now, handler);
    return Taken::yes;
}

void Session::Impl::finish(OutgoingMessage& message, ReasonCode code, PropertiesView properties, Time now,
                           SessionHandler& handler) {
    const PacketId id = message.id;
    const bool again = message.pubrel_resent;
    if (code >= reason::unspecified_error) report_refused(message, code, properties, handler);
    state.largest_answered = std::max(state.largest_answered, message.size());
    state.inflight.finish(message, state.ids);
    // A PUBREL that was sent again took none (section 4.9), so its PUBCOMP gives none back.
    if (!again && conn.quota < conn.limits.receive_maximum) ++conn.quota;
    count_finished(code);
    if (live()) send_waiting(now);
    handler.on_delivered(id, code, properties);
}

}  // namespace mqttc
