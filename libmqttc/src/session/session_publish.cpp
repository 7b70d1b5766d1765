// Publishing: a PUBLISH is checked and encoded once, then queued by its QoS. Every step that can fail precedes that.
#include <algorithm>
#include <string>

#include "mqttc/topic.hpp"
#include "publish_head.hpp"
#include "session_impl.hpp"

namespace mqttc {

namespace {

std::unexpected<Error> cannot_publish(const Publish& message, CodecError error) {
    if (const auto fault = check_topic_name(message.topic)) {
        return refuse(ErrorCode::usage, explain(*fault, message.topic));
    }
    if (error == CodecError::too_large_to_encode) {
        return refuse(ErrorCode::usage,
                      "a payload of " + std::to_string(message.payload.size()) +
                          " bytes is more than an MQTT packet holds (268,435,455 with its header)");
    }
    return refuse_encoding(PacketType::publish, error);
}

/// Large payloads are copied only when nothing is wrong with the message.
void copy_unless_borrowed(ExternalPayload& payload, PayloadMode mode) {
    if (mode == PayloadMode::borrowed) return;
    auto copy = std::make_shared<const std::vector<std::uint8_t>>(payload.bytes.begin(), payload.bytes.end());
    payload.bytes = *copy;
    payload.owner = std::move(copy);
}

}  // namespace

void copy_without_alias(PropertiesView from, Properties& to) {
    to.clear();
    for (const Property& one : from) {
        // Every property of a valid block can be added to another one.
        if (one.id != PropertyId::topic_alias) static_cast<void>(to.add(one));
    }
}

bool Session::Impl::can_publish(Qos qos) const {
    if (qos == Qos::at_most_once) return conn.output.size() + state.kept.size() <= options.max_output_bytes;
    return state.inflight.size() < window() && !state.ids.all_taken() &&
           conn.output.size() <= options.max_output_bytes;
}

std::unexpected<Error> Session::Impl::no_room(Qos qos) const {
    if (qos != Qos::at_most_once && state.ids.all_taken())
        return refuse(ErrorCode::window_full, "no packet identifier is free");
    if (qos != Qos::at_most_once && state.inflight.size() >= window())
        return refuse(ErrorCode::window_full, "the maximum number of messages waits for acknowledgement");
    return refuse(ErrorCode::buffer_full, "the output buffer is full");
}

std::expected<PacketId, Error> Session::Impl::publish(const Publish& message, Time now, PayloadMode mode,
                                                      std::shared_ptr<const void> owner) {
    if (!can_publish(message.qos)) [[unlikely]]
        return no_room(message.qos);
    const bool external = message.payload.size() >=
                          (mode == PayloadMode::borrowed ? external_when_borrowed : external_when_copied);
    if (!external && has_fast_path(message)) return publish_fast(message, now);

    PreparedPublish prepared{.plain = message, .wire = message};
    prepared.plain.dup = prepared.wire.dup = false;
    prepared.plain.packet_id = prepared.wire.packet_id = 0;
    if (v5() && !message.properties.empty()) {
        if (auto wrong = prepare_properties(prepared)) return std::unexpected(std::move(*wrong));
    }
    if (external) prepared.payload = {message.payload, std::move(owner)};
    return message.qos == Qos::at_most_once ? publish_qos0(prepared, mode, now)
                                            : publish_qos1or2(prepared, mode, now);
}

std::expected<PacketId, Error> Session::Impl::publish_fast(const Publish& message, Time now) {
    conn.qos0_in_transit.reserve(1);
    std::vector<std::uint8_t>& buffer = conn.output.buffer();
    const std::size_t before = buffer.size();
    if (auto done = encode_publish(message, options.version, buffer); !done)
        return cannot_publish(message, done.error());
    const std::size_t size = buffer.size() - before;
    if (const auto code = violated_limit(message.qos, message.retain, size)) [[unlikely]] {
        buffer.resize(before);
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size));
    }
    conn.qos0_in_transit.add(conn.output.end_position());
    conn.last_sent = now;
    count_published(1);
    return PacketId{0};
}

