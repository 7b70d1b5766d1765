// What mqtt_sub does with its connection.
#include "subscriber.hpp"

#include <sys/random.h>

#include <csignal>
#include <utility>

#include "connection.hpp"
#include "error_hints.hpp"
#include "format.hpp"
#include "start.hpp"

namespace mqttc::sub {
namespace {

using std::chrono::steady_clock;

// How long a signal may wait for a broker that does not take our DISCONNECT, and for who reads stderr.
constexpr Duration signal_patience = std::chrono::milliseconds(80);

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count());
    }
    return seed;
}

}  // namespace

Subscriber::Subscriber(const app::Options& options, Sink& sink, Output& out, const app::Messages& messages,
                       std::string broker)
    : options_(options),
      sub_(options.sub),
      sink_(sink),
      out_(out),
      messages_(messages),
      broker_(std::move(broker)),
      filters_(options.sub, options.sub.random_filter ? random_seed() : 1),
      without_rules_(filters_.none() && !options.sub.idle_timeout && !options.sub.remove_retained &&
                     !options.sub.dry_run && !options.stats),
      cleaner_(messages),
      outage_(options),
      still_to_print_(options.count) {}

void Subscriber::attach(Client& client) {
    client_ = &client;
    sink_.attach(client);
    const Time start = steady_clock::now();
    for (const int number : {SIGINT, SIGTERM}) {
        client.on_signal(number, [this] {
            if (ending_ == Ending::at_once) return client_->stop();
            finish_at_once(app::exit_code::ok);
            client_->at(client_->now() + signal_patience, [this] { client_->stop(); });
        });
    }
    if (options_.run_timeout) {
        run_end_ = start + *options_.run_timeout;
        out_.give_up_at(*run_end_);
        messages_.give_up_at(*run_end_);
        client.at(*run_end_, [this] { time_is_up(); });
    }
    if (const int fd = out_.reader_descriptor(); fd >= 0) {
        client.watch(fd, [this, fd] {
            if (!out_.reader_left()) return;
            client_->unwatch(fd);
            output_is_gone();
        });
    }
    if (const auto interval = sink_.interval()) arm_sink_timer(start + *interval);
}

void Subscriber::time_is_up() {
    if (ending_ != Ending::none) return;
    messages_.error("stopped by -W after " + app::seconds_text(*options_.run_timeout) + ": " + state());
    finish_at_once(app::exit_code::run_timeout);
}

// How far the work is.
std::string Subscriber::state() const {
    if (!client_->session().connected()) return outage_.not_connected(client_->awaited());
    if (answers_missing_ > 0) return "the subscriptions were not acknowledged";
    const std::uint64_t came = client_->session().counters().received;
    if (options_.count) {
        const std::uint64_t printed = *options_.count - *still_to_print_;
        return std::to_string(printed) + " of " + app::count_text(*options_.count, "message") + " came";
    }
    return came == 0 ? "no message came" : app::count_text(came, "message") + " came";
}

void Subscriber::on_connack(const Connack& packet) {
    if (packet.code != reason::success) return;
    ever_connected_ = true;
    if (!outage_.reason().empty()) messages_.note("connected again to " + broker_);
    outage_.over(client_->now());
    if (!std::exchange(subscribed_, true)) return subscribe();
    if (sub_.idle_timeout) last_message_ = client_->now();
}

void Subscriber::subscribe() {
    std::vector<Subscription> subscriptions;
    for (std::size_t i = 0; i < sub_.topics.size(); ++i) {
        const std::string& filter = sub_.topics[i];
        asked_.push_back({filter, options_.qos.size() == 1 ? options_.qos[0] : options_.qos[i]});
        // A shared subscription can't be "no local" (MQTT 5.0 section 3.8.3.1).
        subscriptions.push_back({.filter = filter,
                                 .qos = asked_.back().qos,
                                 .no_local = sub_.no_local && !filter.starts_with("$share/"),
                                 .retain_as_published = sub_.retain_as_published,
                                 .retain_handling = sub_.retain_handling});
    }
    if (!subscriptions.empty()) {
        const Properties properties = app::properties_for(options_, packet_bit(PacketType::subscribe));
        const auto id = client_->subscribe(subscriptions, properties.view());
        if (!id) return fail(id.error());
        ++answers_missing_;
    }
    if (!sub_.unsubscribe.empty()) {
        const std::vector<std::string_view> filters(sub_.unsubscribe.begin(), sub_.unsubscribe.end());
        const Properties properties = app::properties_for(options_, packet_bit(PacketType::unsubscribe));
        const auto id = client_->unsubscribe(filters, properties.view());
        if (!id) return fail(id.error());
        ++answers_missing_;
    }
}

void Subscriber::fail(const Error& error) {
    const int code = app::report(error, ever_connected_, messages_);
    // What the broker can't do is its refusal, told without asking.
    finish(error.code == ErrorCode::limit_exceeded ? app::exit_code::all_refused : code);
}

