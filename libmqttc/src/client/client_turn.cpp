// One turn of the client's loop: what is done in which order, and when the next one is due.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/text.hpp"
#include "client_impl.hpp"
#include "mqttc/codec.hpp"

namespace mqttc {

namespace {

// How long a buffer that grew for a big packet is kept for the next one.
constexpr Duration big_buffer_kept = std::chrono::seconds(1);
// While an answer is awaited: how often to check that the broker's machine takes what was sent.
constexpr Duration progress_interval = std::chrono::seconds(1);
// A network may be interrupted for a moment.
constexpr Duration min_silence_time_limit = std::chrono::seconds(5);

Error closed_by_peer() {
    return {ErrorCode::closed_by_peer, 0, "the server closed the connection"};
}

/// A clean session of MQTT 5 that the client resumes after an outage must outlive its connection. True: disconnect() must
/// end it.
bool keep_clean_session(ClientOptions& options) {
    constexpr std::uint32_t longest_outage = 300;
    SessionOptions& session = options.session;
    if (session.version != ProtocolVersion::v5 || !session.clean_start || session.session_expiry ||
        options.reconnect.later == 0 ||
        session.connect_properties.view().find(PropertyId::session_expiry_interval))
        return false;
    session.session_expiry = longest_outage;
    return true;
}

/// With fallback_version nothing is sent before CONNACK: the session of the other version would not know of it.
SessionOptions session_options(ClientOptions& options) {
    if (options.fallback_version) options.session.subscribe_before_connack = false;
    return std::move(options.session);
}

}  // namespace

Client::Impl::Impl(ClientOptions given, ClientHandler& to)
    : options(std::move(given)),
      handler(to),
      ends_kept_session(keep_clean_session(options)),
      session(session_options(options)),
      relay(to),
      backoff_(options.reconnect.min_delay, options.reconnect.max_delay, options.reconnect.quick_delay) {
    if (options.endpoints.empty()) options.endpoints.push_back(options.endpoint);
    target = home();
}

void Client::Impl::begin() {
    owner_ = pthread_self();
    ever_connected_ = redirected_ = false;
    tries_ = 0;
    backoff_.reset();
    last_delay_ = {};
    failed_in_round_ = 0;
    round_can_be_retried_ = false;
    target = home();
    result_ = {};
    loop.update_now();
    loop.prepare_wake();
    if (!stopping) connect();
}

std::expected<bool, Error> Client::Impl::turn(bool wait) {
    if (phase_ != Phase::ended) check_thread();
    in_turn_ = true;
    try {
        if (phase_ == Phase::ended) {
            begin();
        } else {
            loop.turn(wait ? deadline() : std::nullopt, !wait || busy());
        }
        if (has_posted_) call_posted();
        step();
        if (phase_ != Phase::ended) update_watch();
    } catch (const std::bad_alloc&) {
        try {
            end(std::unexpected(Error{ErrorCode::out_of_memory, 0, "out of memory"}));
        } catch (const std::bad_alloc&) {
            // Closing the session needs memory, too: it stays unchanged until it is opened again.
            phase_ = Phase::ended;
        }
    }
    in_turn_ = false;
    if (phase_ != Phase::ended) return true;
    pending_disconnect.reset();
    deliver_until.reset();
    stopping = false;
    if (undelivered_ && result_) result_ = std::unexpected(std::move(*undelivered_));
    undelivered_.reset();
    if (!result_) return std::unexpected(std::move(result_.error()));
    return false;
}

std::expected<void, Error> Client::Impl::run() {
    for (;;) {
        auto goes_on = turn(true);
        if (!goes_on) return std::unexpected(std::move(goes_on.error()));
        if (!*goes_on) return {};
    }
}

std::optional<Time> Client::Impl::next_turn() const {
    if (phase_ == Phase::ended) return std::nullopt;
    return busy() ? loop.now() : loop.due(deadline());
}

void Client::Impl::post(std::function<void()> function) {
    {
        const std::lock_guard lock(posting_);
        posted_.push_back(std::move(function));
    }
    has_posted_ = true;
    loop.wake();
}

void Client::Impl::call_posted() {
    std::vector<std::function<void()>> functions;
    {
        const std::lock_guard lock(posting_);
        functions.swap(posted_);
        has_posted_ = false;
    }
    for (auto& function : functions) function();
}

void Client::Impl::stop() {
    stopping = true;
    loop.wake();
}

void Client::Impl::wrong_thread(const char* function) {
    std::fprintf(
        stderr,
        "libmqttc: Client::%s() was called from another thread than the one that runs the client: call "
        "it in a function given to Client::post()\n",
        function);
    std::abort();
}

void Client::Impl::step() {
    if (!stopping && phase_ == Phase::waiting && loop.now() >= retry_at_) connect();
    if (!stopping && phase_ == Phase::connecting) poll_connector();
    if (connected_phase()) {
        serve();
    } else {
        handler.on_turn_end();
        if (phase_ == Phase::closing) continue_closing();
        if (phase_ == Phase::lingering) linger();
    }
    if (phase_ == Phase::ended) return;
    check_delivered();
    // Nothing is in flight that could be lost, or it does not matter.
    if (stopping || (pending_disconnect && (phase_ == Phase::connecting || phase_ == Phase::waiting)))
        end({});
}

/// Begins the end that disconnect_when_delivered() has asked for, when it is time.
void Client::Impl::check_delivered() {
    if (!deliver_until || pending_disconnect) return;
    const std::uint64_t left = session.counters().pending;
    const bool late = loop.now() >= *deliver_until;
    if (left != 0 && !late) return;
    pending_disconnect.emplace(reason::success, Properties());
    if (left == 0) return;
    undelivered_ = Error{ErrorCode::ack_timeout, 0,
                         std::to_string(left) + (left == 1 ? " message was" : " messages were") +
                             " not delivered within " + seconds_text(delivery_timeout)};
}

void Client::Impl::serve() {
    auto error = receive();
    if (phase_ == Phase::opening && relay.accepted) {
        phase_ = Phase::open;
        ever_connected_ = true;
        connected_at_ = loop.now();
    }
    if (!error && phase_ == Phase::opening && loop.now() >= connect_deadline_)
        error = no_connack(options.connect_timeout);
    // The broker has closed: it sends no answers, and reading will reach the end.
    const bool one_sided = connection_->hung_up();
    if (reading()) confirmed_at_ = loop.now();
    if (!error && !reading()) error = one_sided ? peer_closed() : peer_silent();
    if (!error && !one_sided && session.awaits_answer()) {
        if (loop.now() >= progress_at_ || session.deadline() <= loop.now()) {
            progress_at_ = loop.now() + progress_interval;
            session.arrived(connection_->unarrived(), loop.now());
        }
    }
    if (!error && !one_sided) {
        if (auto done = session.tick(loop.now()); !done) error = std::move(done.error());
    }
    if (!error && relay.callbacks.unsent() && (session.connected() || session.can_subscribe_early()))
        relay.callbacks.send_subscriptions(session, loop.now());
    const bool talking = !error && !stopping && !pending_disconnect && session.connected();
    if (talking && session.can_publish(Qos::at_most_once)) handler.on_room();
    handler.on_turn_end();
    if (stopping) return end({});
    check_delivered();
    if (pending_disconnect && !error) {
        begin_closing();
        if (phase_ == Phase::closing) continue_closing();
        return;
    }
    const bool was_full = talking && !session.can_publish(Qos::at_most_once);
    if (error || !one_sided) {
        const auto written = connection_->write(session);
        if (!error && !written) error = written.error();
        if (!error) connection_->acknowledge();
    }
    room_again_ = was_full && session.can_publish(Qos::at_most_once);
    if (error) lost(std::move(*error));
}

std::optional<Error> Client::Impl::receive() {
    using Intake = Relay::Intake;
    bool offer = relay.intake == Intake::message_waiting || relay.intake == Intake::resuming;
    bool ended = false;
    if (reading()) {
        const auto got = connection_->read(buffer.empty() ? 0 : session.needs(buffer.bytes()));
        if (!got) return got.error();
        offer = *got == Connection::Read::bytes;
        ended = *got == Connection::Read::end;
    }
    if (phase_ == Phase::opening && tls_alert()) {
        return Error{ErrorCode::protocol_error, reason::protocol_error, "the server requires TLS", Hint::tls};
    }
    // No packet that may arrive first looks like this.
    if (phase_ == Phase::opening && as_text(buffer.bytes()).starts_with("HTTP/")) {
        return Error{ErrorCode::protocol_error, reason::protocol_error, "the server speaks HTTP, not MQTT",
                     Hint::websocket};
    }
    if (offer) relay.intake = Intake::reading;
    if (offer && !buffer.empty()) {
        const auto used = session.receive(buffer.bytes(), loop.now(), relay);
        if (!used) return used.error();
        buffer.consume(*used);
    }
    shrink_idle_buffer();
    if (ended) return closed_by_peer();
    return std::nullopt;
}

std::optional<Error> Client::Impl::peer_closed() {
    if (std::exchange(peer_closed_reported_, true)) return std::nullopt;
    // A whole packet at the front is the message that was postponed.
    std::size_t postponed = frame_size(buffer.bytes(), SIZE_MAX).value_or(0).value_or(0);
    if (postponed > buffer.bytes().size()) postponed = 0;
    const bool has_unread = buffer.bytes().size() > postponed || connection_->unread();
    if (!handler.on_peer_closed(has_unread)) return std::nullopt;
    const auto got = connection_->read(0);
    if (!got) return got.error();
    return closed_by_peer();
}

// While nothing is read no PINGRESP can arrive, but the broker's machine confirms what we send, as long as it is
// reachable.
std::optional<Error> Client::Impl::peer_silent() {
    const auto late = silence_deadline();
    if (!late) {
        confirmed_at_ = loop.now();
    } else if (loop.now() >= *late) {
        return Error{ErrorCode::keep_alive_timeout, 0,
                     "the broker has accepted no data for " + seconds_text(silence_time_limit())};
    }
    return std::nullopt;
}

Duration Client::Impl::silence_time_limit() const {
    return std::max<Duration>(std::chrono::seconds(session.limits().keep_alive) / 2, min_silence_time_limit);
}

std::optional<Time> Client::Impl::silence_deadline() const {
    if (session.limits().keep_alive == 0 || connection_->unarrived() == 0) return std::nullopt;
    return later(confirmed_at_, silence_time_limit());
}

// A TLS server answers a plain CONNECT with an alert record: type 21, version 3.x (RFC 8446 section 5.1). No MQTT
// packet begins like this.
bool Client::Impl::tls_alert() const {
    constexpr std::uint8_t alert = 0x15;
    constexpr std::uint8_t version = 0x03;
    const Bytes bytes = buffer.bytes();
    return !target.tls && bytes.size() >= 2 && bytes[0] == alert && bytes[1] == version;
}

void Client::Impl::shrink_idle_buffer() {
    if (!buffer.big() || session.needs(buffer.bytes()) > ReceiveBuffer::usual_size) {
        shrink_at_.reset();
    } else if (!shrink_at_) {
        shrink_at_ = loop.now() + big_buffer_kept;
    } else if (loop.now() >= *shrink_at_ && buffer.empty()) {
        buffer.shrink();
        shrink_at_.reset();
    }
}

void Client::Impl::update_watch() {
    if (!connection_) return;
    switch (phase_) {
        case Phase::opening:
        case Phase::open:
            connection_->want(reading(), !connection_->drained(session) && !connection_->hung_up());
            break;
        case Phase::closing:
            connection_->want(true, !connection_->drained(session));
            break;
        default:
            connection_->want(true, false);
    }
}

bool Client::Impl::busy() const {
    if (connector_ && connector_->finished()) return true;
    if (phase_ == Phase::closing) return connection_->busy(true);
    if (!connected_phase()) return false;
    return relay.intake == Relay::Intake::resuming || room_again_ || connection_->busy(reading());
}

std::optional<Time> Client::Impl::deadline() const {
    std::optional<Time> first;
    const auto take = [&](std::optional<Time> time) {
        if (time && (!first || *time < *first)) first = time;
    };
    switch (phase_) {
        case Phase::connecting:
            take(connect_deadline_);
            break;
        case Phase::opening:
            take(connect_deadline_);
            if (!connection_->hung_up()) take(session.deadline());
            break;
        case Phase::open:
            if (!connection_->hung_up()) take(session.deadline());
            if (!connection_->hung_up() && session.awaits_answer()) take(progress_at_);
            if (!reading() && !connection_->hung_up()) take(silence_deadline());
            if (buffer.empty()) take(shrink_at_);
            break;
        case Phase::closing:
            // What the broker's machine takes is no event, and starts the time-out again.
            take(std::min(closing_deadline_, later(loop.now(), options.disconnect_timeout / 8)));
            break;
        case Phase::lingering:
            take(std::min(closing_deadline_, connection_->retry_at()));
            break;
        case Phase::waiting:
            take(retry_at_);
            break;
        case Phase::ended:
            break;
    }
    if (!pending_disconnect) take(deliver_until);
    return first;
}

}  // namespace mqttc