std::optional<Error> Session::Impl::prepare_properties(PreparedPublish& prepared) {
    Publish& plain = prepared.plain;
    if (plain.properties.find(PropertyId::subscription_identifier)) {  // [MQTT-3.3.4-6]
        return Error{ErrorCode::usage, 0, "a client's PUBLISH cannot carry a subscription identifier"};
    }
    const auto alias = plain.properties.find(PropertyId::topic_alias);
    if (!alias) return std::nullopt;
    if (plain.topic.empty()) {
        if (conn.outgoing_aliases) plain.topic = conn.outgoing_aliases->user_topic(alias->number);
        if (plain.topic.empty()) {
            return Error{
                ErrorCode::usage, 0,
                "topic alias " + std::to_string(alias->number) + " has no topic on this connection yet"};
        }
        prepared.wire.topic = plain.topic;
    }
    copy_without_alias(plain.properties, plain_properties);
    plain.properties = plain_properties.view();
    if (!live()) {
        prepared.wire = plain;
        return std::nullopt;
    }
    if (alias->number > conn.limits.topic_alias_maximum) {
        return Error{ErrorCode::limit_exceeded, 0,
                     explain_limit(reason::topic_alias_invalid, conn.limits, 0)};
    }
    prepared.user_alias = alias->number;
    return std::nullopt;
}

std::expected<void, CodecError> Session::Impl::encode_head(const Publish& publish,
                                                           const ExternalPayload& payload,
                                                           std::vector<std::uint8_t>& out) const {
    return payload.empty() ? encode_publish(publish, options.version, out)
                           : encode_publish_header(publish, options.version, out);
}

void Session::Impl::choose_alias(PreparedPublish& prepared) {
    if (conn.limits.topic_alias_maximum == 0 || !options.use_topic_aliases || prepared.user_alias != 0)
        return;
    Publish& wire = prepared.wire;
    prepared.alias = conn.outgoing_aliases->choose(wire.topic);
    if (prepared.alias.alias == 0) return;
    if (prepared.alias.known) wire.topic = {};
    if (wire.properties.empty()) {
        wire.properties = conn.outgoing_aliases->property(prepared.alias.alias);
    } else {
        copy_without_alias(wire.properties, wire_properties);
        static_cast<void>(wire_properties.add(PropertyId::topic_alias, prepared.alias.alias));
        wire.properties = wire_properties.view();
    }
}

std::expected<std::size_t, CodecError> Session::Impl::encode_for_broker(PreparedPublish& prepared,
                                                                        Output::Appending& to) {
    if (auto done = encode_head(prepared.wire, prepared.payload, to.buffer()); !done)
        return std::unexpected(done.error());
    const std::size_t size = to.size() + prepared.payload.bytes.size();
    const bool new_alias = prepared.alias.alias != 0 && !prepared.alias.known;
    // The three bytes of a new alias may be three too many.
    if (!new_alias || size <= conn.limits.maximum_packet_size) return size;
    to.remove();
    prepared.alias = {};
    prepared.wire = prepared.plain;
    return encode_for_broker(prepared, to);
}

void Session::Impl::remember_aliases(const PreparedPublish& prepared) {
    if (prepared.user_alias != 0) {
        conn.outgoing_aliases->assign_user(prepared.user_alias, prepared.plain.topic);
    } else if (prepared.alias.alias != 0 && !prepared.alias.known) {
        conn.outgoing_aliases->assign(prepared.alias.alias, prepared.plain.topic);
    }
}

