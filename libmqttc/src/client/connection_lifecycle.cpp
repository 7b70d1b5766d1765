// How a client's connections start and end: connecting, redirects, retries, the orderly end.
#include <algorithm>
#include <utility>

#include "base/escape.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "client_impl.hpp"
#include "mqttc/url.hpp"

namespace mqttc {

namespace {

// A connection that lasted this long may be redirected again.
constexpr Duration redirect_memory = std::chrono::minutes(1);
// A broker that closes sooner has a cause that a reconnect alone does not remove.
constexpr Duration useful_time = std::chrono::seconds(10);
// A broker that closes sooner is not tried again at once, although there is no delay between several endpoints.
constexpr Duration shortest_useful = std::chrono::milliseconds(100);

std::string reference_of(ReasonCode code, PropertiesView properties) {
    if (code != reason::use_another_server && code != reason::server_moved) return {};
    return std::string(properties.text_or_empty(PropertyId::server_reference));
}

}  // namespace

void Relay::on_connack(const Connack& packet) {
    accepted = packet.code == reason::success;
    if (!accepted) server_reference = reference_of(packet.code, packet.properties);
    handler_.on_connack(packet);
}

void Relay::on_disconnect(const Disconnect& packet) {
    server_reference = reference_of(packet.code, packet.properties);
    handler_.on_disconnect(packet);
}

void Client::Impl::connect() {
    phase_ = Phase::connecting;
    relay.accepted = false;
    connect_started_ = loop.now();
    connect_deadline_ = later(loop.now(), options.connect_timeout);
    handler.on_connecting(target);
    connector_ = std::make_unique<net::Connector>(loop, target);
    connector_->start(std::exchange(untried_addresses_, {}));
}

Error Client::Impl::no_connack(Duration waited) const {
    return {ErrorCode::connect_timeout, 0,
            "cannot connect to " + endpoint_name(target) + ": connected, but no CONNACK within " +
                seconds_text(waited) + " (is it an MQTT broker?)"};
}

std::optional<Error> Client::Impl::awaited() const {
    // Rounded for the user: a timer is due slightly after its time.
    const Duration exact = loop.now() - connect_started_;
    const Duration unit =
        exact < std::chrono::seconds(1) ? std::chrono::milliseconds(10) : std::chrono::milliseconds(100);
    const Duration waited = (exact + unit / 2) / unit * unit;
    if (phase_ == Phase::connecting && connector_) return connector_->timed_out(waited);
    if (phase_ == Phase::opening) return no_connack(waited);
    return std::nullopt;
}

void Client::Impl::poll_connector() {
    if (!connector_->finished()) {
        if (loop.now() < connect_deadline_) return;
        auto error = connector_->timed_out(options.connect_timeout);
        connector_.reset();
        return lost(std::move(error));
    }
    auto stream = connector_->take();
    untried_addresses_ = connector_->untried();
    connector_.reset();
    if (!stream) return lost(std::move(stream.error()));
    relay.reset();
    buffer.clear();
    peer_closed_reported_ = false;
    connection_ = std::make_unique<Connection>(loop, std::move(*stream), buffer);
    phase_ = Phase::opening;
    session.opened(loop.now());
    if (session.can_subscribe_early()) handler.on_opened();
}

void Client::Impl::begin_closing() {
    Properties& properties = pending_disconnect->properties;
    if (ends_kept_session && !properties.view().find(PropertyId::session_expiry_interval))
        static_cast<void>(properties.add(PropertyId::session_expiry_interval, 0));
    const auto pending = [this] { return session.pending_bytes() + connection_->unsent(); };
    const auto before = pending();
    end_matters_ = before > 0 || !properties.view().empty() || session.options().will ||
                   session.counters().published > 0 || relay.acknowledges;
    const auto done =
        session.disconnect(pending_disconnect->code, pending_disconnect->properties.view(), loop.now());
    if (!done) return phase_ == Phase::open ? end(std::unexpected(done.error())) : end({});
    const auto after = pending();
    disconnect_size_ = before == 0 ? SIZE_MAX : after > before ? after - before : after;
    phase_ = Phase::closing;
    closing_left_ = session.pending_bytes() + connection_->unarrived();
    closing_deadline_ = later(loop.now(), options.disconnect_timeout);
}

bool Client::Impl::closing_late() {
    const std::size_t left = session.pending_bytes() + connection_->unarrived();
    if (left < closing_left_) {
        closing_left_ = left;
        closing_deadline_ = later(loop.now(), options.disconnect_timeout);
    }
    return loop.now() >= closing_deadline_;
}

void Client::Impl::continue_closing() {
    // The broker may have to send its output before it reads ours.
    const auto got = connection_->discard();
    auto written = connection_->write(session);
    if (written && connection_->drained(session)) {
        relay.peer_sends = relay.peer_sends || session.inflight() > 0;
        phase_ = Phase::lingering;
        return linger();
    }
    const bool broken = !written || !got || *got == Connection::Read::end;
    if (!broken && !closing_late()) return;
    // If only DISCONNECT was not sent, nothing is lost.
    const auto left = session.pending_bytes() + connection_->unsent();
    if (broken) session.closed(connection_->unarrived());
    if (left <= disconnect_size_) return end({});
    if (!written && written.error().code == ErrorCode::io_error)
        return end(std::unexpected(std::move(written.error())));
    auto why = broken ? std::string("the connection was lost")
                      : "the broker has not read them within " + seconds_text(options.disconnect_timeout);
    end(std::unexpected(Error{ErrorCode::connection_lost, 0,
                              "the last " + std::to_string(left - disconnect_size_) +
                                  " bytes were not sent to " + endpoint_name(target) + ": " + why}));
}

void Client::Impl::linger() {
    if (connection_->close_gracefully(loop.now(), relay.peer_sends) || !end_matters_ || closing_late())
        end({});
}

void Client::Impl::end(std::expected<void, Error> how) {
    result_ = std::move(how);
    phase_ = Phase::ended;
    connector_.reset();
    connection_.reset();
    untried_addresses_.clear();
    session.closed();
}

void Client::Impl::lost(Error error) {
    // The broker may have closed as soon as it had received everything.
    if (pending_disconnect && phase_ == Phase::open && connection_->drained(session)) return end({});
    const bool was_open = connection_ != nullptr;
    const bool without_early = early_refused(error);
    if (was_open) {
        const auto unarrived = connection_->unarrived();
        // A DISCONNECT with the reason was written before; the broker should be able to read it.
        connection_->close_gracefully(loop.now(), false);
        connection_.reset();
        session.closed(unarrived);
    }
    buffer.clear();
    shrink_at_.reset();
    add_endpoint_context(error, was_open);
    if (without_early) {
        handler.on_early_refused(error);
        untried_addresses_.clear();
        phase_ = Phase::waiting;
        retry_at_ = loop.now();
        return;
    }
    if (fall_back(error)) return;
    std::optional<Duration> delay;
    if (next_address(error)) return;
    untried_addresses_.clear();
    if (follow_redirect(error)) {
        delay = Duration::zero();
    } else if (!pending_disconnect) {
        delay = options.endpoints.size() > 1 ? next_endpoint(error) : retry_delay(error, false);
        if (delay) connect_next_to(home());
    }
    phase_ = Phase::waiting;
    if (delay) retry_at_ = later(loop.now(), *delay);
    handler.on_connection_lost(error, delay);
    if (!delay) end(std::unexpected(std::move(error)));
}

/// True: the broker may not expect SUBSCRIBE before CONNACK. The connection is tried again at once; SUBSCRIBE then waits for CONNACK.
bool Client::Impl::early_refused(const Error& error) const {
    if (pending_disconnect) return false;
    const bool opening = phase_ == Phase::opening;
    switch (error.code) {
        case ErrorCode::ack_timeout:
            return session.early_unanswered();
        case ErrorCode::closed_by_peer:
        case ErrorCode::connection_lost:
        case ErrorCode::server_disconnect:
            return opening ? session.early_unanswered() : session.early_forbidden();
        case ErrorCode::protocol_error:
            // Some brokers answer it before CONNECT. A hint says that the server speaks something else.
            return opening && session.early_unanswered() && error.hint == Hint::none;
        default:
            return false;
    }
}

/// True: the other version is tried at once.
bool Client::Impl::fall_back(const Error& error) {
    if (!options.fallback_version || ever_connected_ || pending_disconnect) return false;
    // Messages are stored as they are sent in the first version.
    if (session.counters().pending > 0) return false;
    switch (error.code) {
        case ErrorCode::connection_refused: {
            constexpr int unacceptable_version = 1;  // of MQTT 3.1.1, section 3.2.2.3
            const int code = error.reason;
            if (code != unacceptable_version && code != reason::unsupported_protocol_version &&
                code != reason::malformed_packet && code != reason::protocol_error)
                return false;
            break;
        }
        case ErrorCode::closed_by_peer:
        case ErrorCode::protocol_error:
            break;
        case ErrorCode::connection_lost:
            if (phase_ != Phase::opening) return false;
            break;
        default:
            return false;
    }
    SessionOptions lower = session.options();
    lower.version = *std::exchange(options.fallback_version, std::nullopt);
    options.session.version = lower.version;
    lower.connect_properties = {};
    if (lower.will) lower.will->properties = {};
    session = Session(std::move(lower));
    handler.on_version_fallback(error);
    untried_addresses_.clear();
    phase_ = Phase::waiting;
    retry_at_ = loop.now();
    return true;
}

/// True: what failed was one of several addresses, and the next one is tried at once.
bool Client::Impl::next_address(const Error& error) {
    if (relay.accepted || untried_addresses_.empty() || pending_disconnect || is_final(error)) return false;
    phase_ = Phase::waiting;
    retry_at_ = loop.now();
    return true;
}

/// Only such a connection resets the count of tries: a broker that closes on the same message each time uses them up.
bool Client::Impl::was_useful() const {
    return relay.accepted &&
           (relay.peer_sends || relay.peer_acknowledges || loop.now() - connected_at_ >= useful_time);
}

/// Chooses among several endpoints; the delay before it is tried.
std::optional<Duration> Client::Impl::next_endpoint(const Error& error) {
    // A final reason after CONNACK applies to the other endpoints, too.
    if (relay.accepted && is_final(error) && !is_redirect(error)) return retry_delay(error, false);
    const Duration shortest = std::max({last_delay_, options.reconnect.min_delay, shortest_useful});
    const bool worked = was_useful() && loop.now() - connected_at_ >= shortest;
    const bool silent = error.code == ErrorCode::keep_alive_timeout || error.code == ErrorCode::ack_timeout;
    if (worked) {
        failed_in_round_ = 0;
        round_can_be_retried_ = false;
        tries_ = 0;
        backoff_.reset();
        last_delay_ = {};
    }
    if (!worked || silent) {
        ++failed_in_round_;
        round_can_be_retried_ = round_can_be_retried_ || !is_final(error);
        endpoint_ = (endpoint_ + 1) % options.endpoints.size();
    }
    if (failed_in_round_ >= options.endpoints.size()) {
        failed_in_round_ = 0;
        return retry_delay(error, std::exchange(round_can_be_retried_, false));
    }
    return Duration::zero();
}

std::optional<Duration> Client::Impl::retry_delay(const Error& error, bool another_can_help) {
    const bool insists = options.reconnect.after_refusal && ever_connected_ && is_refusal(error);
    if (is_final(error) && !insists && !another_can_help) return std::nullopt;
    if (was_useful()) tries_ = 0;
    const auto allowed = ever_connected_ ? options.reconnect.later : options.reconnect.first;
    if (allowed != ReconnectPolicy::forever && tries_ >= allowed) return std::nullopt;
    // A connection that lasted shorter than the delay before it does not count as recovery.
    const bool lasted = relay.accepted && loop.now() - connected_at_ >= last_delay_;
    // A broker that closes whatever is sent gets no quick retry for each connection.
    const bool quick = lasted && !(quick_retry_at_ && loop.now() - *quick_retry_at_ < useful_time);
    if (quick) {
        backoff_.reset_quickly();
        quick_retry_at_ = loop.now();
    } else if (lasted) {
        backoff_.reset();
    }
    ++tries_;
    const double drawn = random_unit() / 2;
    last_delay_ = backoff_.next(relay.subscribes ? drawn : drawn + 0.5);
    return last_delay_;
}

void Client::Impl::connect_next_to(const Endpoint& endpoint) {
    const bool same = equal_ignoring_case(target.host, endpoint.host) && target.port == endpoint.port &&
                      target.unix_path == endpoint.unix_path;
    if (!same) session.forget_assigned_client_id();
    target = endpoint;
}

// The server that the broker named is added to the error, whether it is followed or not.
bool Client::Impl::follow_redirect(Error& error) {
    if (!is_redirect(error)) return false;
    // A list separated by spaces; the first is the broker's first choice (MQTT 5.0 section 4.11).
    const std::string_view first =
        std::string_view(relay.server_reference).substr(0, relay.server_reference.find(' '));
    const auto place = parse_url("mqtt://" + std::string(first));
    if (first.empty() || !place || place->username || place->topic) {
        error.context += first.empty() ? " (without naming it)" : ": " + escape_controls(first);
        return false;
    }
    Endpoint next = target;
    next.host = place->host;
    next.port = place->port != 0 ? place->port : effective_port(home());
    next.srv = false;
    next.unix_path.clear();
    error.context += ": " + endpoint_name(next);
    if (!options.follow_redirect) {
        error.hint = Hint::redirect;
        return false;
    }
    const bool verified = next.tls && next.tls->verify;
    const char* refusal = nullptr;
    if (!target.unix_path.empty() || (!verified && !equal_ignoring_case(next.host, home().host)))
        refusal = " (another host is followed only over verified TLS)";
    else if (redirected_ && !(relay.accepted && loop.now() - connected_at_ >= redirect_memory))
        refusal = " (a second redirect is not followed)";
    if (refusal != nullptr || pending_disconnect) {
        error.context += refusal == nullptr ? "" : refusal;
        return false;
    }
    error.context += " (connecting there)";
    redirected_ = true;
    connect_next_to(next);
    return true;
}

void Client::Impl::add_endpoint_context(Error& error, bool was_open) const {
    const auto where =
        (relay.accepted ? "lost the connection to " : "cannot connect to ") + endpoint_name(target);
    switch (error.code) {
        case ErrorCode::closed_by_peer:
        case ErrorCode::connection_lost:
            error.context = where + ": " + error.context;
            if (relay.accepted) break;
            // Brokers that support only MQTT 3.1.1 close without sending CONNACK.
            error.context += options.session.version == ProtocolVersion::v5
                                 ? " before CONNACK (is it an MQTT broker, and does it support MQTT 5?)"
                                 : " before CONNACK (is it an MQTT broker?)";
            if (!target.tls) error.hint = Hint::maybe_tls;
            break;
        case ErrorCode::tls_failed:
            // The error of a failed handshake is complete.
            if (was_open) error.context = where + ": " + error.context;
            break;
        case ErrorCode::connection_refused:
        case ErrorCode::protocol_error:
            error.context = where + ": " + error.context;
            break;
        case ErrorCode::server_disconnect:
        case ErrorCode::keep_alive_timeout:
        case ErrorCode::ack_timeout:
            error.context = "lost the connection to " + endpoint_name(target) + ": " + error.context;
            break;
        default:
            break;
    }
}

}  // namespace mqttc
