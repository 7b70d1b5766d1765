// Moves messages from an input to the broker and accounts for each.
#include "publisher.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <utility>

#include "base/escape.hpp"
#include "base/random.hpp"
#include "connection_setup.hpp"
#include "error_hints.hpp"
#include "exit_code.hpp"
#include "number_format.hpp"
#include "rejected_traits.hpp"
#include "stamp.hpp"

namespace mqttc::pub {
namespace {

// Problems that are reported one by one; the last line counts them all.
constexpr std::uint64_t max_reported = 10;
// After this many messages that cannot be published the loop does its other work.
constexpr std::uint64_t max_failures = 1000;
// Bytes of a payload in a message.
constexpr std::size_t payload_shown = 40;

}  // namespace

Publisher::Publisher(const app::PubOptions& options, InputSource& input, ClientOptions client,
                     std::optional<Time> deadline, app::Messages& messages)
    : ProgramRun(options.connection, options.run, std::move(client), deadline, messages),
      input_(input),
      options_(options),
      properties_(app::properties_for(options.connection, packet_bit(PacketType::publish))),
      rate_(options.rate) {
    if (options.run.stats) stats_.emplace();
    if (options_.stamp) run_number_ = random_value<decltype(run_number_)>();
}

void Publisher::prepare() {
    start_ = std::chrono::steady_clock::now();
    for (const std::string& topic : options_.topics) warn_about_topic(topic);
    const bool long_work_shows = app::Messages::on_terminal() && !run_options_.debug && !run_options_.quiet;
    if (options_.progress || (long_work_shows && input_.extent()))
        show_progress_at(start_ +
                         (options_.progress && long_work_shows ? requested_progress_delay : progress_delay));
}

void Publisher::on_delivered(PacketId id, ReasonCode /*code*/, PropertiesView /*properties*/) {
    answered();
    if (stats_) stats_->acknowledged(id);
}

void Publisher::on_refused(const Publish& message, ReasonCode code, PropertiesView properties) {
    report_problem("the broker refused a message to " + in_quotes(message.topic) + ": " +
                   app::reason_text(PacketType::puback, code, properties));
}

void Publisher::on_turn_end() {
    input_.release_sent(client_.session().pending_bytes());
    const Counters& counters = client_.session().counters();
    if (const auto more = counters.uncertain - std::exchange(uncertain_reported_, counters.uncertain);
        more > 0) {
        report_problem("the broker lost the session: " + app::count_text(more, "message") +
                       " that it had received at QoS 2 may be lost");
    }
    if (counters.lowered > 0 && !std::exchange(qos_lowered_reported_, true))
        messages_.warning(
            "the broker acknowledges QoS 2 messages as QoS 1: they may be delivered more than once");
    const bool all_given = input_finished_ && !has_current_;
    if (!all_given || ending_ != Ending::none || !client_.session().connected()) return;
    if (client_.session().inflight() == 0 && confirmed()) end(Ending::finished);
}

// Bytes that the peer's kernel has acknowledged may still be lost in the peer, or in a proxy before the broker; one
// round trip at the end of a stream shows that they were read. An acknowledgement covers everything before it too,
// and a single message is not delayed.
bool Publisher::confirmed() {
    const bool stream = options_.source == app::PayloadSource::lines;
    if (!stream || !last_unacknowledged_ || published() < 2) return true;
    if (!ping_sent_) {
        ping_sent_ = client_.ping().has_value();
        return false;
    }
    ping_sent_ = client_.session().ping_unanswered();
    return !ping_sent_;
}

void Publisher::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    if (!retry_in) return;  // run() ends with this error
    const std::uint64_t dropped = client_.session().counters().dropped;
    if (const auto lost = dropped - std::exchange(dropped_reported_, dropped); lost > 0) {
        report_problem("about " + app::count_text(lost, "message") +
                       (lost == 1 ? " at QoS 0 was" : " at QoS 0 were") + " lost with the connection");
    }
    if (gives_up_on_silence(error)) {
        messages_.error(error.context + "; the broker acknowledges nothing");
        return end(Ending::gave_up);
    }
    // On a poor network, too, connections break at large messages.
    const auto oldest = client_.session().oldest_unfinished();
    const unsigned often = oldest && app::rejected_traits(*oldest).empty() ? 5 : 2;
    if (ending_ == Ending::none && closed_again(error, unaccepted_at(), traits(), often)) {
        report_unacknowledged();
        return end(Ending::gave_up);
    }
    if (ping_sent_ && ending_ == Ending::none) {
        if (error.code != ErrorCode::ack_timeout) messages_.error(app::error_text(error));
        return end(Ending::gave_up);
    }
    const bool uncertain = was_connected() && options_.qos == Qos::at_most_once && published() > 0;
    report_outage(error, uncertain ? "; QoS 0 messages in flight may be lost" : "", *retry_in);
}

