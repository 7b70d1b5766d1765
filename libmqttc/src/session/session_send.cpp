// What the application asks a session to send.
#include <string>

#include "mqttc/topic.hpp"
#include "session_impl.hpp"

namespace mqttc {

namespace {

std::unexpected<Error> refuse(ErrorCode code, std::string context) {
    return std::unexpected(Error{code, 0, std::move(context)});
}

std::unexpected<Error> cannot_make(PacketType type, CodecError error) {
    return refuse(ErrorCode::usage,
                  std::string(packet_type_name(type)) + " can't be made: " + std::string(describe(error)));
}

std::unexpected<Error> cannot_publish(const Publish& message, CodecError error) {
    if (const auto fault = check_topic_name(message.topic)) {
        return refuse(ErrorCode::usage, explain(*fault, message.topic));
    }
    if (error == CodecError::too_large_to_encode) {
        return refuse(ErrorCode::usage,
                      "a payload of " + std::to_string(message.payload.size()) +
                          " bytes is more than an MQTT packet holds (268,435,455 with its header)");
    }
    return cannot_make(PacketType::publish, error);
}

std::unexpected<Error> not_connected() {
    return refuse(ErrorCode::not_connected, "there is no connection to a broker");
}

std::expected<void, CodecError> encode_head_or_all(const Publish& publish, bool apart,
                                                   ProtocolVersion version, std::vector<std::uint8_t>& out) {
    return apart ? encode_publish_header(publish, version, out) : encode_publish(publish, version, out);
}

}  // namespace

std::string explain_limit(ReasonCode code, const Limits& limits, std::size_t packet_size) {
    switch (code) {
        case reason::qos_not_supported: {
            const std::string highest = limits.maximum_qos == Qos::at_most_once ? "0" : "1";
            return "the broker takes QoS " + highest + " at most: publish with QoS " + highest;
        }
        case reason::retain_not_supported:
            return "the broker keeps no retained messages: publish without retain";
        case reason::packet_too_large:
            return "the packet has " + std::to_string(packet_size) + " bytes and the broker takes " +
                   std::to_string(limits.maximum_packet_size) + " at most: send less at once";
        case reason::shared_subscriptions_not_supported:
            return "the broker has no shared subscriptions: subscribe without $share";
        case reason::wildcard_subscriptions_not_supported:
            return "the broker takes no wildcards: subscribe to each topic by its name";
        case reason::topic_alias_invalid:
            return "the broker takes topic aliases up to " + std::to_string(limits.topic_alias_maximum) +
                   ": choose another one or none";
        default:
            return "the broker takes no subscription identifiers: subscribe without one";
    }
}

void copy_without_alias(PropertiesView from, Properties& to) {
    to.clear();
    for (const Property& one : from) {
        const PropertyInfo* info = find_property(static_cast<std::uint8_t>(one.id));
        if (info == nullptr || one.id == PropertyId::topic_alias) continue;
        // What came out of a checked block goes into another one.
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
    if (qos == Qos::at_most_once) return conn.output.size() + lasting.kept.size() <= options.max_output_bytes;
    return lasting.inflight.size() < window() && !lasting.ids.all_taken() &&
           conn.output.size() <= options.max_output_bytes;
}

std::expected<PacketId, Error> Session::Impl::publish(const Publish& message, Time now, PayloadMode mode,
                                                      std::shared_ptr<const void> owner) {
    if (!can_publish(message.qos)) [[unlikely]] {
        if (message.qos != Qos::at_most_once && lasting.ids.all_taken())
            return refuse(ErrorCode::window_full, "no packet identifier is free");
        if (message.qos != Qos::at_most_once && lasting.inflight.size() >= window()) {
            return refuse(ErrorCode::window_full,
                          "as many messages wait for their acknowledgement as are allowed");
        }
        return refuse(ErrorCode::buffer_full, "the output buffer is full");
    }
    const std::size_t apart_from = mode == PayloadMode::borrowed ? apart_when_borrowed : apart_when_copied;
    if (goes_as_it_is(message, apart_from)) return publish_as_it_is(message, now);
    Publish plain = message;
    plain.dup = false;
    plain.packet_id = 0;
    Publish wire = plain;
    std::uint32_t callers_alias = 0;
    if (v5() && !message.properties.empty()) {
        if (message.properties.find(PropertyId::subscription_identifier)) {  // [MQTT-3.3.4-6]
            return refuse(ErrorCode::usage, "a client's PUBLISH can't carry a subscription identifier");
        }
        if (const auto alias = message.properties.find(PropertyId::topic_alias)) {
            if (plain.topic.empty()) {
                const auto known = conn.callers_aliases.find(alias->number);
                if (known == conn.callers_aliases.end()) {
                    return refuse(ErrorCode::usage, "topic alias " + std::to_string(alias->number) +
                                                        " stands for no topic on this connection yet");
                }
                plain.topic = wire.topic = known->second;
            }
            copy_without_alias(message.properties, plain_properties);
            plain.properties = plain_properties.view();
            if (live()) {
                if (alias->number > conn.limits.topic_alias_maximum) {
                    return refuse(ErrorCode::limit_exceeded,
                                  explain_limit(reason::topic_alias_invalid, conn.limits, 0));
                }
                conn.outgoing_aliases.stop();
                callers_alias = alias->number;
            }
        }
    }
    Payload payload;
    if (message.payload.size() >= apart_from) {
        payload.bytes = message.payload;
        payload.owner = std::move(owner);
    }
    auto done = message.qos == Qos::at_most_once
                    ? publish_once(plain, wire, std::move(payload), mode, now)
                    : publish_acknowledged(plain, wire, std::move(payload), mode, now);
    if (done) {
        ++lasting.counters.published;
        if (callers_alias != 0)
            conn.callers_aliases.insert_or_assign(callers_alias, std::string(plain.topic));
    }
    return done;
}

OutgoingAliases::Choice Session::Impl::choose_alias(Publish& wire) {
    if (conn.limits.topic_alias_maximum == 0 || !options.use_topic_aliases) return {};
    const OutgoingAliases::Choice choice = conn.outgoing_aliases.choose(wire.topic);
    if (choice.alias == 0) return choice;
    if (choice.known) wire.topic = {};
    if (wire.properties.empty()) {
        wire.properties = conn.outgoing_aliases.property(choice.alias);
    } else {
        copy_without_alias(wire.properties, wire_properties);
        static_cast<void>(wire_properties.add(PropertyId::topic_alias, choice.alias));
        wire.properties = wire_properties.view();
    }
    return choice;
}

namespace {

/// The owner of a large payload is made only when nothing can go wrong any more.
void take_over(Payload& payload, PayloadMode mode) {
    if (payload.empty() || mode == PayloadMode::borrowed) return;
    auto copy = std::make_shared<const std::vector<std::uint8_t>>(payload.bytes.begin(), payload.bytes.end());
    payload.bytes = *copy;
    payload.owner = std::move(copy);
}

}  // namespace

bool Session::Impl::goes_as_it_is(const Publish& message, std::size_t apart_from) const {
    return message.qos == Qos::at_most_once && !message.dup && message.properties.empty() &&
           message.payload.size() < apart_from && live() && conn.limits.topic_alias_maximum == 0 &&
           options.trace == nullptr;
}

std::expected<PacketId, Error> Session::Impl::publish_as_it_is(const Publish& message, Time now) {
    std::vector<std::uint8_t>& buffer = conn.output.buffer();
    const std::size_t before = buffer.size();
    const std::uint64_t begin = conn.output.end_position();
    if (auto done = encode_publish(message, options.version, buffer); !done) {
        return cannot_publish(message, done.error());
    }
    const std::size_t size = buffer.size() - before;
    if (const auto code = forbidden(message.qos, message.retain, size)) [[unlikely]] {
        buffer.resize(before);
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size));
    }
    lasting.on_the_way.add(begin, begin + size);
    conn.last_sent = now;
    ++lasting.counters.published;
    return PacketId{0};
}

