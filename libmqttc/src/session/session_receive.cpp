// Packets from the broker: they become events and answers, and errors where they violate the standard.
#include <string>

#include "base/escape.hpp"
#include "plain_publish.hpp"
#include "session_impl.hpp"
#include "utf8.hpp"

namespace mqttc {

namespace {

std::string with_reason_string(std::string text, PropertiesView properties) {
    const std::string_view reason = properties.text_or_empty(PropertyId::reason_string);
    if (!reason.empty()) text += " (" + escape_controls(reason) + ")";
    return text;
}

/// The topic of a PUBLISH that may be malformed; empty when it is not whole.
std::string_view topic_of(Bytes body) {
    if (body.size() < 2) return {};
    const std::size_t length = std::size_t{body[0]} << 8U | body[1];
    return length + 2 > body.size() ? std::string_view()
                                    : as_text(body.subspan(2, std::min<std::size_t>(length, 200)));
}

bool is_connection_start(unsigned type) {
    return type == static_cast<unsigned>(PacketType::connack) ||
           type == static_cast<unsigned>(PacketType::auth);
}

/// More about a refused CONNECT: text in parentheses, or none, and which setting may help.
struct Remedy {
    std::string_view text;
    Hint hint = Hint::none;
};

Remedy remedy_of(const SessionOptions& options, ReasonCode code) {
    switch (options.version == ProtocolVersion::v5 ? code : code + 0x100) {
        case reason::bad_user_name_or_password:
        case reason::not_authorized:
        case 0x104:
        case 0x105:
            if (options.username && options.password) return {" (check user name and password)"};
            if (options.username) return {" (no password was given)", Hint::password};
            return {" (no user name was given)", Hint::credentials};
        case reason::unsupported_protocol_version:
        case 0x101:
            return {"", Hint::protocol_version};
        case reason::client_identifier_not_valid:
        case 0x102:
            return {options.client_id.empty() ? " (no client identifier was given)" : "", Hint::client_id};
        case reason::unspecified_error:
            // Mosquitto's answer to an empty identifier that it does not allow.
            if (options.client_id.empty()) return {" (no client identifier was given)", Hint::client_id};
            return {};
        default:
            return {};
    }
}

}  // namespace

std::string name_of(PacketType type) {
    return std::string(packet_type_name(type));
}

std::unexpected<Error> Session::Impl::fail(ReasonCode code, std::string context) {
    if (v5() && receiving()) static_cast<void>(send(Disconnect{code, {}}, conn.last_received));
    conn.phase = Phase::closing;
    return std::unexpected(Error{ErrorCode::protocol_error, code, std::move(context)});
}

std::unexpected<Error> Session::Impl::fail(CodecError error, PacketType type) {
    return fail(reason_of(error, type),
                "the broker sent a bad " + name_of(type) + " packet: " + std::string(describe(error)));
}

std::expected<std::size_t, Error> Session::Impl::receive(Bytes bytes, Time now, SessionHandler& handler) {
    if (!receiving()) return bytes.size();
    if (bytes.empty()) return std::size_t{0};
    const Intake before = std::exchange(conn.intake, Intake::open);
    if (before != Intake::open) conn.last_progress = now;
    conn.last_received = now;

    std::size_t used = 0;
    // A server that isn't an MQTT broker (SSH, SMTP) often sends a banner first, shorter than a packet.
    if (conn.phase == Phase::connecting && !is_connection_start(bytes.front() >> 4U)) {
        return fail(reason::protocol_error, "the server did not begin with CONNACK (is it an MQTT broker?)");
    }
    while (used < bytes.size()) {
        if (conn.answer_bytes > max_answer_bytes && too_many_answers())
            return fail(reason::quota_exceeded, "the broker keeps sending and does not read the answers");
        if (codec::begins_plain_publish(bytes[used])) {
            if (const std::size_t taken = take_plain(bytes.subspan(used), handler)) {
                used += taken;
                conn.partial_size = 0;
                conn.last_progress = now;
            }
            if (!receiving()) return bytes.size();
            if (conn.intake != Intake::open || used == bytes.size()) break;
        }
        if (begins_plain_ack(bytes.subspan(used)) && live() && options.trace == nullptr) {
            const auto taken = take_plain_acks(bytes.subspan(used), now, handler);
            if (!taken) return std::unexpected(taken.error());
            used += *taken;
            if (!receiving()) return bytes.size();
            if (used == bytes.size()) break;
        }
        const auto frame = next_frame(bytes.subspan(used), accepted_size);
        if (!frame) {
            if (frame.error() == CodecError::packet_too_large) {
                auto error = fail(reason::packet_too_large, "the broker sent a packet over the limit of " +
                                                                std::to_string(accepted_size) + " bytes");
                if (!v5()) error.error().hint = Hint::max_packet_size;
                return error;
            }
            return fail(reason_of(frame.error()),
                        "the broker sent data that is not MQTT: no packet starts with these bytes");
        }
        if (!*frame) {
            take_partial(bytes.size() - used, now);
            break;
        }
        conn.partial_size = 0;
        // PINGRESP does not mean that an acknowledgement will follow.
        if ((*frame)->type() != PacketType::pingresp) conn.last_progress = now;
        conn.in_event = true;
        const Outcome outcome = take(**frame, before == Intake::message_waiting && used == 0, now, handler);
        conn.in_event = false;
        send_deferred_disconnect();
        if (!outcome) return std::unexpected(outcome.error());
        if (!receiving()) return bytes.size();
        if (*outcome == Taken::no) {
            conn.intake = Intake::message_waiting;
            break;
        }
        used += (*frame)->size;
    }
    return used;
}

void Session::Impl::send_deferred_disconnect() {
    if (conn.deferred_disconnect.empty()) [[likely]]
        return;
    conn.output.append(conn.deferred_disconnect);
    conn.deferred_disconnect.clear();
}

std::size_t Session::Impl::take_plain(Bytes bytes, SessionHandler& handler) {
    if (!live() || options.trace != nullptr) return 0;
    std::size_t used = 0;
    Publish publish;
    conn.in_event = true;
    while (live()) {
        const std::size_t size = codec::decode_plain_publish(bytes.subspan(used), options.version, publish);
        if (size == 0 || size > accepted_size) break;
        if (handler.on_publish(publish) == Accept::later) {
            conn.intake = Intake::message_waiting;
            break;
        }
        ++state.counters.received;
        used += size;
    }
    conn.in_event = false;
    send_deferred_disconnect();
    return used;
}

Session::Impl::Outcome Session::Impl::take(const Frame& frame, bool traced, Time now,
                                           SessionHandler& handler) {
    const PacketType type = frame.type();
    if (conn.phase == Phase::connecting) {
        if (!is_connection_start(static_cast<unsigned>(type)))
            return fail(reason::protocol_error, "the broker sent " + name_of(type) + " before CONNACK");
        if (conn.output.sent_position() < conn.connect_end)
            return fail(reason::protocol_error,
                        "the broker sent " + name_of(type) + " before all of CONNECT was sent");
    }
    if (type == PacketType::publish) return take_publish(frame, traced, now, handler);
    switch (type) {
        case PacketType::connect:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
        case PacketType::pingreq:
            return fail(reason::protocol_error,
                        "the broker sent " + name_of(type) + ", which only clients may send");
        default:
            break;
    }
    const auto packet = decode(frame, options.version);
    if (!packet) return fail(packet.error(), type);
    if (options.trace != nullptr) options.trace->received(*packet);
    return take_packet(*packet, now, handler);
}

Session::Impl::Outcome Session::Impl::take_publish(const Frame& frame, bool traced, Time now,
                                                   SessionHandler& handler) {
    auto publish = decode_publish(frame, options.version);
    if (!publish) {
        auto error = fail(publish.error(), PacketType::publish);
        if (const auto topic = topic_of(frame.body); !topic.empty())
            error.error().context.append(", topic ").append(in_quotes(topic));
        return error;
    }
    if (options.trace != nullptr && !traced) options.trace->received(Packet(*publish));
    if (!publish->properties.empty()) {
        if (const auto alias = publish->properties.find(PropertyId::topic_alias)) {
            const auto topic = conn.incoming_aliases.resolve(alias->number, publish->topic);
            if (!topic) {
                return fail(topic.error(),
                            "the broker used topic alias " + std::to_string(alias->number) +
                                (topic.error() == reason::protocol_error ? " without having defined it"
                                 : topic.error() == reason::quota_exceeded
                                     ? ", and the topics of its aliases together are too long"
                                     : ", which is more than it was allowed"));
            }
            publish->topic = *topic;
        }
    }
    if (publish->qos == Qos::at_most_once) {
        if (handler.on_publish(*publish) == Accept::later) return Taken::no;
        ++state.counters.received;
        return Taken::yes;
    }
    const PacketId id = publish->packet_id;
    if (publish->qos == Qos::exactly_once && is_duplicate(*publish)) {
        ++state.counters.duplicates;
        // A PUBREC that is held, or waits behind one, answers this one as well.
        const auto waits = [id](const auto& ack) { return ack.id == id && ack.type == PacketType::pubrec; };
        if (std::ranges::any_of(conn.held_acks, waits)) return Taken::yes;
        // An identifier of a session that the broker has lost may have been used again: the newest counts.
        const auto held = std::find_if(state.held_qos2.rbegin(), state.held_qos2.rend(),
                                       [id](const auto& one) { return one.id == id; });
        const bool holds = held != state.held_qos2.rend();
        acknowledge_or_hold(PacketType::pubrec, id, holds ? Accept::hold_acknowledgement : Accept::now,
                            holds ? held->message : 0, now);
        return Taken::yes;
    }
    if (conn.received_unfinished >= receive_maximum) {
        return fail(reason::receive_maximum_exceeded,
                    "the broker sent more than " + std::to_string(receive_maximum) +
                        " messages without waiting for their acknowledgement");
    }
    const Accept answer = handler.on_publish(*publish);
    if (answer == Accept::later) return Taken::no;
    const std::uint64_t message = state.counters.received++;
    if (publish->qos == Qos::at_least_once) {
        acknowledge_or_hold(PacketType::puback, id, answer, message, now);
        return Taken::yes;
    }
    state.received.insert(id);
    ++conn.received_unfinished;
    if (answer == Accept::hold_acknowledgement) {
        state.held_qos2.push_back({id, message});
    } else {
        std::erase_if(state.held_qos2, [id](const auto& one) { return one.id == id; });
    }
    acknowledge_or_hold(PacketType::pubrec, id, answer, message, now);
    return Taken::yes;
}

bool Session::Impl::is_duplicate(const Publish& publish) {
    const PacketId id = publish.packet_id;
    if (state.uncertain_qos2_ids.contains(id) && !state.received.contains(id)) {
        if (publish.dup) {
            state.received.take_all(state.uncertain_qos2_ids);
        } else {
            state.uncertain_qos2_ids.clear();
        }
    }
    return state.received.contains(id);
}

// Acknowledgements are sent in the order of their messages [MQTT-4.6.0-2], so one that is held holds all after it.
void Session::Impl::acknowledge_or_hold(PacketType type, PacketId id, Accept answer, std::uint64_t message,
                                        Time now) {
    const bool holds = answer == Accept::hold_acknowledgement;
    if (!holds && conn.held_acks.empty()) return send_ack(type, id, reason::success, now);
    conn.held_acks.push_back({type, id, !holds, message});
    if (type == PacketType::puback) ++conn.received_unfinished;
}

void Session::Impl::acknowledge(const AckToken& token, Time now) {
    if (token.qos == Qos::exactly_once) {
        const auto held =
            std::ranges::lower_bound(state.held_qos2, token.message, {}, &SessionState::HeldQos2::message);
        if (held == state.held_qos2.end() || held->message != token.message || held->id != token.packet_id)
            return;
        state.held_qos2.erase(held);
    }
    const auto same = [&](const ConnectionState::HeldAck& ack) {
        return !ack.released && ack.message == token.message && ack.id == token.packet_id;
    };
    const auto found = std::ranges::find_if(conn.held_acks, same);
    if (found == conn.held_acks.end()) return;
    found->released = true;
    send_released(now);
}

void Session::Impl::send_released(Time now) {
    if (!live()) return;
    std::size_t sent = 0;
    for (const auto& ack : conn.held_acks) {
        if (!ack.released) break;
        ++sent;
        if (ack.type == PacketType::puback) --conn.received_unfinished;
        send_ack(ack.type, ack.id, reason::success, now);
    }
    conn.held_acks.erase(conn.held_acks.begin(), conn.held_acks.begin() + static_cast<std::ptrdiff_t>(sent));
}

void Session::Impl::release_acknowledgements(Time now) {
    state.held_qos2.clear();
    for (auto& ack : conn.held_acks) ack.released = true;
    send_released(now);
}

template <class Answer>
Session::Impl::Outcome Session::Impl::take_answer(const Answer& answer, PacketType request_type,
                                                  SessionHandler& handler,
                                                  void (SessionHandler::*report)(const Answer&)) {
    Request* request = state.requests.find(answer.packet_id);
    if (request == nullptr) return ignore(answer);
    const auto wrong = [&](const std::string& how) {
        return fail(reason::protocol_error, "the broker sent " + name_of(type_of(answer)) + how);
    };
    if (request->type != request_type) return wrong(" for a packet that was not " + name_of(request_type));
    const bool counted = request_type == PacketType::subscribe || v5();
    if (counted && answer.codes.size() != request->filters) {
        return wrong(" with " + std::to_string(answer.codes.size()) + " codes for " +
                     std::to_string(request->filters) + " topic filters");
    }
    if (request->end > conn.output.sent_position()) return wrong(" before the request was sent");
    state.requests.answered(*request, answer.codes, state.ids);
    (handler.*report)(answer);
    return Taken::yes;
}

Session::Impl::Outcome Session::Impl::take_packet(const Packet& packet, Time now, SessionHandler& handler) {
    if (const auto* ack = std::get_if<Ack>(&packet)) return take_ack(*ack, now, handler);
    if (std::get_if<Pingresp>(&packet) != nullptr) {
        conn.ping_since.reset();
        if (conn.pings > 0) --conn.pings;
        if (conn.requested_pings > 0) --conn.requested_pings;
        return Taken::yes;
    }
    if (const auto* connack = std::get_if<Connack>(&packet)) return take_connack(*connack, now, handler);
    if (const auto* suback = std::get_if<Suback>(&packet))
        return take_answer(*suback, PacketType::subscribe, handler, &SessionHandler::on_suback);
    if (const auto* unsuback = std::get_if<Unsuback>(&packet))
        return take_answer(*unsuback, PacketType::unsubscribe, handler, &SessionHandler::on_unsuback);
    if (const auto* disconnect = std::get_if<Disconnect>(&packet))
        return take_disconnect(*disconnect, handler);
    if (const auto* auth = std::get_if<Auth>(&packet)) return take_auth(*auth, handler);
    return Taken::yes;
}

Session::Impl::Outcome Session::Impl::take_auth(const Auth& packet, SessionHandler& handler) {
    if (!authenticates) {
        return fail(reason::protocol_error,
                    "the broker sent AUTH, but CONNECT named no authentication method");
    }
    const std::string why(reason_name(PacketType::auth, packet.code));
    // Section 3.15.2.1: only a client requests re-authentication, and CONNACK reports the first success.
    if (packet.code == reason::reauthenticate || (packet.code == reason::success && !live()))
        return fail(reason::protocol_error, "the broker sent an unexpected AUTH: " + why);
    if (handler.on_auth(packet)) return Taken::yes;
    const auto method = options.connect_properties.view().text_or_empty(PropertyId::authentication_method);
    auto failed =
        fail(reason::implementation_specific_error,
             with_reason_string("the broker requires further steps of the authentication method '" +
                                    escape_controls(method) + "', which this client does not support: " + why,
                                packet.properties));
    failed.error().code = ErrorCode::usage;
    failed.error().reason = packet.code;
    return failed;
}

Session::Impl::Outcome Session::Impl::take_connack(const Connack& packet, Time now, SessionHandler& handler) {
    if (live()) return fail(reason::protocol_error, "the broker sent CONNACK twice");
    constexpr std::uint8_t last_v3_code = 5;
    if (!v5() && packet.code > last_v3_code) {
        return fail(reason::protocol_error, "the broker refused the connection with unknown reason code " +
                                                std::to_string(packet.code));
    }
    if (packet.code != 0) {
        if (state.unanswered_connects > 0) --state.unanswered_connects;
        conn.phase = Phase::output_suppressed;
        const std::string why(v5() ? reason_name(PacketType::connack, packet.code)
                                   : connack_v3_name(packet.code));
        handler.on_connack(packet);
        const auto [more, hint] = remedy_of(options, packet.code);
        auto text = with_reason_string("the broker refused the connection: " + why, packet.properties);
        return std::unexpected(Error{ErrorCode::connection_refused, packet.code, text.append(more), hint});
    }
    // [MQTT-3.2.2-4, in 3.1.1 MQTT-3.2.2-1]. In MQTT 3.1 the bit is reserved.
    const bool present = packet.session_present && options.version != ProtocolVersion::v31;
    if (present && conn.clean) {
        return fail(reason::protocol_error, "the broker kept a session although a clean start was requested");
    }
    conn.limits.client_id = state.client_id;
    conn.limits.keep_alive = options.keep_alive;
    if (v5()) take_limits(packet.properties);
    if (conn.limits.topic_alias_maximum > 0)
        conn.outgoing_aliases = std::make_unique<OutgoingAliases>(conn.limits.topic_alias_maximum);
    conn.quota = conn.limits.receive_maximum;
    conn.phase = Phase::connected;
    state.session_present = present;
    const bool resumed =
        options.version == ProtocolVersion::v31 ? state.ever_connected && !conn.clean : present;
    state.ever_connected = true;

    Refusals refusals;
    resend(resumed, now, refusals);
    handler.on_connack(packet);
    report_refusals(refusals, handler);
    if (live()) send_waiting(now);
    return Taken::yes;
}

void Session::Impl::take_limits(PropertiesView given) {
    Limits& limits = conn.limits;
    const auto yes = [&](PropertyId id) { return given.number_or(id, 1) != 0; };
    const auto short_or = [&](PropertyId id, std::uint16_t fallback) {
        return static_cast<std::uint16_t>(given.number_or(id, fallback));
    };
    limits.receive_maximum = short_or(PropertyId::receive_maximum, 65'535);
    limits.maximum_qos = static_cast<Qos>(given.number_or(PropertyId::maximum_qos, 2));
    limits.retain_available = yes(PropertyId::retain_available);
    limits.maximum_packet_size = given.number_or(PropertyId::maximum_packet_size, limits.maximum_packet_size);
    limits.topic_alias_maximum = short_or(PropertyId::topic_alias_maximum, 0);
    limits.wildcard_subscription_available = yes(PropertyId::wildcard_subscription_available);
    limits.subscription_identifier_available = yes(PropertyId::subscription_identifier_available);
    limits.shared_subscription_available = yes(PropertyId::shared_subscription_available);
    limits.keep_alive = short_or(PropertyId::server_keep_alive, options.keep_alive);
    constexpr auto expiry = PropertyId::session_expiry_interval;
    limits.session_expiry_interval =
        given.number_or(expiry, options.connect_properties.view().number_or(expiry, 0));
    if (const auto assigned = given.find(PropertyId::assigned_client_identifier))
        limits.client_id = state.client_id = assigned->text;
}

Session::Impl::Outcome Session::Impl::take_disconnect(const Disconnect& packet, SessionHandler& handler) {
    if (!v5())
        return fail(reason::protocol_error,
                    "the broker sent DISCONNECT, which only clients may send before MQTT 5");
    if (packet.properties.find(PropertyId::session_expiry_interval)) {  // [MQTT-3.14.2-2]
        return fail(reason::protocol_error, "the broker sent DISCONNECT with a session expiry interval");
    }
    conn.phase = Phase::output_suppressed;
    handler.on_disconnect(packet);
    const std::string why(reason_name(PacketType::disconnect, packet.code));
    return std::unexpected(Error{ErrorCode::server_disconnect, packet.code,
                                 with_reason_string("the broker disconnected: " + why, packet.properties)});
}

}  // namespace mqttc