// At QoS 1 and 2 the same message is sent first on each connection until it is acknowledged. At QoS 0 a broker that
// does not accept it closes within a moment of the first one.
std::optional<std::uint64_t> Publisher::unaccepted_at() const {
    const Counters& counters = client_.session().counters();
    if (client_.session().inflight() > 0) return counters.delivered + counters.refused + counters.uncertain;
    constexpr Duration moment = std::chrono::seconds(1);
    if (!first_published_ || client_.now() - *first_published_ > moment) return std::nullopt;
    return 0;
}

std::string Publisher::traits() const {
    const Session& session = client_.session();
    if (const auto oldest = session.oldest_unfinished())
        return app::rejected_traits(
            *oldest, session.oldest_is_largest() ? app::SizeAccepted::no : app::SizeAccepted::yes);
    if (own_topics_ || options_.topics.empty()) return {};
    return app::rejected_traits(Publish{
        .topic = options_.topics.front(), .payload = {}, .qos = options_.qos, .retain = options_.retain});
}

void Publisher::on_connected(bool /*first*/) {
    first_published_.reset();
}

void Publisher::feed() {
    if (!client_.session().connected()) return;
    const std::uint64_t failed = unpublishable_;
    while (ending_ == Ending::none) {
        if (unpublishable_ - failed >= max_failures) return wake_at(client_.now());
        if (!has_current_ && !fetch()) return;
        if (!client_.can_publish(current_.qos.value_or(options_.qos))) return;
        if (!rate_.allows(client_.now())) return wake_at(rate_.due());
        if (current_.batch.empty() ? !publish_one() : !publish_batch()) return;
    }
}

bool Publisher::fetch() {
    while (!input_finished_) {
        switch (input_.next(current_, client_.now())) {
            case InputSource::State::waiting:
                wait_for_input();
                return false;
            case InputSource::State::finished:
                input_finished_ = true;
                if (!input_.failure().empty()) messages_.error(input_.failure());
                return false;
            case InputSource::State::ready:
                if (!current_.problem.empty()) {
                    ++unpublishable_;
                    ++unreadable_;
                    report_problem(current_.problem);
                    break;
                }
                own_topics_ = own_topics_ || current_.topic.has_value();
                has_current_ = true;
                payload_index_ = topic_index_ = 0;
                return true;
        }
    }
    return false;
}

void Publisher::wait_for_input() {
    if (const auto due = input_.due()) return wake_at(*due);
    if (watching_ || input_.descriptor() < 0) return;
    watching_ = true;
    // Watched only while there is nothing else to do, so that input is read no faster than it is sent.
    client_.watch(input_.descriptor(), [this] {
        client_.unwatch(input_.descriptor());
        watching_ = false;
        input_.readable();
        feed();
    });
}

void Publisher::wake_at(Time when) {
    if (wake_) return;
    wake_ = client_.at(when, [this] {
        wake_.reset();
        feed();
    });
}

void Publisher::show_progress_at(Time when) {
    client_.at(when, [this] {
        if (ending_ != Ending::none) return;
        const bool terminal = app::Messages::on_terminal() && app::terminal_has_sequences();
        const ProgressFacts facts = progress();
        messages_.progress(progress_text(facts), progress_bar(facts));
        show_progress_at(client_.now() + (terminal ? progress_on_terminal : progress_in_file));
    });
}

Publisher::Tally Publisher::tally() const {
    const Counters& counters = client_.session().counters();
    const std::uint64_t copies = std::max<std::size_t>(options_.topics.size(), 1);
    const std::uint64_t current =
        has_current_
            ? (current_.payloads().size() - payload_index_) * (current_.topic ? 1 : copies) - topic_index_
            : 0;
    const auto remaining = input_.remaining(copies);
    return {.delivered = counters.delivered,
            .all = counters.published + unpublishable_ + current + remaining.value_or(0),
            .all_known = remaining.has_value()};
}

ProgressFacts Publisher::progress() const {
    const Tally sum = tally();
    ProgressFacts facts{.delivered = sum.delivered,
                        .all = {},
                        .bytes = input_.extent(),
                        .elapsed = std::chrono::steady_clock::now() - start_};
    if (!sum.all_known) return facts;
    facts.all = sum.all;
    // What waits in the session is taken, but not sent.
    if (facts.bytes) {
        const std::uint64_t waiting =
            client_.session().pending_bytes() / std::max<std::size_t>(options_.topics.size(), 1);
        facts.bytes->taken -= std::min<std::uint64_t>(facts.bytes->taken, waiting);
    }
    return facts;
}