std::string Subscriber::refusal(std::string_view what, const std::string& filter, PacketType type,
                                ReasonCode code, PropertiesView properties) const {
    std::string text("the broker refused ");
    text.append(what).append(" '").append(filter).append("'");
    // 3.1.1 knows only one code, which says nothing.
    if (client_->session().options().version == ProtocolVersion::v5) {
        text.append(": ").append(app::reason_text(type, code, properties));
    }
    return text;
}

void Subscriber::on_suback(const Suback& packet) {
    silent_before_ = false;
    std::size_t refused = 0;
    for (std::size_t i = 0; i < packet.codes.size() && i < asked_.size(); ++i) {
        const ReasonCode code = packet.codes[i];
        Asked& asked = asked_[i];
        if (code < static_cast<ReasonCode>(asked.qos)) {
            messages_.warning("the broker grants QoS " + std::to_string(code) + " for '" + asked.filter +
                              "' instead of " + std::to_string(static_cast<int>(asked.qos)));
            asked.qos = static_cast<Qos>(code);
        }
        if (code < reason::unspecified_error) continue;
        ++refused;
        const auto text =
            refusal("the subscription to", asked.filter, PacketType::suback, code, packet.properties);
        if (asked_.size() == 1) {
            messages_.error(text);
        } else {
            messages_.warning(text);
        }
    }
    if (refused > 0 && refused == asked_.size()) {
        if (refused > 1) messages_.error("all subscriptions were refused");
        return finish(app::exit_code::all_refused);
    }
    some_refused_ = some_refused_ || refused > 0;
    acknowledged();
}

void Subscriber::on_unsuback(const Unsuback& packet) {
    silent_before_ = false;
    std::size_t refused = 0;
    for (std::size_t i = 0; i < packet.codes.size() && i < sub_.unsubscribe.size(); ++i) {
        const ReasonCode code = packet.codes[i];
        const std::string& filter = sub_.unsubscribe[i];
        if (code == reason::no_subscription_existed) {
            messages_.warning("unsubscribing from '" + filter +
                              "': " + app::reason_text(PacketType::unsuback, code, packet.properties));
        }
        if (code < reason::unspecified_error) continue;
        ++refused;
        messages_.warning(
            refusal("to unsubscribe from", filter, PacketType::unsuback, code, packet.properties));
    }
    if (sub_.topics.empty() && refused > 0 && refused == sub_.unsubscribe.size())
        return finish(app::exit_code::all_refused);
    some_refused_ = some_refused_ || refused > 0;
    for (const std::string& filter : sub_.unsubscribe)
        std::erase_if(asked_, [&](const Asked& asked) { return asked.filter == filter; });
    acknowledged();
}

// One of the requests of the first connection is answered; a repeated one changes nothing.
void Subscriber::acknowledged() {
    if (answers_missing_ == 0) return;
    answers_missing_ -= 1;
    if (answers_missing_ > 0) return;
    // There is no rest that could go on.
    if (sub_.exit_after_suback)
        return finish(some_refused_ ? app::exit_code::all_refused : app::exit_code::ok);
    if (sub_.idle_timeout) {
        last_message_ = client_->now();
        arm_idle_timer();
    }
}

void Subscriber::arm_idle_timer() {
    client_->at(last_message_ + *sub_.idle_timeout, [this] {
        // An outage is no silence of the publishers.
        if (sink_.busy() || !client_->session().connected()) last_message_ = client_->now();
        if (client_->now() - last_message_ < *sub_.idle_timeout) return arm_idle_timer();
        finish(app::exit_code::ok);
    });
}

void Subscriber::arm_sink_timer(Time when) {
    client_->at(when, [this, when] {
        sink_.tick();
        const Duration interval = *sink_.interval();
        // Ticks that a stopped program has missed are not made up for.
        arm_sink_timer(when + interval > client_->now() ? when + interval : client_->now() + interval);
    });
}

Accept Subscriber::on_publish(const Publish& message) {
    if (held_) {                                               // this is the message that the sink has taken
        if (ending_ == Ending::at_once) return Accept::later;  // the signal may have ended the work too
        held_ = sink_.busy();
        return held_ ? Accept::later : Accept::now;
    }
    if (ending_ != Ending::none) {
        // Refusing a message stops the reading, also of the acknowledgements that the cleaner waits for; a
        // QoS 0 message needs no refusal.
        if (message.qos == Qos::at_most_once) return Accept::now;
        if (cleaner_.all_published()) disconnect();
        return Accept::later;
    }
    if (waiting_for_reader_ || out_.state() != Output::State::open || sink_.busy()) return Accept::later;
    if (!without_rules_) return take_by_rules(message);
    return give(message) ? given(message) : Accept::later;
}

