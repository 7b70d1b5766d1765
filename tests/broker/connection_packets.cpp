// The packets of a client: checks and answers.
#include <algorithm>
#include <utility>
#include <variant>

#include "broker.hpp"
#include "connection.hpp"
#include "mqttc/topic.hpp"

namespace mqttc::broker {
namespace {

bool matches_any(const std::vector<std::string>& filters, std::string_view topic) {
    return std::any_of(filters.begin(), filters.end(),
                       [&](const std::string& filter) { return topic_matches(filter, topic); });
}

constexpr std::uint8_t v3_refused_version = 1;
constexpr std::uint8_t v3_refused_client_id = 2;
constexpr std::uint8_t v3_refused_not_authorized = 5;
constexpr std::uint8_t v3_suback_failure = 0x80;

}  // namespace

void Connection::take(const Frame& frame) {
    if (stage_ == Stage::open && frame.type() == PacketType::connect)
        return violation(reason::protocol_error, "only one CONNECT is allowed");
    if (frame.type() == PacketType::publish) {
        const auto publish = decode_publish(frame, version_);
        if (!publish)
            return violation(reason_of(publish.error()),
                             "PUBLISH: " + std::string(describe(publish.error())));
        return on(*publish, input_.own_block());
    }
    const auto packet = decode(frame, version_);
    if (!packet) {
        if (frame.type() == PacketType::connect && packet.error() == CodecError::unsupported_version)
            return refuse(v3_refused_version, "unsupported protocol version");
        return violation(
            reason_of(packet.error(), frame.type()),
            std::string(packet_type_name(frame.type())) + ": " + std::string(describe(packet.error())));
    }
    std::visit(
        [&](const auto& it) {
            if constexpr (requires { on(it); })
                on(it);
            else
                violation(reason::protocol_error,
                          "a client must not send " + std::string(packet_type_name(frame.type())));
        },
        *packet);
}

void Connection::on(const Connect& connect) {
    version_ = connect.version;
    if (!connect.client_id.empty()) name_ = connect.client_id;
    broker_.record(connect);
    if (broker_.logging())
        note("CONNECT version " + std::to_string(static_cast<int>(connect.version)) +
             (connect.clean_start ? ", clean" : "") + ", keep-alive " + std::to_string(connect.keep_alive));
    const auto& behaviour = broker_.behaviour();
    if (behaviour.raw_reply) {
        output_.append(*behaviour.raw_reply);
        return close_after_output();
    }
    if (!behaviour.answer_connect) return;
    if (const auto code = refusal(connect)) return refuse(*code, "refused");
    accept(connect);
}

std::optional<std::uint8_t> Connection::refusal(const Connect& connect) const {
    const auto code = [&](std::uint8_t v3, ReasonCode v5_code) { return v5() ? v5_code : v3; };
    const auto& options = broker_.options();
    if (options.behaviour.connack_code.value_or(0) != 0) return options.behaviour.connack_code;
    if (connect.properties.find(PropertyId::authentication_method)) return reason::bad_authentication_method;
    if (connect.client_id.empty() && !v5() &&
        (connect.version == ProtocolVersion::v31 || !connect.clean_start))
        return v3_refused_client_id;
    if (connect.will) {
        if (connect.will->qos > options.limits.maximum_qos)
            return code(v3_refused_not_authorized, reason::qos_not_supported);
        if (connect.will->retain && !options.limits.retain_available)
            return code(v3_refused_not_authorized, reason::retain_not_supported);
    }
    const auto password = connect.password ? as_text(*connect.password) : std::string_view();
    const bool admitted =
        access_ ? access_->accepts(connect.username, password)
                : broker_.authenticator().accepts(connect.username, password, options.allow_anonymous);
    if (!admitted) return code(v3_refused_not_authorized, reason::not_authorized);
    return std::nullopt;
}

void Connection::refuse(std::uint8_t code, std::string_view why) {
    note(std::string(why) + ", CONNACK " + std::to_string(code));
    const bool add = v5() && stage_ == Stage::connecting;
    const auto properties = add ? broker_.behaviour().connack_properties : Properties();
    send(Connack{.session_present = false, .code = code, .properties = properties.view()}, Last::yes);
}

void Connection::accept(const Connect& connect) {
    const auto& options = broker_.options();
    const bool assigned_id = connect.client_id.empty();
    if (assigned_id) name_ = broker_.new_client_id();
    stage_ = Stage::open;

    const bool present = broker_.attach(*this, name_, connect.clean_start, session_);
    session_->version = version_;
    session_->will.reset();
    if (connect.will) session_->will = make_will(*connect.will, name_, broker_.loop().now());
    session_->expiry = connect.clean_start ? 0 : never_expires;
    if (v5()) session_->expiry = connect.properties.number_or(PropertyId::session_expiry_interval, 0);
    if (options.limits.maximum_session_expiry)
        session_->expiry = std::min(session_->expiry, *options.limits.maximum_session_expiry);

    auto keep_alive = connect.keep_alive;
    if (v5()) keep_alive = options.limits.server_keep_alive.value_or(keep_alive);
    max_silence_ = std::chrono::milliseconds(1500) * keep_alive;
    arm_timer(broker_.loop().now() + (keep_alive == 0 ? std::chrono::hours(24) : max_silence_));

    max_in_flight_ = std::min<std::size_t>(options.bounds.in_flight,
                                           connect.properties.number_or(PropertyId::receive_maximum, 65'535));
    if (v5()) {
        max_packet_size_ = connect.properties.number_or(PropertyId::maximum_packet_size,
                                                        static_cast<std::uint32_t>(max_packet_size_));
        if (options.use_topic_aliases)
            max_aliases_ =
                static_cast<std::uint16_t>(connect.properties.number_or(PropertyId::topic_alias_maximum, 0));
    }

    const auto properties = connack_properties(connect, assigned_id);
    send(Connack{.session_present = present && version_ != ProtocolVersion::v31,
                 .code = 0,
                 .properties = properties.view()});
    resend();
}

Properties Connection::connack_properties(const Connect& connect, bool assigned_id) const {
    Properties properties;
    if (!v5()) return properties;
    const auto& limits = broker_.options().limits;
    const auto add = [&](PropertyId id, std::uint32_t number) { (void)properties.add(id, number); };
    if (connect.properties.number_or(PropertyId::session_expiry_interval, 0) != session_->expiry)
        add(PropertyId::session_expiry_interval, session_->expiry);
    if (limits.receive_maximum != 65'535) add(PropertyId::receive_maximum, limits.receive_maximum);
    if (limits.maximum_qos != Qos::exactly_once)
        add(PropertyId::maximum_qos, static_cast<std::uint32_t>(limits.maximum_qos));
    if (!limits.retain_available) add(PropertyId::retain_available, 0);
    if (limits.maximum_packet_size) add(PropertyId::maximum_packet_size, *limits.maximum_packet_size);
    if (assigned_id) (void)properties.add(PropertyId::assigned_client_identifier, std::string_view(name_));
    if (limits.topic_alias_maximum > 0) add(PropertyId::topic_alias_maximum, limits.topic_alias_maximum);
    if (!limits.wildcard_subscriptions) add(PropertyId::wildcard_subscription_available, 0);
    if (!limits.subscription_identifiers) add(PropertyId::subscription_identifier_available, 0);
    if (!limits.shared_subscriptions) add(PropertyId::shared_subscription_available, 0);
    if (limits.server_keep_alive) add(PropertyId::server_keep_alive, *limits.server_keep_alive);
    for (const auto& property : broker_.options().behaviour.connack_properties.view())
        (void)properties.add(property);
    return properties;
}

void Connection::resend() {
    session_->reconnected();
    for (const auto& outgoing : session_->in_flight())
        if (outgoing.released)
            send(Ack{.type = PacketType::pubrel, .packet_id = outgoing.packet_id, .properties = {}});
    pump();
}

bool Connection::resolve_topic(const Publish& publish, std::string_view& topic) {
    topic = publish.topic;
    if (!v5()) return true;
    const auto property = publish.properties.find(PropertyId::topic_alias);
    if (!property) return true;
    const auto alias = static_cast<std::uint16_t>(property->number);
    if (alias == 0 || alias > broker_.options().limits.topic_alias_maximum) {
        violation(reason::topic_alias_invalid, "PUBLISH: topic alias above the maximum");
        return false;
    }
    if (!publish.topic.empty()) {
        aliases_in_.insert_or_assign(alias, std::string(publish.topic));
        return true;
    }
    const auto known = aliases_in_.find(alias);
    if (known == aliases_in_.end()) {
        violation(reason::protocol_error, "PUBLISH: unknown topic alias");
        return false;
    }
    topic = known->second;
    return true;
}

std::optional<ReasonCode> Connection::violated_limit(const Publish& publish) const {
    const auto& limits = broker_.options().limits;
    if (publish.qos > limits.maximum_qos) return reason::qos_not_supported;
    if (publish.retain && !limits.retain_available) return reason::retain_not_supported;
    const bool one_more = publish.qos != Qos::at_most_once && !in_flight_.contains(publish.packet_id);
    if (v5() && one_more && in_flight_.size() >= limits.receive_maximum)
        return reason::receive_maximum_exceeded;
    return std::nullopt;
}

void Connection::on(const Publish& publish, Block block) {
    auto& behaviour = broker_.behaviour();
    if (behaviour.drop_at_publish > 0) {
        behaviour.drop_at_publish -= 1;
        if (behaviour.drop_at_publish == 0) return drop();
    }
    if (behaviour.close_at_qos && publish.qos >= *behaviour.close_at_qos) return drop();
    std::string_view topic;
    if (!resolve_topic(publish, topic)) return;
    if (publish.properties.find(PropertyId::subscription_identifier))
        return violation(reason::protocol_error, "PUBLISH: a client must not send a subscription identifier");
    if (const auto code = violated_limit(publish)) {
        if (!v5()) return disconnect(*code, reason_name(PacketType::disconnect, *code));
        return violation(*code, "PUBLISH: " + std::string(reason_name(PacketType::disconnect, *code)));
    }
    const auto message = make_message(publish, topic, name_, std::move(block), broker_.loop().now());
    broker_.record(
        {.client_id = name_, .message = message, .dup = publish.dup, .packet_id = publish.packet_id});
    if (broker_.logging())
        note("PUBLISH " + message->topic + ", QoS " + std::to_string(static_cast<int>(publish.qos)) +
             (publish.retain ? ", retain" : "") + (publish.dup ? ", dup" : "") + ", " +
             std::to_string(publish.payload.size()) + " bytes");

    const bool repeated = publish.qos == Qos::exactly_once && session_->received.contains(publish.packet_id);
    if (publish.qos != Qos::at_most_once) {
        // In 3.1 clients may repeat a PUBLISH at any time, since 3.1.1 only after a reconnect.
        const bool in_use = !in_flight_.insert(publish.packet_id).second && version_ != ProtocolVersion::v31;
        if (in_use || (repeated && !publish.dup))
            record_violation("PUBLISH with packet identifier " + std::to_string(publish.packet_id) +
                             ", which is in use");
    }
    if (repeated) return acknowledge(PacketType::pubrec, publish.packet_id, reason::success);
    auto code = v5() ? behaviour.publish_reason.value_or(reason::success) : reason::success;
    const auto& denied = broker_.options().deny_publish;
    const bool forbidden = topic.starts_with("$SYS") || matches_any(denied, topic);
    if (forbidden) code = reason::not_authorized;
    const bool taken = code < reason::unspecified_error;
    if (publish.qos == Qos::exactly_once) {
        // As most brokers do, it forwards the message at PUBREL: a session that is lost before loses the message too.
        // In 3.x a message cannot be refused: it is acknowledged and not forwarded.
        if (taken || !v5()) session_->received.emplace(publish.packet_id, taken ? message : nullptr);
    } else if (taken) {
        broker_.route(message);
    }
    if (publish.qos == Qos::at_most_once) return;
    if (v5() && code == reason::success && !broker_.has_receivers(*message))
        code = reason::no_matching_subscribers;
    acknowledge(publish.qos == Qos::at_least_once ? PacketType::puback : PacketType::pubrec,
                publish.packet_id, code);
}

void Connection::acknowledge(PacketType type, PacketId id, ReasonCode code) {
    if (!broker_.behaviour().answer_publish) return held_back_.push_back({type, id, code, {}});
    send(Ack{.type = type, .packet_id = id, .code = code, .properties = {}});
    if (type == PacketType::pubrec && code < reason::unspecified_error)
        awaiting_pubrel_.push_back(id);
    else
        in_flight_.erase(id);
}

void Connection::release_acknowledgements() {
    if (stage_ != Stage::open) return;
    for (const auto& ack : std::exchange(held_back_, {})) acknowledge(ack.type, ack.packet_id, ack.code);
}

void Connection::on(const Ack& ack) {
    if (ack.type == PacketType::pubrel) return on_pubrel(ack.packet_id);
    const auto name = std::string(packet_type_name(ack.type));
    const bool refused = v5() && ack.code >= reason::unspecified_error;
    const bool pubrec = ack.type == PacketType::pubrec;
    const auto found = ack.type == PacketType::puback ? session_->puback(ack.packet_id)
                       : pubrec                       ? session_->pubrec(ack.packet_id, refused)
                                                      : session_->pubcomp(ack.packet_id);
    if (found == Session::Found::wrong_kind)
        return violation(reason::protocol_error, name + " instead of another acknowledgement");
    if (found == Session::Found::out_of_order)
        record_violation(name + " not in the order of the PUBLISH packets");
    const bool unknown = found == Session::Found::no;
    // A client may repeat a PUBREC after a reconnect.
    if (unknown && !pubrec)
        return record_violation(name + " for packet identifier " + std::to_string(ack.packet_id) +
                                ", which is not in flight");
    if (pubrec && !refused)
        send(Ack{.type = PacketType::pubrel,
                 .packet_id = ack.packet_id,
                 .code = unknown ? reason::packet_identifier_not_found : reason::success,
                 .properties = {}});
    pump();
}

void Connection::on_pubrel(PacketId id) {
    const auto received = session_->received.extract(id);
    const bool known = !received.empty();
    if (known && received.mapped()) broker_.route(received.mapped());
    const auto awaited = std::find(awaiting_pubrel_.begin(), awaiting_pubrel_.end(), id);
    if (awaited != awaiting_pubrel_.end()) {
        if (awaited != awaiting_pubrel_.begin())
            record_violation("PUBREL not in the order of the PUBREC packets");
        awaiting_pubrel_.erase(awaited);
    }
    if (!broker_.behaviour().answer_pubrel) return;
    in_flight_.erase(id);
    send(Ack{.type = PacketType::pubcomp,
             .packet_id = id,
             .code = known ? reason::success : reason::packet_identifier_not_found,
             .properties = {}});
}

void Connection::check_unused(PacketId id, const char* packet) {
    if (in_flight_.contains(id))
        record_violation(std::string(packet) + " with packet identifier " + std::to_string(id) +
                         ", which is in use");
}

void Connection::record_violation(const std::string& rule) {
    broker_.add_violation(name_ + ": " + rule);
}

void Connection::on(const Subscribe& subscribe) {
    const auto& behaviour = broker_.behaviour();
    if (behaviour.close_at_subscribe) return drop();
    const auto identifier = subscribe.properties.number_or(PropertyId::subscription_identifier, 0);
    for (const auto& subscription : subscribe.subscriptions)
        if (subscription.filter.starts_with("$SYS")) broker_.update_sys();
    check_unused(subscribe.packet_id, "SUBSCRIBE");
    std::vector<std::uint8_t> codes;
    std::vector<Outgoing> retained;
    for (const auto& subscription : subscribe.subscriptions) {
        codes.push_back(subscribe_one(subscription, identifier, retained));
        if (broker_.logging())
            note("SUBSCRIBE " + std::string(subscription.filter) + " -> " + std::to_string(codes.back()));
    }
    const auto answer = [&] {
        if (behaviour.answer_subscribe)
            send(Suback{.packet_id = subscribe.packet_id, .codes = codes, .properties = {}});
    };
    if (!behaviour.retained_before_suback) answer();
    for (auto& outgoing : retained) broker_.deliver(*session_, std::move(outgoing));
    if (behaviour.retained_before_suback) answer();
}

std::uint8_t Connection::subscribe_one(const Subscription& subscription, std::uint32_t identifier,
                                       std::vector<Outgoing>& retained) {
    const auto& options = broker_.options();
    const auto failure = [&](ReasonCode code) { return v5() ? code : v3_suback_failure; };
    const auto forced = options.behaviour.suback_code;
    if (forced && *forced >= v3_suback_failure) return *forced;
    const auto shared = split_share(subscription.filter);
    const auto filter = shared ? shared->filter : subscription.filter;
    for (const auto& topic : options.deny_subscribe)
        if (topic_matches(filter, topic)) return failure(reason::not_authorized);
    if (shared && !options.limits.shared_subscriptions)
        return failure(reason::shared_subscriptions_not_supported);
    if (!options.limits.wildcard_subscriptions && filter.find_first_of("+#") != std::string_view::npos)
        return failure(reason::wildcard_subscriptions_not_supported);
    if (identifier != 0 && !options.limits.subscription_identifiers)
        return failure(reason::subscription_identifiers_not_supported);

    const auto granted = std::min(subscription.qos, options.limits.maximum_qos);
    const bool is_new = broker_.sessions().subscribe(*session_, subscription.filter,
                                                     {.qos = granted,
                                                      .no_local = subscription.no_local,
                                                      .retain_as_published = subscription.retain_as_published,
                                                      .identifier = identifier});
    const auto handling = subscription.retain_handling;
    const bool send_retained = !shared && (handling == RetainHandling::send_always ||
                                           (handling == RetainHandling::send_if_new && is_new));
    if (send_retained) {
        broker_.retained().match(filter, broker_.loop().now(), [&](const MessagePtr& message) {
            Outgoing outgoing{.message = message,
                              .qos = std::min(granted, message->qos),
                              .retain = true,
                              .identifiers = {}};
            if (identifier != 0) outgoing.identifiers.push_back(identifier);
            retained.push_back(std::move(outgoing));
        });
    }
    return forced.value_or(static_cast<std::uint8_t>(granted));
}

void Connection::on(const Unsubscribe& unsubscribe) {
    const auto& behaviour = broker_.behaviour();
    check_unused(unsubscribe.packet_id, "UNSUBSCRIBE");
    std::vector<std::uint8_t> codes;
    for (const auto filter : unsubscribe.filters) {
        const bool existed = broker_.sessions().unsubscribe(*session_, filter);
        codes.push_back(
            behaviour.unsuback_code.value_or(existed ? reason::success : reason::no_subscription_existed));
        note("UNSUBSCRIBE " + std::string(filter));
    }
    if (behaviour.answer_unsubscribe)
        send(Unsuback{.packet_id = unsubscribe.packet_id, .codes = codes, .properties = {}});
}

void Connection::on(const Pingreq&) {
    if (broker_.behaviour().answer_ping) send(Pingresp{});
}

void Connection::on(const Disconnect& disconnect) {
    if (const auto expiry = disconnect.properties.find(PropertyId::session_expiry_interval)) {
        if (session_->expiry == 0 && expiry->number != 0)
            return violation(reason::protocol_error, "DISCONNECT: session expiry without one in CONNECT");
        session_->expiry = expiry->number;
    }
    note("DISCONNECT");
    const bool with_will = v5() && disconnect.code == reason::disconnect_with_will;
    disconnect_received_ = true;
    end_session(with_will);
    if (broker_.behaviour().close_after_disconnect) return close_after_output();
    stage_ = Stage::lingering;
}

}  // namespace mqttc::broker