// The payload after a stamp with the next number.
Bytes Publisher::stamped(Bytes payload) {
    // Not system_clock: libstdc++'s own code has 32-bit times on 32-bit ARM.
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto stamp =
        app::encode_stamp({.run = run_number_,
                           .number = stamps_ + 1,
                           .nanoseconds = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec});
    stamped_.assign(stamp.data(), stamp.size());
    stamped_.append(as_text(payload));
    return as_bytes(stamped_);
}

bool Publisher::publish_one() {
    const Bytes payload = current_.payloads()[payload_index_];
    const Publish message{
        .topic = current_.topic ? *current_.topic : std::string_view(options_.topics[topic_index_]),
        .payload = options_.stamp ? stamped(payload) : payload,
        .qos = current_.qos.value_or(options_.qos),
        .retain = current_.retain.value_or(options_.retain),
        .properties = current_.properties.value_or(properties_.view())};
    if (current_.topic) warn_about_topic(*current_.topic);
    const auto mode =
        current_.outlives_input && !options_.stamp ? PayloadMode::borrowed : PayloadMode::copied;
    const auto done = current_.owner != nullptr && !options_.stamp ? client_.publish(message, current_.owner)
                                                                   : client_.publish(message, mode);
    if (!done) {
        const ErrorCode code = done.error().code;
        if (code == ErrorCode::window_full || code == ErrorCode::buffer_full) return false;
        ++unpublishable_;
        report_problem("cannot publish to " + in_quotes(message.topic) + ": " + done.error().context);
        const Limits& limits = client_.session().limits();
        const bool same_for_all =
            message.qos > limits.maximum_qos || (message.retain && !limits.retain_available);
        if (code == ErrorCode::limit_exceeded && same_for_all && !current_.qos && !current_.retain)
            end(Ending::gave_up);
    } else {
        ++stamps_;
        last_unacknowledged_ = message.qos == Qos::at_most_once;
        if (stats_) stats_->published(*done, message.payload.size());
    }
    rate_.count(client_.now());
    if (!first_published_) first_published_ = client_.now();
    if (!current_.topic && ++topic_index_ < options_.topics.size()) return true;
    advance(1);
    return true;
}

// To one topic, with nothing to do for each message.
bool Publisher::publish_batch() {
    const auto payloads = current_.batch.subspan(payload_index_);
    const auto count = client_.publish_each({.topic = options_.topics.front(),
                                             .payload = {},
                                             .qos = options_.qos,
                                             .retain = options_.retain,
                                             .properties = properties_.view()},
                                            payloads);
    // publish_one() gets the same error, and handles it.
    if (!count) return publish_one();
    last_unacknowledged_ = options_.qos == Qos::at_most_once;
    if (!first_published_) first_published_ = client_.now();
    if (stats_) {
        std::size_t bytes = 0;
        for (const Bytes payload : payloads.first(*count)) bytes += payload.size();
        stats_->published(0, bytes);
    }
    advance(*count);
    return *count > 0;
}

void Publisher::advance(std::size_t payloads) {
    topic_index_ = 0;
    payload_index_ += payloads;
    has_current_ = payload_index_ < current_.payloads().size();
}

void Publisher::report_problem(std::string_view what) {
    if (++reported_ <= max_reported) messages_.error(what);
    if (reported_ == max_reported) messages_.error("further errors of this kind are counted, not shown");
}

std::string_view Publisher::session_advice() const {
    const auto& connection = options_.connection;
    if (client_.session().options().version == ProtocolVersion::v5 || !connection.clean_start)
        return "does the broker keep sessions when it restarts?";
    return "-V mqttv5, or -c with -i, keeps the session over a reconnect";
}

std::string Publisher::activity() const {
    if (client_.session().inflight() > 0) return "waiting for acknowledgements";
    if (ping_sent_) return "waiting for the answer to PINGREQ";
    return watching_ ? "waiting for input" : "not all messages were sent";
}

void Publisher::on_run_timeout(const std::string& what) {
    run_timeout_ = what;
    end(Ending::run_timeout);
}

void Publisher::end(Ending how) {
    // The last bytes of a finished run may still be in flight.
    const bool early = how == Ending::interrupted || how == Ending::run_timeout;
    if (early && ending_ == Ending::finished) ending_ = how;
    if (ending_ != Ending::none) return;
    ending_ = how;
    if (std::exchange(watching_, false)) client_.unwatch(input_.descriptor());
    disconnect();
}