std::expected<PacketId, Error> Session::Impl::publish_once(const Publish& plain, Publish& wire,
                                                           Payload payload, PayloadMode mode, Time now) {
    const bool sending = live();
    Output& output = sending ? conn.output : lasting.kept;
    const bool apart = !payload.empty();
    OutgoingAliases::Choice choice;
    if (sending) choice = choose_alias(wire);
    std::vector<std::uint8_t>& buffer = output.buffer();
    const std::size_t before = buffer.size();
    const std::uint64_t begin = output.end_position();
    auto done = encode_head_or_all(sending ? wire : plain, apart, options.version, buffer);
    if (!done) return cannot_publish(plain, done.error());
    if (sending) {
        const std::size_t maximum = conn.limits.maximum_packet_size;
        std::size_t size = buffer.size() - before + payload.bytes.size();
        if (choice.alias != 0 && !choice.known && size > maximum) {
            // The three bytes of a new alias may be three too many.
            choice = {};
            wire = plain;
            buffer.resize(before);
            done = encode_head_or_all(wire, apart, options.version, buffer);
            if (!done) return cannot_publish(plain, done.error());
            size = buffer.size() - before + payload.bytes.size();
        }
        if (const auto code = forbidden(plain.qos, plain.retain, size)) {
            buffer.resize(before);
            return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size));
        }
        if (choice.alias != 0 && !choice.known) conn.outgoing_aliases.assign(choice.alias, plain.topic);
        conn.last_sent = now;
        trace_sent(wire);
    }
    if (apart) {
        take_over(payload, mode);
        output.append_payload(payload);
    }
    if (sending) lasting.on_the_way.add(begin, output.end_position());
    return PacketId{0};
}