Accept Subscriber::take_by_rules(const Publish& message) {
    if (sub_.idle_timeout) last_message_ = client_->now();
    const Filters::Verdict verdict = filters_.none() ? Filters::Verdict::pass : filters_.judge(message);
    if (verdict == Filters::Verdict::end) {
        finish(app::exit_code::ok);
        return Accept::later;
    }
    if (verdict == Filters::Verdict::drop) return Accept::now;
    const bool clears = sub_.remove_retained && message.retain && !message.payload.empty();
    if (sub_.dry_run && !clears) return Accept::now;
    const bool chosen = verdict != Filters::Verdict::not_chosen || sub_.dry_run;
    if (chosen && !give(message)) return Accept::later;
    if (options_.stats) {
        const Stamp arrived = stamp_now();
        stats_.received(message, client_->now(), arrived.seconds * 1'000'000'000 + arrived.nanoseconds);
    }
    if (clears && !sub_.dry_run) cleaner_.add(message.topic);
    return chosen ? given(message) : Accept::now;
}

bool Subscriber::give(const Publish& message) {
    if (sink_.take(message)) return true;
    if (!sink_.busy()) finish(sink_.exit_code());
    return false;
}

Accept Subscriber::given(const Publish& message) {
    unprinted_promise_ = unprinted_promise_ || message.qos != Qos::at_most_once;
    if (still_to_print_ && sink_.counts()) {
        *still_to_print_ -= 1;
        if (*still_to_print_ == 0) finish(app::exit_code::ok);
    }
    if (out_.size() > Output::high_water && !out_.flush()) wait_for_reader();
    held_ = message.qos != Qos::at_most_once && sink_.acknowledged_when_free() && sink_.busy();
    return held_ ? Accept::later : Accept::now;
}

void Subscriber::on_delivered(PacketId id, ReasonCode code, PropertiesView /*properties*/) {
    silent_before_ = false;
    cleaner_.delivered(id, code);
}

void Subscriber::on_room() {
    cleaner_.publish(*client_);
}

void Subscriber::on_turn_end() {
    if (!out_.empty() && !waiting_for_reader_ && !out_.flush()) wait_for_reader();
    if (out_.state() != Output::State::open) return output_is_gone();
    if (out_.empty()) unprinted_promise_ = false;
    if (ending_ == Ending::when_written && out_.empty() && cleaner_.done() && !held_) disconnect();
}

void Subscriber::wait_for_reader() {
    if (out_.state() != Output::State::open || ending_ == Ending::at_once) return;
    // What will be acknowledged must be printed first, and the acknowledgements go out after this turn.
    const int room = unprinted_promise_ ? -1 : out_.room_descriptor();
    if (room < 0) {
        out_.flush_waiting();
        return;
    }
    waiting_for_reader_ = true;
    client_->watch(room, [this] { output_has_room(); });
}

void Subscriber::output_has_room() {
    if (!out_.flush() && out_.state() == Output::State::open) return;
    waiting_for_reader_ = false;
    client_->unwatch(out_.room_descriptor());
}

// Nothing more can be printed. What was not printed must not be acknowledged.
void Subscriber::output_is_gone() {
    if (out_.state() == Output::State::interrupted && run_end_ && steady_clock::now() >= *run_end_)
        time_is_up();
    if (out_.state() == Output::State::failed) code_ = app::exit_code::output_failed;
    ending_ = Ending::at_once;
    if (unprinted_promise_) {
        client_->stop();
    } else {
        disconnect();
    }
}

bool Subscriber::on_peer_closed(bool has_unread) {
    if (ending_ != Ending::none) return false;
    // The message that the sink holds has been taken, and a broker that keeps the session sends it again.
    if (held_ && !has_unread) return true;
    messages_.note("the connection to " + broker_ + " is lost; what has come over it is finished first");
    return false;
}

void Subscriber::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    held_ = false;
    if (!retry_in || ending_ != Ending::none) return;
    const bool silent = error.code == ErrorCode::ack_timeout;
    if (silent && std::exchange(silent_before_, true) && !options_.connection.reconnect)
        return finish_at_once(app::report(error, ever_connected_, messages_));
    if (const auto line = outage_.line(app::error_text(error), {}, *retry_in, client_->now()))
        messages_.note(*line);
}

void Subscriber::finish(int code) {
    if (ending_ != Ending::none) return;
    ending_ = Ending::when_written;
    code_ = code;
}

void Subscriber::finish_at_once(int code) {
    if (ending_ == Ending::none) code_ = code;
    ending_ = Ending::at_once;
    out_.give_up_at(client_->now());
    messages_.give_up_at(client_->now() + signal_patience);
    if (!out_.flush() && unprinted_promise_) return client_->stop();
    disconnect();
}

void Subscriber::disconnect() {
    if (std::exchange(disconnecting_, true)) return;
    const Properties properties = app::properties_for(options_, packet_bit(PacketType::disconnect));
    client_->disconnect(reason::success, properties.view());
}

int Subscriber::conclude(const std::expected<void, Error>& ended) {
    sink_.conclude();
    if (options_.stats) messages_.debug(stats_.text());
    if (!cleaner_.all_cleared()) messages_.error(cleaner_.account());
    sink_.finish();
    if (ending_ != Ending::at_once) out_.flush_waiting();
    out_.flush();
    if (out_.state() == Output::State::failed) {
        messages_.stdout_failed(out_.error());
        return app::exit_code::output_failed;
    }
    if (!ended && ending_ == Ending::none) return app::report(ended.error(), ever_connected_, messages_);
    if (code_ != app::exit_code::ok) return code_;
    return cleaner_.all_cleared() ? sink_.exit_code() : app::exit_code::not_delivered;
}

}  // namespace mqttc::sub
