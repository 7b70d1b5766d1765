// Publishing: a PUBLISH is checked and encoded once, then queued by its QoS. What can fail comes before anything is queued.
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
    if (payload.empty() || mode == PayloadMode::borrowed) return;
    auto copy = std::make_shared<const std::vector<std::uint8_t>>(payload.bytes.begin(), payload.bytes.end());
    payload.bytes = *copy;
    payload.owner = std::move(copy);
}

}  // namespace

void copy_without_alias(PropertiesView from, Properties& to) {
    to.clear();
    for (const Property& one : from) {
        const PropertyInfo* info = find_property(static_cast<std::uint8_t>(one.id));
        if (info == nullptr || one.id == PropertyId::topic_alias) continue;
        // Every property of a valid block can be added to another one.
        if (info->type == PropertyType::utf8_pair) {
            static_cast<void>(to.add_user_property(one.name, one.text));
        } else if (info->type == PropertyType::utf8 || info->type == PropertyType::binary) {
            static_cast<void>(to.add(one.id, one.text));
        } else {
            static_cast<void>(to.add(one.id, one.number));
        }
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

    auto prepared = prepare(message);
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    if (external) prepared->payload = {message.payload, std::move(owner)};
    auto done = message.qos == Qos::at_most_once ? publish_qos0(*prepared, mode, now)
                                                 : publish_qos1or2(*prepared, mode, now);
    if (done) count_published(1);
    return done;
}

std::expected<PacketId, Error> Session::Impl::publish_fast(const Publish& message, Time now) {
    conn.qos0_in_transit.reserve(1);
    std::vector<std::uint8_t>& buffer = conn.output.buffer();
    const std::size_t before = buffer.size();
    if (auto done = encode_publish(message, options.version, buffer); !done)
        return cannot_publish(message, done.error());
    const std::size_t size = buffer.size() - before;
    if (violated_limit(message.qos, message.retain, size)) [[unlikely]] {
        buffer.resize(before);
        return std::unexpected(check_limits(message, size).error());
    }
    conn.qos0_in_transit.add(conn.output.end_position());
    conn.last_sent = now;
    count_published(1);
    return PacketId{0};
}

std::expected<Session::Impl::PreparedPublish, Error> Session::Impl::prepare(const Publish& message) {
    PreparedPublish prepared{.plain = message, .wire = message};
    prepared.plain.dup = prepared.wire.dup = false;
    prepared.plain.packet_id = prepared.wire.packet_id = 0;
    if (!v5() || message.properties.empty()) return prepared;
    if (message.properties.find(PropertyId::subscription_identifier)) {  // [MQTT-3.3.4-6]
        return refuse(ErrorCode::usage, "a client's PUBLISH cannot carry a subscription identifier");
    }
    const auto alias = message.properties.find(PropertyId::topic_alias);
    if (!alias) return prepared;
    if (message.topic.empty()) {
        const auto known = conn.user_aliases.find(alias->number);
        if (known == conn.user_aliases.end()) {
            return refuse(ErrorCode::usage, "topic alias " + std::to_string(alias->number) +
                                                " has no topic on this connection yet");
        }
        prepared.plain.topic = prepared.wire.topic = known->second;
    }
    copy_without_alias(message.properties, plain_properties);
    prepared.plain.properties = plain_properties.view();
    if (!live()) {
        prepared.wire = prepared.plain;
        return prepared;
    }
    if (alias->number > conn.limits.topic_alias_maximum) {
        return refuse(ErrorCode::limit_exceeded, explain_limit(reason::topic_alias_invalid, conn.limits, 0));
    }
    prepared.user_alias = alias->number;
    return prepared;
}

std::expected<void, Error> Session::Impl::encode_head(const Publish& publish, const ExternalPayload& payload,
                                                      std::vector<std::uint8_t>& out) const {
    const auto done = payload.empty() ? encode_publish(publish, options.version, out)
                                      : encode_publish_header(publish, options.version, out);
    if (!done) return cannot_publish(publish, done.error());
    return {};
}

std::expected<void, Error> Session::Impl::check_limits(const Publish& publish, std::size_t size) const {
    const auto code = live() ? violated_limit(publish.qos, publish.retain, size) : std::nullopt;
    if (code) return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size));
    return {};
}

void Session::Impl::choose_alias(PreparedPublish& prepared) {
    if (conn.limits.topic_alias_maximum == 0 || !options.use_topic_aliases || prepared.user_alias != 0)
        return;
    Publish& wire = prepared.wire;
    prepared.alias = conn.outgoing_aliases.choose(wire.topic);
    if (prepared.alias.alias == 0) return;
    if (prepared.alias.known) wire.topic = {};
    if (wire.properties.empty()) {
        wire.properties = conn.outgoing_aliases.property(prepared.alias.alias);
    } else {
        copy_without_alias(wire.properties, wire_properties);
        static_cast<void>(wire_properties.add(PropertyId::topic_alias, prepared.alias.alias));
        wire.properties = wire_properties.view();
    }
}