std::expected<PacketId, Error> Session::Impl::publish_acknowledged(Publish& plain, Publish& wire,
                                                                   Payload payload, PayloadMode mode,
                                                                   Time now) {
    const bool at_once = live() && lasting.inflight.waiting().empty() && conn.quota > 0;
    OutgoingMessage* message = lasting.inflight.add(lasting.ids);
    if (message == nullptr) return refuse(ErrorCode::window_full, "no packet identifier is free");
    const auto give_up = [&](std::unexpected<Error> error) {
        lasting.inflight.finish(*message, lasting.ids);
        return error;
    };
    message->qos = plain.qos;
    plain.packet_id = wire.packet_id = message->id;
    if (auto done = encode_head_or_all(plain, !payload.empty(), options.version, message->packet); !done) {
        return give_up(cannot_publish(plain, done.error()));
    }
    if (live()) {
        const std::size_t size = message->packet.size() + payload.bytes.size();
        if (const auto code = forbidden(plain.qos, plain.retain, size)) {
            return give_up(refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, size)));
        }
    }
    const PacketId id = message->id;
    take_over(payload, mode);
    message->payload = std::move(payload);
    if (!at_once) return id;

    const OutgoingAliases::Choice choice = choose_alias(wire);
    const bool differs = v5() && wire.properties.wire().data() != plain.properties.wire().data();
    const bool as_asked = send_publish(*message, differs ? &wire : nullptr, now);
    if (as_asked && choice.alias != 0 && !choice.known)
        conn.outgoing_aliases.assign(choice.alias, plain.topic);
    return id;
}

std::expected<PacketId, Error> Session::Impl::subscribe(Subscribe& packet, Time now) {
    for (const Subscription& one : packet.subscriptions) {
        if (const auto fault = check_topic_filter(one.filter)) {
            return refuse(ErrorCode::usage, explain(*fault, one.filter));
        }
    }
    if (!live()) return not_connected();
    if (const auto code = forbidden(packet)) {
        return refuse(ErrorCode::limit_exceeded, explain_limit(*code, conn.limits, 0));
    }
    packet.packet_id = lasting.requests.full() ? PacketId{0} : lasting.ids.take(Requests::owner);
    return send_request(PacketType::subscribe, packet.packet_id, packet.subscriptions.size(), packet, now);
}

std::expected<PacketId, Error> Session::Impl::unsubscribe(Unsubscribe& packet, Time now) {
    for (const std::string_view filter : packet.filters) {
        if (const auto fault = check_topic_filter(filter))
            return refuse(ErrorCode::usage, explain(*fault, filter));
    }
    if (!live()) return not_connected();
    packet.packet_id = lasting.requests.full() ? PacketId{0} : lasting.ids.take(Requests::owner);
    return send_request(PacketType::unsubscribe, packet.packet_id, packet.filters.size(), packet, now);
}

std::expected<PacketId, Error> Session::Impl::send_request(PacketType type, PacketId id, std::size_t filters,
                                                           const Packet& packet, Time now) {
    Request request;
    request.type = type;
    request.id = id;
    request.filters = filters;
    if (request.id == 0) return refuse(ErrorCode::window_full, "too many subscriptions");
    if (auto done = encode(packet, options.version, request.packet); !done) {
        lasting.ids.release(request.id);
        return cannot_make(request.type, done.error());
    }
    if (request.packet.size() > conn.limits.maximum_packet_size) {
        lasting.ids.release(request.id);
        return refuse(ErrorCode::limit_exceeded,
                      explain_limit(reason::packet_too_large, conn.limits, request.packet.size()));
    }
    conn.output.append(request.packet);
    conn.last_sent = now;
    if (options.trace != nullptr) options.trace->sent(packet);
    request.end = conn.output.end_position();
    request.since = now;
    return lasting.requests.add(std::move(request)).id;
}

std::expected<void, Error> Session::Impl::disconnect(ReasonCode code, PropertiesView properties, Time now) {
    if (!conn.open || conn.closing) return not_connected();
    Disconnect packet;
    if (v5()) packet = {code, properties};
    if (options.connect_properties.view().number_or(PropertyId::session_expiry_interval, 0) == 0 &&
        packet.properties.number_or(PropertyId::session_expiry_interval, 0) != 0) {  // section 3.14.2.2.2
        return refuse(
            ErrorCode::usage,
            "DISCONNECT can't set a session expiry interval when CONNECT asked for none: set it there");
    }
    scratch.clear();
    if (auto done = encode(packet, options.version, scratch); !done) {
        return cannot_make(PacketType::disconnect, done.error());
    }
    if (conn.in_event) {
        conn.last_words = scratch;
    } else {
        conn.output.append(scratch);
    }
    conn.closing = true;
    conn.last_sent = now;
    trace_sent(packet);
    return {};
}

std::expected<void, Error> Session::Impl::ping(Time now) {
    if (!live()) return not_connected();
    static_cast<void>(send(Pingreq{}, now));
    conn.asked_pings = ++conn.pings;
    return {};
}

std::expected<void, Error> Session::Impl::auth(ReasonCode code, PropertiesView properties, Time now) {
    if (!conn.open || conn.closing) return not_connected();
    if (!authenticates) {
        return refuse(ErrorCode::usage, "AUTH needs MQTT 5 and an authentication method in CONNECT");
    }
    if (auto done = send(Auth{code, properties}, now); !done)
        return cannot_make(PacketType::auth, done.error());
    return {};
}

}  // namespace mqttc