std::expected<PacketId, Error> Session::Impl::publish_qos0(PreparedPublish& prepared, PayloadMode mode,
                                                           Time now) {
    const bool sending = live();
    Output& output = sending ? conn.output : state.kept;
    if (sending) {
        choose_alias(prepared);
        conn.qos0_in_transit.reserve(1);
    }
    Output::Appending packet(output);
    const auto size = encode_for_broker(prepared, packet);
    if (!size) return cannot_publish(prepared.plain, size.error());
    if (const auto code =
            sending ? violated_limit(Qos::at_most_once, prepared.plain.retain, *size) : std::nullopt)
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, *size));
    if (!prepared.payload.empty()) {
        copy_unless_borrowed(prepared.payload, mode);
        output.reserve_payloads();
    }
    remember_aliases(prepared);

    packet.keep();
    if (!prepared.payload.empty()) output.append_payload(prepared.payload);
    if (sending) {
        conn.qos0_in_transit.add(conn.output.end_position());
        conn.last_sent = now;
        trace_sent(prepared.wire);
    }
    count_published(1);
    return PacketId{0};
}

/// A fresh message, which is taken away again unless keep() is called.
class Session::Impl::NewMessage {
  public:
    explicit NewMessage(SessionState& state) : message(state.inflight.add(state.ids)), state_(state) {}
    ~NewMessage() {
        if (message != nullptr) state_.inflight.finish(*message, state_.ids);
    }
    NewMessage(const NewMessage&) = delete;
    NewMessage& operator=(const NewMessage&) = delete;
    void keep() { message = nullptr; }

    OutgoingMessage* message;  ///< nullptr: no identifier is free, or keep() was called

  private:
    SessionState& state_;
};

std::expected<PacketId, Error> Session::Impl::publish_qos1or2(PreparedPublish& prepared, PayloadMode mode,
                                                              Time now) {
    const bool is_next = state.inflight.waiting().empty() && conn.quota > 0;
    NewMessage slot(state);
    if (slot.message == nullptr) return refuse(ErrorCode::window_full, "no packet identifier is free");
    OutgoingMessage& message = *slot.message;
    message.qos = prepared.plain.qos;
    prepared.plain.packet_id = prepared.wire.packet_id = message.id;
    if (const auto done = encode_head(prepared.plain, prepared.payload, message.packet); !done)
        return cannot_publish(prepared.plain, done.error());
    const std::size_t size = message.packet.size() + prepared.payload.bytes.size();
    if (const auto code = live() ? violated_limit(message.qos, prepared.plain.retain, size) : std::nullopt)
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size));
    if (!prepared.payload.empty()) {
        copy_unless_borrowed(prepared.payload, mode);
        message.payload = prepared.payload;
    }
    if (is_next && live()) {
        choose_alias(prepared);
        send_publish(message, &prepared, now);
    } else {
        remember_aliases(prepared);
    }
    slot.keep();
    count_published(1);
    return message.id;
}

std::expected<std::size_t, Error> Session::Impl::publish_each(const Publish& common,
                                                              std::span<const Bytes> payloads, Time now) {
    Publish one = common;
    for (std::size_t done = 0;; ++done) {
        done += append_each(common, payloads.subspan(done), now);
        if (done == payloads.size() || (done > 0 && !can_publish(common.qos))) return done;
        one.payload = payloads[done];
        if (auto result = publish(one, now, PayloadMode::copied, nullptr); !result) {
            if (done > 0) return done;
            return std::unexpected(std::move(result.error()));
        }
    }
}