std::expected<void, Error> Session::Impl::encode_for_broker(PreparedPublish& prepared,
                                                            Output::Appending& to) {
    if (auto done = encode_head(prepared.wire, prepared.payload, to.buffer()); !done) return done;
    const std::size_t size = to.appended().size() + prepared.payload.bytes.size();
    // The three bytes of a new alias may be three too many.
    if (prepared.alias.alias != 0 && !prepared.alias.known && size > conn.limits.maximum_packet_size) {
        to.remove();
        prepared.alias = {};
        prepared.wire = prepared.plain;
        return encode_for_broker(prepared, to);
    }
    return check_limits(prepared.wire, size);
}

void Session::Impl::remember_aliases(const PreparedPublish& prepared) {
    if (prepared.user_alias != 0) {
        conn.user_aliases.insert_or_assign(prepared.user_alias, std::string(prepared.plain.topic));
        conn.outgoing_aliases.stop();
    } else if (prepared.alias.alias != 0 && !prepared.alias.known) {
        conn.outgoing_aliases.assign(prepared.alias.alias, prepared.plain.topic);
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
    if (auto done = encode_for_broker(prepared, packet); !done)
        return std::unexpected(std::move(done.error()));
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
    return PacketId{0};
}

std::expected<PacketId, Error> Session::Impl::publish_qos1or2(PreparedPublish& prepared, PayloadMode mode,
                                                              Time now) {
    const bool at_once = live() && state.inflight.waiting().empty() && conn.quota > 0;
    struct Slot {
        SessionState& state;
        OutgoingMessage* message;
        ~Slot() {
            if (message != nullptr) state.inflight.finish(*message, state.ids);
        }
    } slot{state, state.inflight.add(state.ids)};
    if (slot.message == nullptr) return refuse(ErrorCode::window_full, "no packet identifier is free");
    OutgoingMessage& message = *slot.message;
    message.qos = prepared.plain.qos;
    prepared.plain.packet_id = prepared.wire.packet_id = message.id;
    auto done = encode_head(prepared.plain, prepared.payload, message.packet);
    if (done) done = check_limits(prepared.plain, message.packet.size() + prepared.payload.bytes.size());
    if (!done) return std::unexpected(std::move(done.error()));
    copy_unless_borrowed(prepared.payload, mode);
    message.payload = prepared.payload;
    if (at_once) {
        choose_alias(prepared);
        send_publish(message, &prepared, now);
    } else {
        remember_aliases(prepared);
    }
    slot.message = nullptr;
    return message.id;
}

std::expected<std::size_t, Error> Session::Impl::publish_each(const Publish& common,
                                                              std::span<const Bytes> payloads, Time now) {
    Publish one = common;
    for (std::size_t done = 0;; ++done) {
        done += append_each(common, payloads.subspan(done), now);
        if (done == payloads.size()) return done;
        one.payload = payloads[done];
        if (auto result = publish(one, now, PayloadMode::copied, nullptr); !result) {
            if (done > 0) return done;
            return std::unexpected(std::move(result.error()));
        }
    }
}

std::size_t Session::Impl::append_each(const Publish& common, std::span<const Bytes> payloads, Time now) {
    if (payloads.size() < 2 || common.qos != Qos::at_most_once || !live() || options.trace != nullptr)
        return 0;
    if (common.retain && !conn.limits.retain_available) return 0;
    auto prepared = prepare(common);
    if (!prepared || prepared->user_alias != 0) return 0;
    prepared->wire.payload = {};
    choose_alias(*prepared);
    // A topic of many payloads is used more than once in any case.
    if (prepared->alias.alias == 0) choose_alias(*prepared);
    // A new alias is defined by publish().
    if (prepared->alias.alias != 0 && !prepared->alias.known) return 0;
    scratch.clear();
    if (!encode_publish(prepared->wire, options.version, scratch)) return 0;
    const auto frame = next_frame(scratch, scratch.size());
    if (!frame || !*frame) return 0;
    const codec::PublishHead head(**frame);

    // In blocks, so that the buffer grows in few steps and not to more than it must hold.
    constexpr std::size_t block_bytes = 4096;
    const std::size_t largest =
        std::min<std::size_t>(conn.limits.maximum_packet_size, max_remaining_length + 5);
    std::size_t done = 0;
    for (std::size_t end = 0;; done = end) {
        const std::size_t waiting = conn.output.size() + state.kept.size();
        std::size_t size = 0;
        for (; end < payloads.size() && size < block_bytes; ++end) {
            const std::size_t packet = head.packet_size(payloads[end].size());
            if (payloads[end].size() >= external_when_copied || packet > largest ||
                waiting + size > options.max_output_bytes)
                break;
            size += packet;
        }
        if (end == done) break;
        conn.qos0_in_transit.reserve(end - done);
        std::vector<std::uint8_t>& buffer = conn.output.buffer();
        std::uint64_t position = conn.output.end_position();
        const std::size_t before = buffer.size();
        buffer.resize(before + size);
        codec::Writer out(buffer.data() + before);
        for (const Bytes payload : payloads.subspan(done, end - done)) {
            head.put(out, payload);
            conn.qos0_in_transit.add(position += head.packet_size(payload.size()));
        }
        out.finish(buffer.data() + buffer.size());
        count_published(end - done);
        conn.last_sent = now;
    }
    return done;
}

}  // namespace mqttc
