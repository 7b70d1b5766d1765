// What is carried over to the next connection: unacknowledged messages, requests, QoS 0 messages that were not sent.
#include "session_impl.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

constexpr std::uint8_t dup_bit = 0x08;
constexpr std::uint8_t retain_bit = 0x01;

Qos qos_of(std::uint8_t first_byte) {
    return static_cast<Qos>((first_byte >> 1U) & 3U);
}

/// Decodes a PUBLISH of our own, whose payload may be external.
std::optional<Publish> read_again(Bytes own, const ExternalPayload* payload, ProtocolVersion version) {
    // The head alone is not a whole frame: its length counts the payload. So it is decoded as a frame without one.
    std::size_t header = 1;
    while (header < own.size() && (own[header] & 0x80U) != 0) ++header;
    const Bytes body = own.subspan(header + 1);
    const Frame frame{own[0], body, 1 + codec::varint_size(body.size()) + body.size()};
    auto publish = decode_publish(frame, version);
    if (!publish) return std::nullopt;
    if (payload != nullptr && !payload->empty()) publish->payload = payload->bytes;
    return *publish;
}

}  // namespace

Session::Impl::Unsent Session::Impl::keep_unsent() {
    Unsent unsent;
    conn.output.for_each_packet([&](const Output::Packet& packet) {
        const std::uint8_t first = packet.inline_bytes[0];
        if (first >> 4U == static_cast<unsigned>(PacketType::publish) && qos_of(first) == Qos::at_most_once)
            keep(packet, unsent);
    });
    // Those that were published after DISCONNECT, or without a connection.
    if (unsent.kept.empty()) {
        unsent.kept = std::move(state.kept);
    } else {
        state.kept.for_each_packet([&](const Output::Packet& packet) { keep(packet, unsent); });
    }
    return unsent;
}

void Session::Impl::keep(const Output::Packet& packet, Unsent& unsent) {
    auto publish =
        packet.partly_sent ? std::nullopt : read_again(packet.inline_bytes, packet.payload, options.version);
    if (!publish || unsent.kept.size() > options.max_output_bytes) {
        ++unsent.dropped;
        return;
    }
    const bool external = packet.payload != nullptr;
    if (external) unsent.kept.reserve_payloads();
    const auto alias = publish->properties.find(PropertyId::topic_alias);
    if (!alias) {
        unsent.kept.append(packet.inline_bytes);
    } else {
        if (publish->topic.empty()) publish->topic = conn.outgoing_aliases->topic(alias->number);
        copy_without_alias(publish->properties, plain_properties);
        publish->properties = plain_properties.view();
        if (!encode_head(*publish, external ? *packet.payload : ExternalPayload(), unsent.kept.buffer())) {
            ++unsent.dropped;
            return;
        }
    }
    if (external) unsent.kept.append_payload(*packet.payload);
}

void Session::Impl::resend(bool resumed, Time now, Refusals& refusals) {
    const auto refuse_message = [&](OutgoingMessage& message, ReasonCode code) {
        message.refused = true;
        refusals.messages.push_back({&message, code});
    };
    // With that of this connection, which counts as unanswered until nothing can fail any more.
    const bool connect_unanswered = state.unanswered_connects > 1;
    const bool maybe_another = connect_unanswered || (resumed && options.version == ProtocolVersion::v31);
    if (!state.session_present || connect_unanswered)
        state.requests.broker_lost_session();
    else
        state.requests.session_resumed();
    if (maybe_another) state.uncertain_qos2_ids.take_all(state.received);
    if (!resumed) {
        state.received.clear();
        state.uncertain_qos2_ids.clear();
        for (OutgoingMessage* message = state.inflight.waiting().front(); message != nullptr;
             message = message->next) {
            message->attempted = false;
            // It must not be published again [MQTT-4.3.3-6], and most brokers forward it at PUBREL.
            if (message->stage == OutgoingMessage::Stage::pubrel) refuse_message(*message, fate_unknown);
        }
    }
    resend_requests(now, refusals);
    OutgoingMessage* next = nullptr;
    for (OutgoingMessage* message = state.inflight.waiting().front(); message != nullptr; message = next) {
        next = message->next;
        if (message->refused) continue;
        if (message->stage == OutgoingMessage::Stage::pubrel) {
            // PUBREL needs no quota (section 4.9) and overtakes a PUBLISH that must wait for it.
            message->pubrel_resent = true;
            send_pubrel(*message, now);
            continue;
        }
        const std::size_t size = message->packet.size() + message->payload.bytes.size();
        if (const auto code = violated_limit(message->qos, (message->packet[0] & retain_bit) != 0, size)) {
            refuse_message(*message, *code);
        } else if (conn.quota > 0) {
            send_publish(*message, nullptr, now);
        }
    }
    resend_kept(now);
    state.unanswered_connects = 0;
}

void Session::Impl::resend_requests(Time now, Refusals& refusals) {
    for (Request& request : state.requests.unanswered()) {
        std::optional<ReasonCode> code;
        const Packet packet = packet_of(request, options.version);
        if (const auto* subscribe = std::get_if<Subscribe>(&packet)) code = violated_limit(*subscribe);
        if (request.packet.size() > conn.limits.maximum_packet_size) code = reason::packet_too_large;
        if (code) {
            conn.early_forbidden = conn.early_forbidden || request.early;
            refusals.requests.push_back({request.id, *code});
            continue;
        }
        if (request.early) continue;
        conn.output.append(request.packet);
        conn.last_sent = now;
        request.end = conn.output.end_position();
        request.since = now;
        if (options.trace != nullptr) options.trace->sent(packet);
    }
}

