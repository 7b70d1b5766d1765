// A session's construction, the start and end of its connections, and its timers.
#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "session_impl.hpp"

namespace mqttc {

namespace {

/// A property of CONNECT; without it, and in 3.x, `fallback`.
template <class Number>
Number connect_property(const SessionOptions& options, PropertyId id, Number fallback) {
    if (options.version != ProtocolVersion::v5) return fallback;
    return static_cast<Number>(options.connect_properties.view().number_or(id, fallback));
}

/// Adds what session_expiry says to the properties of CONNECT.
void add_session_expiry(SessionOptions& options) {
    constexpr std::uint32_t unnamed_session = 300;
    Properties& properties = options.connect_properties;
    if (options.version != ProtocolVersion::v5 || properties.view().find(PropertyId::session_expiry_interval))
        return;
    const std::uint32_t kept = options.client_id.empty() ? unnamed_session : UINT32_MAX;
    const std::uint32_t expiry = options.session_expiry.value_or(options.clean_start ? 0 : kept);
    if (expiry != 0) static_cast<void>(properties.add(PropertyId::session_expiry_interval, expiry));
}

}  // namespace

Session::Impl::Impl(SessionOptions given)
    : options(std::move(given)),
      accepted_size(std::min<std::size_t>(
          options.max_packet_size, connect_property(options, PropertyId::maximum_packet_size, UINT32_MAX))),
      receive_maximum(connect_property<std::uint16_t>(options, PropertyId::receive_maximum, 65'535)),
      authenticates(options.version == ProtocolVersion::v5 &&
                    options.connect_properties.view().find(PropertyId::authentication_method).has_value()),
      state(options.version) {
    add_session_expiry(options);
    state.client_id = options.client_id;
    conn.limits.client_id = options.client_id;
    // So that the broker does not send packets that would have to be refused.
    const auto properties = options.connect_properties.view();
    if (v5() && accepted_size < max_packet_bytes && !properties.find(PropertyId::maximum_packet_size)) {
        static_cast<void>(options.connect_properties.add(PropertyId::maximum_packet_size,
                                                         static_cast<std::uint32_t>(accepted_size)));
    }
}

void Session::Impl::opened(Time now) {
    closed();
    unusable.reset();
    conn.phase = Phase::connecting;
    conn.incoming_aliases =
        IncomingAliases(connect_property<std::uint16_t>(options, PropertyId::topic_alias_maximum, 0));
    conn.last_sent = conn.last_received = conn.last_progress = now;

    const bool resumable = !state.inflight.waiting().empty() || !state.received.empty() ||
                           !state.uncertain_qos2_ids.empty() || !state.requests.empty();
    conn.clean = options.clean_start && !(v5() && state.ever_connected && resumable);

    Connect connect;
    connect.version = options.version;
    connect.clean_start = conn.clean;
    connect.keep_alive = options.keep_alive;
    connect.client_id = state.client_id;
    connect.username = options.username;
    connect.properties = options.connect_properties.view();
    std::size_t secret_size = 0;
    if (options.password) {
        connect.password = as_bytes(options.password->view());
        secret_size = options.password->view().size();
    }
    if (options.will) {
        Will will;
        will.topic = options.will->topic;
        will.payload = as_bytes(options.will->payload);
        will.qos = options.will->qos;
        will.retain = options.will->retain;
        will.properties = options.will->properties.view();
        connect.will = will;
        secret_size += will.topic.size() + will.payload.size() + will.properties.wire().size();
    }
    if (options.username) secret_size += options.username->size();
    const bool fresh =
        !state.ever_connected && state.unanswered_connects == 0 && !resumable && state.kept.empty();
    // With a will a connection that is given up would end as if the client had failed.
    conn.early = options.subscribe_before_connack && fresh && conn.clean && !authenticates && !options.will &&
                 options.version != ProtocolVersion::v31;
    // A buffer that grows would leave copies of the password in freed memory.
    constexpr std::size_t fields = 64;
    conn.output.buffer().reserve(fields + secret_size + connect.client_id.size() +
                                 connect.properties.wire().size() +
                                 (options.password && conn.early ? max_early_bytes : 0));
    const auto done = send(connect, now);
    if (!done) {
        unusable = std::make_unique<const Error>(
            Error{ErrorCode::usage, 0, "CONNECT cannot be sent: " + std::string(describe(done.error()))});
        return;
    }
    conn.connect_end = conn.output.end_position();
    if (options.password) conn.output.mark_secret();
}

void Session::Impl::closed(std::size_t unarrived) {
    if (conn.phase == Phase::closed) return;
    const std::uint64_t sent = conn.output.sent_position();
    Unsent unsent = keep_unsent();
    // Nothing below can fail.
    const std::uint64_t lost =
        conn.qos0_in_transit.sent_after(sent - std::min<std::uint64_t>(unarrived, sent));
    state.counters.delivered -= lost;
    state.counters.pending -= unsent.dropped;
    state.counters.dropped += lost + unsent.dropped;
    state.kept = std::move(unsent.kept);
    state.inflight.closed(sent);
    for (Request& request : state.requests.unanswered()) request.early = false;
    conn = ConnectionState{};
    conn.limits.client_id = state.client_id;
}

void Session::Impl::sent(std::size_t n, Time now) {
    if (n == 0) return;
    // Bytes that were not written would be lost without an error.
    if (n > conn.output.size()) std::abort();
    if (conn.phase == Phase::connecting && conn.output.sent_position() == 0) ++state.unanswered_connects;
    const auto awaited = oldest_awaited();
    const std::uint64_t before = conn.output.sent_position();
    if ((awaited && awaited->end > before) || (conn.ping_since && conn.ping_end > before))
        conn.last_progress = now;
    conn.output.sent(n);
    const std::uint64_t whole = conn.qos0_in_transit.sent(conn.output.sent_position());
    state.counters.delivered += whole;
    state.counters.pending -= whole;
}

std::optional<Session::Impl::Awaited> Session::Impl::oldest_awaited() const {
    std::optional<Awaited> oldest;
    const auto take = [&](std::uint64_t end, Time since) {
        if (!oldest || since < oldest->since) oldest = {end, since};
    };
    if (const OutgoingMessage* message = state.inflight.sent().front()) take(message->end, message->since);
    if (const auto& unanswered = state.requests.unanswered(); !unanswered.empty())
        take(unanswered.front().end, unanswered.front().since);
    if (conn.requested_pings > 0) take(conn.ping_end, conn.requested_ping_since);
    return oldest;
}

void Session::Impl::arrived(std::size_t unarrived, Time now) {
    // Up to this many unconfirmed bytes are in flight, not waiting for the broker to read.
    constexpr std::size_t in_flight = std::size_t{16} * 1024;
    const std::uint64_t sent = conn.output.sent_position();
    const std::uint64_t before = conn.arrived;
    conn.arrived = std::max(before, sent - std::min<std::uint64_t>(unarrived, sent));
    if (conn.arrived == before) return;
    const auto awaited = oldest_awaited();
    const bool part_of_it = (awaited && awaited->end > before) || (conn.ping_since && conn.ping_end > before);
    // Later packets count only while they wait for the broker to read: its machine also takes them when it hangs.
    if (part_of_it || unarrived > in_flight) conn.last_progress = now;
}

void Session::Impl::take_partial(std::size_t size, Time now) {
    constexpr std::size_t slowest = 256;  // bytes per second
    if (size < conn.partial_size || conn.partial_size == 0) {
        conn.partial_size = size;
        conn.partial_since = now;
    }
    const std::chrono::duration<double> time = now - conn.partial_since;
    if (static_cast<double>(size - conn.partial_size) < time.count() * slowest) return;
    conn.partial_size = size;
    conn.partial_since = conn.last_progress = now;
}

Duration Session::Impl::ping_time_limit() const {
    return std::max<Duration>(std::chrono::seconds(conn.limits.keep_alive) / 2, min_ping_timeout);
}

std::optional<Time> Session::Impl::ping_due() const {
    if (!live() || conn.limits.keep_alive == 0) return std::nullopt;
    const Time quiet_from = conn.ping_since ? conn.last_sent : std::min(conn.last_sent, conn.last_received);
    return later(quiet_from, std::chrono::seconds(conn.limits.keep_alive));
}

std::optional<Time> Session::Impl::ping_timeout() const {
    if (!live() || !conn.ping_since || conn.intake != Intake::open) return std::nullopt;
    return later(std::max(*conn.ping_since, conn.last_progress), ping_time_limit());
}

Duration Session::Impl::ack_time_limit() const {
    // A broker that ignores packets before CONNACK answers them on the next connection.
    return early_unanswered() ? options.ack_timeout / 2 : options.ack_timeout;
}

bool Session::Impl::early_unanswered() const {
    if (conn.early_end == 0 || conn.output.sent_position() <= conn.connect_end) return false;
    const auto awaited = oldest_awaited();
    return awaited && awaited->end <= conn.early_end;
}

std::optional<Time> Session::Impl::ack_timeout() const {
    if (!live() || conn.intake != Intake::open || options.ack_timeout == Duration::zero())
        return std::nullopt;
    const auto awaited = oldest_awaited();
    if (!awaited) return std::nullopt;
    return later(std::max(awaited->since, conn.last_progress), ack_time_limit());
}

std::optional<Time> Session::Impl::deadline() const {
    if (unusable) return conn.last_sent;
    std::optional<Time> first = ping_due();
    for (const auto& other : {ping_timeout(), ack_timeout()}) {
        if (other && (!first || *other < *first)) first = other;
    }
    return first;
}

std::expected<void, Error> Session::Impl::tick(Time now) {
    if (unusable) return std::unexpected(*unusable);
    if (const auto late = ping_timeout(); late && *late <= now) {
        return std::unexpected(
            Error{ErrorCode::keep_alive_timeout, 0,
                  "no answer to PINGREQ from the broker for " + seconds_text(ping_time_limit())});
    }
    if (const auto late = ack_timeout(); late && *late <= now) {
        const bool ping = state.inflight.sent().empty() && state.requests.unanswered().empty();
        return std::unexpected(Error{ErrorCode::ack_timeout, 0,
                                     std::string(ping ? "no answer to PINGREQ" : "no acknowledgement") +
                                         " from the broker for " + seconds_text(ack_time_limit())});
    }
    if (const auto due = ping_due(); due && *due <= now) {
        static_cast<void>(send(Pingreq{}, now));
        ++conn.pings;
        if (!conn.ping_since) {
            conn.ping_since = now;
            conn.ping_end = conn.output.end_position();
        }
    }
    return {};
}

Session::Session(SessionOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::opened(Time now) {
    impl_->opened(now);
}
void Session::closed(std::size_t unarrived) {
    impl_->closed(unarrived);
}

bool Session::can_subscribe_early() const {
    return impl_->early();
}
bool Session::early_unanswered() const {
    return impl_->early_unanswered();
}
bool Session::early_forbidden() const {
    return impl_->conn.early_forbidden;
}

void Session::forget_assigned_client_id() {
    impl_->state.client_id = impl_->conn.limits.client_id = impl_->options.client_id;
}

std::expected<std::size_t, Error> Session::receive(Bytes bytes, Time now, SessionHandler& handler) {
    return impl_->receive(bytes, now, handler);
}

std::size_t Session::needs(Bytes bytes) const {
    const auto size = frame_size(bytes, impl_->accepted_size);
    return size && *size && **size > bytes.size() ? **size : 0;
}

void Session::release_acknowledgements(Time now) {
    impl_->release_acknowledgements(now);
}

void Session::pause() {
    // A message that waits stays the one that was traced.
    if (impl_->conn.intake == Impl::Intake::open) impl_->conn.intake = Impl::Intake::paused;
}

bool Session::withdraw(PacketId id) {
    return impl_->withdraw(id);
}
std::vector<std::uint8_t> Session::save() const {
    return impl_->save();
}
std::expected<void, Error> Session::restore(Bytes saved) {
    return impl_->restore(saved);
}
void Session::set_credentials(std::optional<std::string> username, std::optional<Secret> password) {
    impl_->options.username = std::move(username);
    impl_->options.password = std::move(password);
}

bool Session::can_publish(Qos qos) const {
    return impl_->can_publish(qos);
}

std::expected<PacketId, Error> Session::publish(const Publish& message, Time now, PayloadMode mode) {
    return impl_->publish(message, now, mode, nullptr);
}
std::expected<PacketId, Error> Session::publish(const Publish& message, Time now,
                                                std::shared_ptr<const void> owner) {
    return impl_->publish(message, now, PayloadMode::borrowed, std::move(owner));
}
std::expected<std::size_t, Error> Session::publish_each(const Publish& common,
                                                        std::span<const Bytes> payloads, Time now) {
    return impl_->publish_each(common, payloads, now);
}

std::expected<PacketId, Error> Session::subscribe(std::span<const Subscription> subscriptions,
                                                  PropertiesView properties, Time now) {
    Subscribe packet{0, {subscriptions.begin(), subscriptions.end()}, properties};
    return impl_->subscribe(packet, now);
}

std::expected<PacketId, Error> Session::unsubscribe(std::span<const std::string_view> filters,
                                                    PropertiesView properties, Time now) {
    Unsubscribe packet{0, {filters.begin(), filters.end()}, properties};
    return impl_->unsubscribe(packet, now);
}

std::expected<void, Error> Session::disconnect(ReasonCode code, PropertiesView properties, Time now) {
    return impl_->disconnect(code, properties, now);
}

std::expected<void, Error> Session::ping(Time now) {
    return impl_->ping(now);
}
bool Session::ping_unanswered() const {
    return impl_->conn.requested_pings > 0;
}

bool Session::awaits_answer() const {
    return impl_->ack_timeout() || impl_->ping_timeout();
}
void Session::arrived(std::size_t unarrived, Time now) {
    impl_->arrived(unarrived, now);
}
std::size_t Session::unreleased() const {
    const std::size_t unfinished = impl_->conn.received_unfinished;
    return unfinished - std::min(unfinished, impl_->conn.held_acks.size());
}

AckToken Session::ack_token(const Publish& message) const {
    return {impl_->state.counters.received, message.packet_id, message.qos};
}
void Session::acknowledge(const AckToken& token, Time now) {
    impl_->acknowledge(token, now);
}

std::expected<void, Error> Session::auth(ReasonCode code, PropertiesView properties, Time now) {
    return impl_->auth(code, properties, now);
}

Bytes Session::pending() const {
    return impl_->conn.phase == Impl::Phase::output_suppressed ? Bytes() : impl_->conn.output.pending();
}
void Session::sent(std::size_t n, Time now) {
    impl_->sent(n, now);
}
std::optional<Time> Session::deadline() const {
    return impl_->deadline();
}
std::expected<void, Error> Session::tick(Time now) {
    return impl_->tick(now);
}

bool Session::connected() const {
    return impl_->live();
}
bool Session::session_present() const {
    return impl_->state.session_present;
}
std::size_t Session::inflight() const {
    return impl_->state.inflight.size();
}

std::size_t Session::pending_bytes() const {
    const bool suppressed = impl_->conn.phase == Impl::Phase::output_suppressed;
    return (suppressed ? 0 : impl_->conn.output.size()) + impl_->state.kept.size();
}

const Counters& Session::counters() const {
    return impl_->state.counters;
}
const Limits& Session::limits() const {
    return impl_->conn.limits;
}
const SessionOptions& Session::options() const {
    return impl_->options;
}

}  // namespace mqttc