std::size_t Session::Impl::append_each(const Publish& common, std::span<const Bytes> payloads, Time now) {
    const bool acknowledged = common.qos != Qos::at_most_once;
    if (payloads.size() < 2 || !live() || options.trace != nullptr ||
        violated_limit(common.qos, common.retain, 0))
        return 0;
    PreparedPublish prepared{.plain = common, .wire = common};
    if (v5() && (prepare_properties(prepared) || prepared.user_alias != 0)) return 0;
    if (acknowledged) {
        if (!state.inflight.waiting().empty()) return 0;
        // The packet that is kept needs the topic; the one that is sent would have the alias.
        if (conn.limits.topic_alias_maximum > 0 && options.use_topic_aliases) return 0;
    } else {
        choose_alias(prepared);
        // A topic of many payloads is used more than once in any case.
        if (prepared.alias.alias == 0) choose_alias(prepared);
        // A new alias is defined by publish().
        if (prepared.alias.alias != 0 && !prepared.alias.known) return 0;
    }
    Publish& wire = prepared.wire;
    wire.payload = {};
    wire.dup = false;
    wire.packet_id = acknowledged ? 1 : 0;  // replaced in each packet
    scratch.clear();
    if (!encode_publish(wire, options.version, scratch)) return 0;
    const codec::PublishHead head(scratch, wire.topic.size());
    const std::size_t longest = longest_in_block(head);
    if (longest == 0) return 0;
    return acknowledged ? append_acknowledged(head, longest, common.qos, payloads, now)
                        : append_qos0(head, longest, payloads, now);
}

std::size_t Session::Impl::append_qos0(const codec::PublishHead& head, std::size_t longest,
                                       std::span<const Bytes> payloads, Time now) {
    // In blocks, so that the buffer does not grow to more than it must hold, and what is written was just cleared.
    constexpr std::size_t block_bytes = 1536;
    std::size_t done = 0;
    for (std::size_t end = 0;; done = end) {
        conn.qos0_in_transit.reserve(block_bytes);
        std::vector<std::uint8_t>& buffer = conn.output.buffer();
        const std::uint64_t begin = conn.output.end_position();
        const std::size_t waiting = conn.output.size() + state.kept.size();
        const std::size_t room =
            waiting > options.max_output_bytes ? 0 : options.max_output_bytes - waiting + 1;
        Qos0InTransit::Batch batch(conn.qos0_in_transit);
        std::size_t size = 0;
        const std::size_t most = std::min(room, block_bytes);
        for (; end < payloads.size() && size < most && payloads[end].size() <= longest; ++end) {
            size += head.packet_size(payloads[end].size());
            batch.add(begin + size);
        }
        if (end == done) return done;
        const std::size_t before = buffer.size();
        buffer.resize(before + size);
        codec::Writer out(buffer.data() + before);
        for (const Bytes payload : payloads.subspan(done, end - done)) head.put(out, payload);
        out.finish(buffer.data() + buffer.size());
        batch.commit();
        count_published(end - done);
        conn.last_sent = now;
    }
}

// Payloads near the broker's limit are left to publish(): the length field grows by up to three bytes.
std::size_t Session::Impl::longest_in_block(const codec::PublishHead& head) const {
    constexpr std::size_t length_growth = 3;
    const std::size_t largest = std::min(conn.limits.maximum_packet_size, max_packet_bytes);
    const std::size_t overhead = head.packet_size(0) + length_growth;
    return overhead > largest ? 0 : std::min(largest - overhead, external_when_copied - 1);
}

std::size_t Session::Impl::append_acknowledged(const codec::PublishHead& head, std::size_t longest, Qos qos,
                                               std::span<const Bytes> payloads, Time now) {
    const std::size_t allowed = window();
    std::size_t done = 0;
    for (; done < payloads.size() && payloads[done].size() <= longest; ++done) {
        if (conn.quota == 0 || state.inflight.size() >= allowed ||
            conn.output.size() > options.max_output_bytes)
            break;
        NewMessage slot(state);
        if (slot.message == nullptr) break;
        OutgoingMessage& message = *slot.message;
        message.qos = qos;
        message.packet.resize(head.packet_size(payloads[done].size()));
        codec::Writer out(message.packet.data());
        head.put(out, payloads[done], message.id);
        out.finish(message.packet.data() + message.packet.size());
        message.begin = conn.output.end_position();
        conn.output.append(message.packet);
        slot.keep();
        message.end = conn.output.end_position();
        message.since = conn.last_sent = now;
        --conn.quota;
        state.inflight.move_to_sent(message);
        count_published(1);
    }
    return done;
}

}  // namespace mqttc