void Session::Impl::resend_kept(Time now) {
    if (state.kept.empty()) return;
    // From here on nothing can fail: a message is in one of the two queues, never in both.
    std::size_t messages = 0;
    std::size_t payloads = 0;
    state.kept.for_each_packet([&](const Output::Packet& packet) {
        ++messages;
        if (packet.payload != nullptr) ++payloads;
    });
    conn.qos0_in_transit.reserve(messages);
    conn.output.reserve_payloads(payloads);
    conn.output.buffer().reserve(conn.output.buffer().size() + state.kept.buffered());
    state.kept.for_each_packet([&](const Output::Packet& packet) {
        if (violated_limit(Qos::at_most_once, (packet.inline_bytes[0] & retain_bit) != 0, packet.size())) {
            ++state.counters.dropped;
            --state.counters.pending;
            return;
        }
        conn.output.append(packet.inline_bytes);
        if (packet.payload != nullptr) conn.output.append_payload(*packet.payload);
        conn.qos0_in_transit.add(conn.output.end_position());
        conn.last_sent = now;
        if (options.trace != nullptr) {
            if (const auto publish = read_again(packet.inline_bytes, packet.payload, options.version))
                trace_sent(*publish);
        }
    });
    state.kept = Output();
}

void Session::Impl::send_waiting(Time now) {
    while (conn.quota > 0 && !state.inflight.waiting().empty()) {
        send_publish(*state.inflight.waiting().front(), nullptr, now);
    }
}

void Session::Impl::send_publish(OutgoingMessage& message, PreparedPublish* fresh, Time now) {
    Output& output = conn.output;
    const std::uint64_t begin = output.end_position();
    if (!message.payload.empty()) output.reserve_payloads();
    Output::Appending packet(output);
    const bool aliased = fresh != nullptr && (fresh->alias.alias != 0 || fresh->user_alias != 0);
    const auto size = aliased ? encode_for_broker(*fresh, packet) : 0;
    if (!aliased || !size || *size > conn.limits.maximum_packet_size) {
        packet.remove();
        packet.buffer().insert(packet.buffer().end(), message.packet.begin(), message.packet.end());
        if (message.attempted) packet.buffer()[packet.buffer().size() - message.packet.size()] |= dup_bit;
        if (aliased) fresh->alias = {};
    }
    if (aliased) remember_aliases(*fresh);

    packet.keep();
    if (options.trace != nullptr) {
        if (const auto publish = read_again(packet.appended(), &message.payload, options.version))
            trace_sent(*publish);
    }
    if (!message.payload.empty()) output.append_payload(message.payload);
    message.begin = begin;
    message.end = output.end_position();
    message.since = conn.last_sent = now;
    --conn.quota;
    state.inflight.move_to_sent(message);
}

bool Session::Impl::withdraw(PacketId id) {
    OutgoingMessage* message = state.inflight.find(state.ids, id);
    if (message == nullptr || message->on_wire || message->attempted || message->refused ||
        message->stage != OutgoingMessage::Stage::publish)
        return false;
    state.inflight.finish(*message, state.ids);
    --state.counters.pending;
    ++state.counters.dropped;
    return true;
}

void Session::Impl::send_pubrel(OutgoingMessage& message, Time now) {
    const std::uint64_t begin = conn.output.end_position();
    send_ack(PacketType::pubrel, message.id, reason::success, now);
    message.begin = begin;
    message.end = conn.output.end_position();
    message.since = now;
    state.inflight.move_to_sent(message);
}

std::optional<Publish> Session::oldest_unfinished() const {
    const OutgoingMessage* message = impl_->state.inflight.oldest();
    if (message == nullptr) return std::nullopt;
    return read_again(message->packet, &message->payload, impl_->options.version);
}

bool Session::oldest_is_largest() const {
    const OutgoingMessage* message = impl_->state.inflight.oldest();
    return message != nullptr && message->size() > impl_->state.largest_answered;
}

void Session::Impl::report_refused(const OutgoingMessage& message, ReasonCode code, PropertiesView properties,
                                   SessionHandler& handler) {
    if (code == fate_unknown) return;
    if (const auto publish = read_again(message.packet, &message.payload, options.version))
        handler.on_refused(*publish, code, properties);
}

void Session::Impl::report_refusals(const Refusals& refusals, SessionHandler& handler) {
    for (const auto& [message, code] : refusals.messages) {
        const PacketId id = message->id;
        report_refused(*message, code, {}, handler);
        state.inflight.finish(*message, state.ids);
        count_finished(code);
        handler.on_delivered(id, code, {});
    }
    for (const auto& [id, code] : refusals.requests) {
        Request* request = state.requests.find(id);
        if (request == nullptr) continue;
        const std::vector<std::uint8_t> codes(request->filters, code);
        const PacketType type = request->type;
        state.requests.answered(*request, codes, state.ids);
        if (type == PacketType::subscribe) {
            handler.on_suback(Suback{id, codes, {}});
        } else {
            handler.on_unsuback(Unsuback{id, v5() ? Bytes(codes) : Bytes(), {}});
        }
    }
}

}  // namespace mqttc
