// What passes from one connection to the next: unacknowledged messages, requests, QoS 0 messages not begun.
#include "mqttc/topic.hpp"
#include "session_impl.hpp"

namespace mqttc {

namespace {

constexpr std::uint8_t dup_bit = 0x08;
constexpr std::uint8_t retain_bit = 0x01;

Qos qos_of(std::uint8_t first_byte) {
    return static_cast<Qos>((first_byte >> 1U) & 3U);
}

/// Reads a PUBLISH of our own again, of which the payload may lie apart.
std::optional<Publish> read_again(Bytes own, const Payload* payload, ProtocolVersion version) {
    // The head alone is not a whole frame: its length counts the payload.
    std::size_t header = 1;
    while (header < own.size() && (own[header] & 0x80U) != 0) ++header;
    ++header;
    const Frame frame{own[0], own.subspan(header), own.size()};
    auto publish = decode_publish(frame, version);
    if (!publish) return std::nullopt;
    if (payload != nullptr && !payload->empty()) publish->payload = payload->bytes;
    return *publish;
}

bool has_wildcard(std::string_view filter) {
    return filter.find_first_of("+#") != std::string_view::npos;
}

}  // namespace

std::optional<ReasonCode> Session::Impl::forbidden(Qos qos, bool retain, std::size_t packet_size) const {
    if (qos > conn.limits.maximum_qos) return reason::qos_not_supported;
    if (retain && !conn.limits.retain_available) return reason::retain_not_supported;
    if (packet_size > conn.limits.maximum_packet_size) return reason::packet_too_large;
    return std::nullopt;
}

std::optional<ReasonCode> Session::Impl::forbidden(const Subscribe& packet) const {
    const Limits& limits = conn.limits;
    if (!limits.subscription_identifier_available &&
        packet.properties.find(PropertyId::subscription_identifier)) {
        return reason::subscription_identifiers_not_supported;
    }
    for (const Subscription& one : packet.subscriptions) {
        const auto shared = v5() ? split_share(one.filter) : std::nullopt;
        if (shared && !limits.shared_subscription_available)
            return reason::shared_subscriptions_not_supported;
        if (!limits.wildcard_subscription_available && has_wildcard(shared ? shared->filter : one.filter)) {
            return reason::wildcard_subscriptions_not_supported;
        }
    }
    return std::nullopt;
}

void Session::Impl::keep_unsent() {
    std::uint64_t& dropped = lasting.counters.dropped;
    conn.output.for_each_packet([&](const Output::Packet& packet) {
        const std::uint8_t first = packet.own[0];
        if (first >> 4U != static_cast<unsigned>(PacketType::publish) || qos_of(first) != Qos::at_most_once)
            return;
        auto publish = packet.begun ? std::nullopt : read_again(packet.own, packet.payload, options.version);
        if (!publish || lasting.kept.size() > options.max_output_bytes) {
            ++dropped;
            return;
        }
        if (packet.payload == nullptr && publish->properties.empty()) {
            lasting.kept.append(packet.own);
            return;
        }
        if (const auto alias = publish->properties.find(PropertyId::topic_alias)) {
            if (publish->topic.empty()) publish->topic = conn.outgoing_aliases.topic(alias->number);
            copy_without_alias(publish->properties, plain_properties);
            publish->properties = plain_properties.view();
        }
        const bool apart = packet.payload != nullptr;
        std::vector<std::uint8_t>& buffer = lasting.kept.buffer();
        const auto done = apart ? encode_publish_header(*publish, options.version, buffer)
                                : encode_publish(*publish, options.version, buffer);
        if (!done) {
            ++dropped;
        } else if (apart) {
            lasting.kept.append_payload(*packet.payload);
        }
    });
}

void Session::Impl::resend(bool resumed, Time now, Refusals& refusals) {
    const auto refuse = [&](OutgoingMessage& message, ReasonCode code) {
        message.refused = true;
        refusals.messages.push_back({&message, code});
    };
    const bool maybe_another =
        lasting.connect_unanswered || (resumed && options.version == ProtocolVersion::v31);
    if (!lasting.session_present || lasting.connect_unanswered) lasting.requests.broker_lost_session();
    lasting.connect_unanswered = false;
    if (maybe_another) lasting.doubted.take_all(lasting.received);
    for (Request& request : lasting.requests.unanswered()) {
        std::optional<ReasonCode> code;
        const auto frame = next_frame(request.packet, max_remaining_length + 5);
        const auto packet =
            frame && *frame ? decode(**frame, options.version) : std::unexpected(CodecError::malformed);
        if (packet) {
            if (const auto* subscribe = std::get_if<Subscribe>(&*packet)) code = forbidden(*subscribe);
        }
        if (request.packet.size() > conn.limits.maximum_packet_size) code = reason::packet_too_large;
        if (code) {
            refusals.requests.push_back({request.id, *code});
            continue;
        }
        conn.output.append(request.packet);
        conn.last_sent = now;
        request.end = conn.output.end_position();
        request.since = now;
        if (options.trace != nullptr && packet) options.trace->sent(*packet);
    }

    if (!resumed) {
        lasting.received.clear();
        lasting.doubted.clear();
        for (OutgoingMessage* message = lasting.inflight.waiting().front(); message != nullptr;
             message = message->next) {
            message->attempted = false;
            // The broker that sent PUBREC took the message over; publishing it again is forbidden
            // [MQTT-4.3.3-6].
            if (message->stage == OutgoingMessage::Stage::pubrel) refuse(*message, reason::success);
        }
    }
    OutgoingMessage* next = nullptr;
    for (OutgoingMessage* message = lasting.inflight.waiting().front(); message != nullptr; message = next) {
        next = message->next;
        if (message->refused) continue;
        if (message->stage == OutgoingMessage::Stage::pubrel) {
            // PUBREL needs no quota (section 4.9) and overtakes a PUBLISH that must wait for it.
            message->recovered = true;
            send_pubrel(*message, now);
            continue;
        }
        const std::size_t size = message->packet.size() + message->payload.bytes.size();
        if (const auto code = forbidden(message->qos, (message->packet[0] & retain_bit) != 0, size)) {
            refuse(*message, *code);
        } else if (conn.quota > 0) {
            send_publish(*message, nullptr, now);
        }
    }

    lasting.kept.for_each_packet([&](const Output::Packet& packet) {
        const std::size_t size =
            packet.own.size() + (packet.payload != nullptr ? packet.payload->bytes.size() : 0);
        if (forbidden(Qos::at_most_once, (packet.own[0] & retain_bit) != 0, size)) {
            ++lasting.counters.dropped;
            return;
        }
        const std::uint64_t begin = conn.output.end_position();
        conn.output.append(packet.own);
        if (packet.payload != nullptr) conn.output.append_payload(*packet.payload);
        lasting.on_the_way.add(begin, conn.output.end_position());
        conn.last_sent = now;
        if (options.trace != nullptr) {
            if (const auto publish = read_again(packet.own, packet.payload, options.version))
                trace_sent(*publish);
        }
    });
    lasting.kept = Output();
}

void Session::Impl::send_waiting(Time now) {
    while (conn.quota > 0 && !lasting.inflight.waiting().empty()) {
        send_publish(*lasting.inflight.waiting().front(), nullptr, now);
    }
}

bool Session::Impl::send_publish(OutgoingMessage& message, const Publish* wire, Time now) {
    Output& output = conn.output;
    message.begin = output.end_position();
    std::vector<std::uint8_t>& buffer = output.buffer();
    const std::size_t before = buffer.size();
    bool as_stored = wire == nullptr;
    if (!as_stored) {
        const auto done = message.payload.empty() ? encode_publish(*wire, options.version, buffer)
                                                  : encode_publish_header(*wire, options.version, buffer);
        as_stored =
            !done || buffer.size() - before + message.payload.bytes.size() > conn.limits.maximum_packet_size;
        if (as_stored) buffer.resize(before);
    }
    if (as_stored) {
        buffer.insert(buffer.end(), message.packet.begin(), message.packet.end());
        if (message.attempted) buffer[before] |= dup_bit;
    }
    if (options.trace != nullptr) {
        const auto publish = read_again(Bytes(buffer).subspan(before), &message.payload, options.version);
        if (publish) trace_sent(*publish);
    }
    if (!message.payload.empty()) output.append_payload(message.payload);
    message.end = output.end_position();
    message.since = conn.last_sent = now;
    --conn.quota;
    lasting.inflight.move_to_sent(message);
    return wire == nullptr || !as_stored;
}

void Session::Impl::send_pubrel(OutgoingMessage& message, Time now) {
    message.begin = conn.output.end_position();
    static_cast<void>(send(Ack{PacketType::pubrel, message.id, reason::success, {}}, now));
    message.end = conn.output.end_position();
    message.since = now;
    lasting.inflight.move_to_sent(message);
}

void Session::Impl::tell(const Refusals& refusals, SessionHandler& handler) {
    for (const auto& [message, code] : refusals.messages) {
        const PacketId id = message->id;
        lasting.inflight.finish(*message, lasting.ids);
        ++(code == reason::success ? lasting.counters.delivered : lasting.counters.refused);
        handler.on_delivered(id, code, {});
    }
    for (const auto& [id, code] : refusals.requests) {
        Request* request = lasting.requests.find(id);
        if (request == nullptr) continue;
        const std::vector<std::uint8_t> codes(request->filters, code);
        const PacketType type = request->type;
        lasting.requests.answered(*request, lasting.ids);
        if (type == PacketType::subscribe) {
            handler.on_suback(Suback{id, codes, {}});
        } else {
            handler.on_unsuback(Unsuback{id, v5() ? Bytes(codes) : Bytes(), {}});
        }
    }
}

}  // namespace mqttc