int Publisher::conclude(const std::expected<void, Error>& result) {
    messages_.end_progress();
    if (options_.progress && ever_connected_) messages_.error(progress_text(progress()));
    const bool out_of_memory = !result && result.error().code == ErrorCode::out_of_memory;
    int code = app::exit_code::ok;
    const Tally sum = tally();
    const auto print_stats = [&] {
        if (!stats_) return;
        report_stats(stats_->json(sum.all, sum.delivered), stats_->text(sum.delivered), stats_->latencies());
    };
    if (!result) {
        code = fail(result.error());
        if (!ever_connected_ && !out_of_memory) {
            print_stats();
            return code;
        }
        const auto oldest = out_of_memory ? std::nullopt : report_unacknowledged();
        const ErrorCode cause = result.error().code;
        const bool closed = cause == ErrorCode::closed_by_peer || cause == ErrorCode::connection_lost;
        const std::string traits = oldest && closed ? app::rejected_traits(*oldest) : "";
        if (!traits.empty())
            messages_.error("some brokers close the connection because they do not accept " + traits);
    }
    const Shortfall shortfall = shortfall_of(sum);
    if (ping_sent_) {
        messages_.error("the broker did not answer PINGREQ: it may not have read all of the " +
                        std::to_string(published()) + " messages");
    }
    // The error of the first line has reported it.
    const bool nothing = sum.all == 0 && !input_.failure().empty();
    if (shortfall.any() && !nothing) messages_.error(delivery_text(sum, shortfall));
    print_stats();
    if (shortfall.out_of_time) return app::exit_code::run_timeout;
    // A file truncated while it was sent, or a redirect: the cause is more useful than that messages are missing.
    const bool redirected = !result && result.error().code == ErrorCode::server_disconnect &&
                            code != app::exit_code::connection_lost;
    if (redirected || (!result && result.error().code == ErrorCode::io_error)) return code;
    const bool cut_short = ending_ == Ending::interrupted && shortfall.unread;
    const bool only_refused = result && sum.delivered + client_.session().counters().refused == sum.all;
    if (only_refused && shortfall.missing && !cut_short && !ping_sent_ && ending_ != Ending::gave_up)
        return app::refused_code(options_.connection.called);
    if (shortfall.missing || cut_short || out_of_memory || ping_sent_ || ending_ == Ending::gave_up)
        return app::exit_code::not_delivered;
    if (!result) return code;
    return input_.failure().empty() ? app::exit_code::ok : app::exit_code::usage;
}

std::optional<Publish> Publisher::report_unacknowledged() {
    const auto oldest = client_.session().oldest_unfinished();
    if (!oldest) return std::nullopt;
    messages_.error("the first message not acknowledged: topic '" + escape_controls(oldest->topic) + "', " +
                    app::count_text(oldest->payload.size(), "byte") + ": " +
                    escape_controls(as_text(oldest->payload), payload_shown));
    return oldest;
}

Publisher::Shortfall Publisher::shortfall_of(const Tally& sum) const {
    const bool missing = sum.delivered < sum.all;
    const bool complete = input_finished_ && !has_current_ && !missing && !ping_sent_;
    return {.missing = missing,
            // A user who interrupts an endless input means its end.
            .unread = ending_ == Ending::interrupted ? input_.has_unread() : !sum.all_known,
            .out_of_time = ending_ == Ending::run_timeout && !complete,
            .unconfirmed = ping_sent_};
}

std::string Publisher::delivery_text(const Tally& sum, const Shortfall& shortfall) const {
    std::string line = shortfall.out_of_time ? run_timeout_ + "; " : "";
    const std::string all = app::count_text(sum.all, "message");
    if (sum.all == 0) {
        line += "nothing was sent";
    } else if (shortfall.unconfirmed) {
        line.append("an unknown number of ").append(all).append(" was delivered");
    } else {
        // Of those that were in flight at QoS 0 when a connection was lost, some may have arrived.
        if (client_.session().counters().dropped > 0) line += "about ";
        line += std::to_string(sum.delivered) + " of " + all + " delivered";
    }
    if (const auto uncertain = client_.session().counters().uncertain; uncertain > 0) {
        line.append(", whether ").append(std::to_string(uncertain));
        line.append(uncertain == 1 ? " was" : " were").append(" delivered is unknown (");
        line.append(session_advice()).append(")");
    }
    if (unreadable_ > 0)
        line.append(", ").append(app::count_text(unreadable_, "line")).append(" could not be read");
    if (shortfall.unread) line.append(", and the input was not read to its end");
    return line;
}

}  // namespace mqttc::pub
