// Subscribes, takes messages, and ends.
#include "subscriber.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "base/escape.hpp"
#include "base/random.hpp"
#include "connection_setup.hpp"
#include "format.hpp"
#include "rejected_traits.hpp"

namespace mqttc::sub {
namespace {

using std::chrono::steady_clock;

bool is_shared_filter(std::string_view filter) {
    return filter.starts_with("$share/");
}

}  // namespace

Subscriber::Subscriber(const app::SubOptions& options, PayloadDecoder* decoder, output::MessageSink& sink,
                       output::StdoutBuffer& out, ClientOptions client, std::optional<Time> deadline,
                       app::Messages& messages)
    : ProgramRun(options.connection, options.run, std::move(client), deadline, messages),
      options_(options),
      decoder_(decoder),
      sink_(sink),
      out_(out),
      filters_(options, options.random_filter ? random_value<std::uint64_t>() : 1),
      unfiltered_(filters_.none() && !options.idle_timeout && !options.remove_retained && !options.dry_run &&
                  !options.run.stats && decoder == nullptr),
      cleaner_(messages),
      still_to_print_(options.count) {}

void Subscriber::prepare() {
    sink_.attach(client_);
    for (const std::string& filter : options_.topics) warn_about_topic(filter);
    if (deadline_) out_.give_up_at(*deadline_);
    if (const int fd = out_.reader_descriptor(); fd >= 0) {
        client_.watch(fd, [this, fd] {
            if (!out_.reader_closed()) return;
            client_.unwatch(fd);
            output_is_gone();
        });
    }
    if (const auto interval = sink_.interval()) arm_sink_timer(steady_clock::now() + *interval);
}

void Subscriber::on_run_timeout(const std::string& what) {
    // Only DISCONNECT remains to be sent.
    if (ending_ == Ending::when_written && everything_is_done()) return;
    if (ending_ == Ending::at_once) return;
    messages_.error(what);
    code_ = app::exit_code::run_timeout;
    finish_at_once(code_);
}

std::string Subscriber::activity() const {
    if (answers_missing_ > 0) return "the subscriptions were not acknowledged";
    if (options_.count) {
        const std::uint64_t printed = *options_.count - *still_to_print_;
        return std::to_string(printed) + " of " + app::count_text(*options_.count, "message") + " received";
    }
    const std::uint64_t received = client_.session().counters().received;
    return received == 0 ? "no message received" : app::count_text(received, "message") + " received";
}

void Subscriber::on_opened() {
    // In MQTT 5 CONNACK may forbid some subscriptions, with a limit that is then reported.
    const bool v5 = client_.session().options().version == ProtocolVersion::v5;
    const bool plain = std::ranges::none_of(options_.topics, is_shared_filter) &&
                       app::properties_for(connection_options_, packet_bit(PacketType::subscribe)).empty();
    if (!v5 || plain) subscribe();
}

void Subscriber::on_connected(bool first) {
    sink_.show_state("connected");
    if (first && requests_.empty()) return subscribe();
    if (options_.idle_timeout) last_message_ = client_.now();
}

void Subscriber::subscribe() {
    struct FilterList {
        std::vector<Subscription> subscriptions;
        std::vector<Requested> requested;
    };
    // A SUBSCRIBE of shared subscriptions only is repeated by the session after each reconnect.
    FilterList plain;
    FilterList shared;
    for (std::size_t i = 0; i < options_.topics.size(); ++i) {
        const std::string& filter = options_.topics[i];
        const bool is_shared = is_shared_filter(filter);
        FilterList& to = is_shared ? shared : plain;
        to.requested.push_back({filter, options_.qos.size() == 1 ? options_.qos[0] : options_.qos[i]});
        // A shared subscription cannot be "no local" (MQTT 5.0 section 3.8.3.1).
        to.subscriptions.push_back({.filter = filter,
                                    .qos = to.requested.back().qos,
                                    .no_local = options_.no_local && !is_shared,
                                    .retain_as_published = options_.retain_as_published,
                                    .retain_handling = options_.retain_handling});
    }
    // AWS IoT closes the connection for more filters in one packet.
    constexpr std::size_t max_filters = 8;
    const auto send = [&](const auto& all, const std::vector<Requested>& names, PacketType type,
                          auto request) {
        const Properties properties = app::properties_for(connection_options_, packet_bit(type));
        for (std::size_t first = 0; first < all.size(); first += max_filters) {
            const auto part = std::span(all).subspan(first, std::min(max_filters, all.size() - first));
            const auto id = request(part, properties.view());
            if (!id) {
                refused(id.error());
                return false;
            }
            const auto begin = names.begin() + static_cast<std::ptrdiff_t>(first);
            Request& sent = requests_[*id];
            sent.filters.assign(begin, begin + static_cast<std::ptrdiff_t>(part.size()));
            // With -E the broker gets UNSUBSCRIBE, but messages could arrive before it answers.
            sent.answered =
                type == PacketType::unsubscribe && options_.exit_after_suback && !options_.topics.empty();
            if (!sent.answered) ++answers_missing_;
            if (type != PacketType::subscribe || options_.unsubscribe.empty()) continue;
            for (const Requested& one : sent.filters) subscribed_.emplace(one.filter, &sent);
        }
        return true;
    };
    const auto request = [this](auto part, PropertiesView properties) {
        return client_.subscribe(part, properties);
    };
    for (const FilterList* each : {&plain, &shared})
        if (!send(each->subscriptions, each->requested, PacketType::subscribe, request)) return;
    const std::vector<std::string_view> filters(options_.unsubscribe.begin(), options_.unsubscribe.end());
    std::vector<Requested> removed;
    for (const std::string& filter : options_.unsubscribe) removed.push_back({filter, Qos::at_most_once});
    send(filters, removed, PacketType::unsubscribe,
         [this](auto part, PropertiesView properties) { return client_.unsubscribe(part, properties); });
}

Subscriber::Request* Subscriber::find_request(PacketId id) {
    const auto found = requests_.find(id);
    return found == requests_.end() ? nullptr : &found->second;
}

void Subscriber::refused(const Error& error) {
    const int code = fail(error);
    // A request that the broker's limits exclude counts as refused, and is not sent.
    finish(error.code == ErrorCode::limit_exceeded ? app::exit_code::all_refused : code);
}

std::string Subscriber::refusal(std::string_view what, const std::string& filter, PacketType type,
                                ReasonCode code, PropertiesView properties) const {
    std::string text("the broker refused ");
    text.append(what).append(" ").append(in_quotes(filter));
    // MQTT 3.1.1 has one code for all reasons.
    if (client_.session().options().version == ProtocolVersion::v5) {
        text.append(": ").append(app::reason_text(type, code, properties));
    }
    return text;
}

void Subscriber::on_suback(const Suback& packet) {
    answered();
    Request* const request = find_request(packet.packet_id);
    if (request == nullptr) return;
    for (std::size_t i = 0; i < packet.codes.size() && i < request->filters.size(); ++i) {
        const ReasonCode code = packet.codes[i];
        Requested& requested = request->filters[i];
        if (code < static_cast<ReasonCode>(requested.qos)) {
            messages_.warning("the broker grants QoS " + std::to_string(code) + " for " +
                              in_quotes(requested.filter) + " instead of " +
                              std::to_string(static_cast<int>(requested.qos)));
            requested.qos = static_cast<Qos>(code);
        }
        if (code < reason::unspecified_error) continue;
        if (!request->answered) ++subscriptions_refused_;
        const auto text =
            refusal("the subscription to", requested.filter, PacketType::suback, code, packet.properties);
        if (options_.topics.size() == 1) {
            messages_.error(text);
        } else {
            messages_.warning(text);
        }
    }
    if (subscriptions_refused_ > 0 && subscriptions_refused_ == options_.topics.size()) {
        if (options_.topics.size() > 1) messages_.error("all subscriptions were refused");
        return finish(app::exit_code::all_refused);
    }
    request_answered(*request);
}

void Subscriber::on_unsuback(const Unsuback& packet) {
    answered();
    Request* const request = find_request(packet.packet_id);
    if (request == nullptr) return;
    for (std::size_t i = 0; i < packet.codes.size() && i < request->filters.size(); ++i) {
        const ReasonCode code = packet.codes[i];
        const std::string& filter = request->filters[i].filter;
        if (code == reason::no_subscription_existed) {
            messages_.warning("unsubscribing from " + in_quotes(filter) + ": " +
                              app::reason_text(PacketType::unsuback, code, packet.properties));
        }
        if (code < reason::unspecified_error) continue;
        if (!request->answered) ++unsubscriptions_refused_;
        messages_.warning(
            refusal("to unsubscribe from", filter, PacketType::unsuback, code, packet.properties));
    }
    if (options_.topics.empty() && unsubscriptions_refused_ > 0 &&
        unsubscriptions_refused_ == options_.unsubscribe.size())
        return finish(app::exit_code::all_refused);
    // A reconnect does not repeat these subscriptions.
    for (const Requested& removed : request->filters) {
        const auto [begin, end] = subscribed_.equal_range(removed.filter);
        for (auto owner = begin; owner != end; ++owner)
            std::erase_if(owner->second->filters,
                          [&](const Requested& one) { return one.filter == removed.filter; });
        subscribed_.erase(begin, end);
    }
    request_answered(*request);
}

// A request of the first connection was answered; the answer to a repeated one changes nothing.
void Subscriber::request_answered(Request& request) {
    if (std::exchange(request.answered, true)) return;
    answers_missing_ -= 1;
    if (answers_missing_ > 0) return;
    // -E
    if (options_.exit_after_suback)
        return finish(subscriptions_refused_ + unsubscriptions_refused_ > 0 ? app::exit_code::all_refused
                                                                            : app::exit_code::ok);
    show_subscribed();
    if (options_.idle_timeout) {
        last_message_ = client_.now();
        arm_idle_timer();
    }
}

void Subscriber::show_subscribed() {
    if (options_.topics.empty() || !messages_.watched() || sink_.shows_state()) return;
    constexpr std::size_t most = 3;
    std::string text = "subscribed to ";
    for (std::size_t i = 0; i < std::min(most, options_.topics.size()); ++i)
        text.append(i == 0 ? "" : ", ").append(options_.topics[i]);
    if (options_.topics.size() > most)
        text.append(" and ").append(app::count_text(options_.topics.size() - most, "other filter"));
    messages_.status(text.append(" at ").append(endpoint_name(client_.endpoint())).append(" (Ctrl-C ends)"));
}

void Subscriber::arm_idle_timer() {
    client_.at(last_message_ + *options_.idle_timeout, [this] {
        // An outage doesn't mean that nothing was published.
        if (sink_.busy() || !client_.session().connected()) last_message_ = client_.now();
        if (client_.now() - last_message_ < *options_.idle_timeout) return arm_idle_timer();
        finish(app::exit_code::ok);
    });
}

void Subscriber::arm_sink_timer(Time when) {
    client_.at(when, [this, when] {
        if (!waiting_for_reader_) sink_.tick();
        const Duration interval = *sink_.interval();
        // Ticks missed while the program was stopped are not made up for.
        arm_sink_timer(when + interval > client_.now() ? when + interval : client_.now() + interval);
    });
}

Accept Subscriber::on_publish(const Publish& message) {
    if (ending_ != Ending::none) {
        // Refusing a message stops reading, including the acknowledgements that the cleaner waits for; a QoS 0
        // message needs no refusal.
        if (message.qos == Qos::at_most_once) return Accept::now;
        // PUBREL of a printed message may follow: this one is read past, and never acknowledged.
        if (ending_ == Ending::when_written && !handshakes_over_ && acknowledge_given() &&
            client_.session().unreleased() > 0)
            return Accept::hold_acknowledgement;
        if (acknowledge_given() && cleaner_.all_published() && !sink_.unfinished()) disconnect();
        return Accept::later;
    }
    if (waiting_for_reader_ || out_.state() != output::StdoutBuffer::State::open || sink_.busy())
        return Accept::later;
    acknowledge_given();
    if (!unfiltered_) return take_filtered(message);
    return give(message) ? given(message) : Accept::later;
}

Accept Subscriber::take_filtered(const Publish& message) {
    if (options_.idle_timeout) last_message_ = client_.now();
    const Decision decision = postponed_ ? *postponed_ : decide(message);
    postponed_.reset();
    const Filters::Result result = decision.result;
    if (result == Filters::Result::end) {
        finish(app::exit_code::ok);
        return Accept::later;
    }
    if (result == Filters::Result::drop) return Accept::now;
    const bool clears = options_.remove_retained && message.retain && !message.payload.empty();
    if (options_.dry_run && !clears) return Accept::now;
    const bool chosen = decision.decoded && (result != Filters::Result::not_chosen || options_.dry_run);
    Publish shown = message;
    if (decision.payload) shown.payload = *decision.payload;
    if (chosen && !give(shown)) {
        postponed_ = decision;
        return Accept::later;
    }
    if (run_options_.stats) {
        const output::WallTime arrived = output::wall_time_now();
        stats_.received(message, client_.now(), arrived.seconds * 1'000'000'000 + arrived.nanoseconds);
    }
    if (clears && !options_.dry_run) cleaner_.add(message.topic);
    return chosen ? given(message) : Accept::now;
}

Subscriber::Decision Subscriber::decide(const Publish& message) {
    Decision decision;
    // Also messages that are not printed: births of Sparkplug B name the metrics of others.
    const std::optional<Publish> decoded = decoder_ != nullptr ? decoder_->decode(message) : message;
    decision.decoded = decoded.has_value();
    if (decoded && decoded->payload.data() != message.payload.data()) decision.payload = decoded->payload;
    if (!filters_.none()) decision.result = filters_.check(message);
    return decision;
}

bool Subscriber::give(const Publish& message) {
    if (sink_.take(message)) return true;
    if (!sink_.busy()) finish(sink_.exit_code());
    return false;
}

Accept Subscriber::given(const Publish& message) {
    if (still_to_print_ && sink_.counts()) {
        *still_to_print_ -= 1;
        if (*still_to_print_ == 0) finish(app::exit_code::ok);
    }
    if (out_.size() > output::StdoutBuffer::high_water && !out_.flush()) wait_for_reader();
    if (message.qos == Qos::at_most_once) return Accept::now;
    acknowledgements_held_ = true;
    return Accept::hold_acknowledgement;
}

bool Subscriber::everything_is_done() const {
    return out_.empty() && !sink_.unfinished() && cleaner_.done();
}

bool Subscriber::acknowledge_given() {
    if (!out_.empty()) return false;
    if (!acknowledgements_held_) return true;
    if (sink_.unfinished() && !sink_.acknowledges_at_once()) return false;
    acknowledgements_held_ = false;
    client_.release_acknowledgements();
    return true;
}

void Subscriber::on_delivered(PacketId id, ReasonCode code, PropertiesView /*properties*/) {
    answered();
    cleaner_.delivered(id, code);
}

void Subscriber::on_room() {
    cleaner_.publish(client_);
}

void Subscriber::on_turn_end() {
    if (!out_.empty() && !waiting_for_reader_ && !out_.flush()) wait_for_reader();
    if (out_.state() != output::StdoutBuffer::State::open) return output_is_gone();
    if (acknowledge_given() && ending_ == Ending::when_written && everything_is_done())
        disconnect_after_handshakes();
}

void Subscriber::disconnect_after_handshakes() {
    handshakes_over_ = handshakes_over_ || client_.session().unreleased() == 0;
    if (handshakes_over_) return disconnect();
    if (std::exchange(waiting_for_pubrel_, true)) return;
    // PUBREL may follow a message that was postponed.
    client_.pause(false);
    client_.at(client_.now() + std::chrono::seconds(1), [this] {
        handshakes_over_ = true;
        disconnect();
    });
}

void Subscriber::wait_for_reader() {
    if (out_.state() != output::StdoutBuffer::State::open || ending_ == Ending::at_once) return;
    const int room = out_.room_descriptor();
    if (room < 0) {
        out_.flush_waiting();
        return;
    }
    waiting_for_reader_ = true;
    client_.watch(room, [this] { output_has_room(); });
}

void Subscriber::output_has_room() {
    if (!out_.flush() && out_.state() == output::StdoutBuffer::State::open) return;
    waiting_for_reader_ = false;
    client_.unwatch(out_.room_descriptor());
}

// Nothing else can be printed. What was not printed must not be acknowledged.
void Subscriber::output_is_gone() {
    if (out_.state() == output::StdoutBuffer::State::interrupted && deadline_ &&
        steady_clock::now() >= *deadline_)
        time_out();
    if (out_.state() == output::StdoutBuffer::State::failed) code_ = app::exit_code::output_failed;
    ending_ = Ending::at_once;
    disconnect();
}

bool Subscriber::on_peer_closed(bool /*has_unread*/) {
    if (ending_ != Ending::none) return false;
    messages_.error("the connection to " + endpoint_name(client_.endpoint()) +
                    " is lost; received messages are finished first");
    return false;
}

void Subscriber::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    postponed_.reset();
    if (!retry_in || ending_ != Ending::none) return;
    if (gives_up_on_silence(error)) return finish_at_once(fail(error));
    const auto unanswered = answers_missing_ > 0 ? std::optional(answers_missing_) : std::nullopt;
    if (closed_again(error, unanswered, filter_traits())) return finish_at_once(app::exit_code::all_refused);
    sink_.show_state("not connected");
    report_outage(error, {}, *retry_in);
}

std::string Subscriber::filter_traits() const {
    for (const std::string& filter : options_.topics)
        if (std::string traits = app::rejected_traits(filter); !traits.empty()) return traits;
    return {};
}

// Before MQTT 5 a broker cannot refuse them: it grants a subscription to topics that nothing is published to.
void Subscriber::report_silent_share() {
    const Session& session = client_.session();
    if (session.options().version == ProtocolVersion::v5 || session.counters().received > 0) return;
    const auto found = std::ranges::find_if(options_.topics, is_shared_filter);
    if (found == options_.topics.end() || requests_.empty() || answers_missing_ > 0) return;
    if (options_.exit_after_suback || subscriptions_refused_ > 0) return;
    messages_.error(
        "no message was received for " + in_quotes(*found) +
        ": a broker without shared subscriptions accepts it and sends nothing (with -V mqttv5 it refuses "
        "it)");
}

void Subscriber::finish(int code) {
    if (ending_ != Ending::none) return;
    ending_ = Ending::when_written;
    code_ = code;
}

void Subscriber::finish_at_once(int code) {
    if (ending_ == Ending::none) code_ = code;
    ending_ = Ending::at_once;
    out_.give_up_at(client_.now());
    out_.flush();
    disconnect();
}

int Subscriber::conclude(const std::expected<void, Error>& ended) {
    sink_.conclude(interrupted_again_);
    if (decoder_ != nullptr) decoder_->finish();
    report_silent_share();
    if (!cleaner_.all_cleared()) messages_.error(cleaner_.account());
    sink_.finish();
    if (ending_ != Ending::at_once) out_.flush_waiting();
    out_.flush();
    if (run_options_.stats) {
        app::StatsJson json = stats_.json();
        std::string line = stats_.text();
        if (decoder_ != nullptr) decoder_->add_statistics(json, line);
        report_stats(json, line, stats_.latencies());
    }
    if (out_.state() == output::StdoutBuffer::State::failed) {
        messages_.stdout_failed(out_.error());
        return app::exit_code::output_failed;
    }
    if (!ended && ending_ == Ending::none) return fail(ended.error());
    if (code_ != app::exit_code::ok) return code_;
    return cleaner_.all_cleared() ? sink_.exit_code() : app::exit_code::not_delivered;
}

}  // namespace mqttc::sub
