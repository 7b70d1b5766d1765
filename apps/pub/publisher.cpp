// Moves messages from an input to the broker and keeps account of each.
#include "publisher.hpp"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <utility>

#include "error_hints.hpp"
#include "exit_code.hpp"
#include "stamp.hpp"

namespace mqttc::pub {
namespace {

// Messages of one kind that are told one by one; the last line counts them all.
constexpr std::uint64_t max_complaints = 10;

}  // namespace

Publisher::Publisher(const PublishPlan& plan, InputSource& input, ClientOptions options,
                     const app::Messages& messages)
    : plan_(plan),
      input_(input),
      messages_(messages),
      rate_(plan.rate),
      each_alike_(plan.qos == Qos::at_most_once && plan.topics.size() == 1 && !plan.rate && !plan.stamp),
      client_(std::move(options), *this),
      outage_(plan.outage) {
    if (plan.stats) stats_.emplace();
    if (plan.stamp) static_cast<void>(!::getrandom(&run_number_, sizeof run_number_, 0));
}

int Publisher::run() {
    for (const int signal : {SIGINT, SIGTERM}) {
        client_.on_signal(signal, [this] {
            if (ending_ == Ending::interrupted) client_.stop();
            end(Ending::interrupted);
        });
    }
    if (plan_.deadline)
        client_.at(*plan_.deadline, [this] {
            ended_while_ = state();
            end(Ending::run_timeout);
        });
    start_ = std::chrono::steady_clock::now();
    if (plan_.progress || (plan_.progress_by_itself && input_.extent()))
        show_progress_at(start_ + progress_patience);
    const auto result = client_.run();
    messages_.end_progress();
    if (plan_.progress && ever_connected_) messages_.note(progress_text(progress()));
    return conclude(result);
}

void Publisher::on_connack(const Connack& packet) {
    if (packet.code != reason::success) return;
    ever_connected_ = true;
    if (std::exchange(away_, false)) messages_.note("connected again");
    outage_.over(client_.now());
}

void Publisher::on_delivered(PacketId id, ReasonCode code, PropertiesView properties) {
    if (stats_) stats_->acknowledged(id);
    if (code < reason::unspecified_error) return;
    ++refused_once_;
    std::string what("the broker refused a message");
    if (plan_.topics.size() == 1 && !own_topics_)
        what.append(" to '").append(plan_.topics.front()).append("'");
    what.append(": ").append(app::reason_text(PacketType::puback, code, properties));
    count_problem(what);
}

void Publisher::on_turn_end() {
    input_.unsent(client_.session().pending_bytes());
    const bool all_given = input_finished_ && !has_current_;
    if (!all_given || ending_ != Ending::none || !client_.session().connected()) return;
    if (client_.session().inflight() == 0 && confirmed()) end(Ending::finished);
}

// What the other machine confirmed may still be lost in it, or in what stands between it and the broker; one
// round trip at the end of a stream tells. An acknowledgement tells of all before it too, and a single message
// is not made to wait.
bool Publisher::confirmed() {
    if (!plan_.confirm || !last_unacknowledged_ || published() < 2) return true;
    if (!asked_) {
        asked_ = client_.ping().has_value();
        wait_for_answer();
        return false;
    }
    asked_ = client_.session().ping_unanswered();
    return !asked_;
}

void Publisher::wait_for_answer() {
    const Duration patience = client_.session().options().ack_timeout;
    if (patience == Duration::zero()) return;
    client_.at(client_.now() + patience, [this] {
        // A slow road is not a silent broker.
        const auto left = client_.unarrived();
        if (left > 0 && left < std::exchange(unarrived_, left)) return wait_for_answer();
        end(Ending::hopeless);
    });
}

void Publisher::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    if (!retry_in) return;  // run() ends with this error
    const bool was_connected = ever_connected_ && !std::exchange(away_, ever_connected_);
    const std::uint64_t dropped = client_.session().counters().dropped;
    if (const auto lost = dropped - std::exchange(dropped_, dropped); lost > 0) {
        count_problem("at least " + std::to_string(lost) +
                      " messages at QoS 0 were lost with the connection");
    }
    if (error.code == ErrorCode::ack_timeout && gives_up_on_silence(error)) return;
    if (asked_ && ending_ == Ending::none) {
        messages_.error(app::error_text(error));
        return end(Ending::hopeless);
    }
    const bool uncertain = was_connected && plan_.qos == Qos::at_most_once && published() > 0;
    const std::string_view more = uncertain ? "; QoS 0 messages on their way may be lost" : "";
    if (const auto line = outage_.line(app::error_text(error), more, *retry_in, client_.now()))
        messages_.note(*line);
}

bool Publisher::gives_up_on_silence(const Error& error) {
    if (plan_.reconnect_chosen) return false;
    const Counters& counters = client_.session().counters();
    if (std::exchange(answered_, counters.delivered + counters.refused) !=
        counters.delivered + counters.refused)
        return false;
    messages_.error(error.context + "; the broker acknowledges nothing");
    end(Ending::hopeless);
    return true;
}

void Publisher::feed() {
    if (!client_.session().connected()) return;
    while (ending_ == Ending::none) {
        if (publish_block()) continue;
        if (!has_current_ && !fetch()) return;
        if (!client_.can_publish(current_.qos.value_or(plan_.qos))) return;
        if (!rate_.allows(client_.now())) return wake_at(rate_.due());
        if (!publish_one()) return;
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
                    count_problem(current_.problem);
                    break;
                }
                own_topics_ = own_topics_ || current_.topic.has_value();
                has_current_ = true;
                topic_index_ = 0;
                return true;
        }
    }
    return false;
}

void Publisher::wait_for_input() {
    if (const auto due = input_.due()) return wake_at(*due);
    if (watching_ || input_.descriptor() < 0) return;
    watching_ = true;
    // Watched only while nothing else is to be done, so that input is read no faster than it is sent.
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
        messages_.progress(progress_text(progress()));
        const bool terminal = app::Messages::on_terminal();
        show_progress_at(client_.now() + (terminal ? progress_on_terminal : progress_in_file));
    });
}

ProgressFacts Publisher::progress() const {
    ProgressFacts facts{.delivered = delivered(),
                        .all = {},
                        .bytes = input_.extent(),
                        .elapsed = std::chrono::steady_clock::now() - start_};
    const std::uint64_t per_message = std::max<std::size_t>(plan_.topics.size(), 1);
    if (const auto left = input_.remaining())
        facts.all = published() + unpublishable_ + (has_current_ ? per_message - topic_index_ : 0) +
                    *left * per_message;
    // What waits in the session is taken, but not sent.
    if (facts.bytes && facts.all) {
        const std::uint64_t waiting = client_.session().pending_bytes() / per_message;
        facts.bytes->taken -= std::min<std::uint64_t>(facts.bytes->taken, waiting);
    }
    return facts;
}

// The payload behind a stamp with the next number.
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
    const Publish message{
        .topic = current_.topic ? *current_.topic : std::string_view(plan_.topics[topic_index_]),
        .payload = plan_.stamp ? stamped(current_.payload) : current_.payload,
        .qos = current_.qos.value_or(plan_.qos),
        .retain = current_.retain.value_or(plan_.retain),
        .properties = current_.properties.value_or(plan_.properties.view())};
    const bool as_given = !plan_.stamp;
    const auto mode = current_.lasting && as_given ? PayloadMode::borrowed : PayloadMode::copied;
    const auto done = current_.owner != nullptr && as_given ? client_.publish(message, current_.owner)
                                                            : client_.publish(message, mode);
    if (!done) {
        const ErrorCode code = done.error().code;
        if (code == ErrorCode::window_full || code == ErrorCode::buffer_full) return false;
        ++unpublishable_;
        count_problem("cannot publish to '" + std::string(message.topic) + "': " + done.error().context);
        const Limits& limits = client_.session().limits();
        const bool all_alike =
            message.qos > limits.maximum_qos || (message.retain && !limits.retain_available);
        if (code == ErrorCode::limit_exceeded && all_alike && !current_.qos && !current_.retain)
            end(Ending::hopeless);
    } else {
        ++stamps_;
        last_unacknowledged_ = message.qos == Qos::at_most_once;
        if (stats_) stats_->published(*done, message.payload.size());
    }
    rate_.count(client_.now());
    ++topic_index_;
    has_current_ = !current_.topic && topic_index_ < plan_.topics.size();
    return true;
}

bool Publisher::publish_block() {
    if (!each_alike_ || has_current_ || !client_.can_publish(plan_.qos)) return false;
    const auto payloads = input_.payloads();
    if (payloads.empty()) return false;
    const auto published = client_.publish_each({.topic = plan_.topics.front(),
                                                 .payload = {},
                                                 .qos = plan_.qos,
                                                 .retain = plan_.retain,
                                                 .properties = plan_.properties.view()},
                                                payloads);
    // publish_one() gets the same error, and deals with it.
    if (!published) return false;
    last_unacknowledged_ = plan_.qos == Qos::at_most_once;
    if (stats_) {
        std::size_t bytes = 0;
        for (const Bytes payload : payloads.first(*published)) bytes += payload.size();
        stats_->published(0, bytes);
    }
    input_.take(*published);
    return true;
}

void Publisher::count_problem(std::string_view what) {
    if (++complaints_ <= max_complaints) messages_.error(what);
    if (complaints_ == max_complaints) messages_.note("more of this kind will only be counted");
}

// What the run is at.
std::string Publisher::state() const {
    if (!client_.session().connected()) return outage_.not_connected(client_.awaited());
    if (client_.session().inflight() > 0) return "waiting for acknowledgements";
    if (asked_) return "waiting for the answer to PINGREQ";
    return watching_ ? "waiting for input" : "not all was sent";
}

void Publisher::end(Ending how) {
    const bool hurries = how == Ending::interrupted || how == Ending::run_timeout;
    if (hurries && ending_ != Ending::interrupted && ending_ != Ending::run_timeout) {
        messages_.give_up_at(client_.now() + farewell_time);
        client_.at(client_.now() + farewell_time, [this] { client_.stop(); });
    }
    // The last bytes of a finished run may still be on their way.
    if (hurries && ending_ == Ending::finished) ending_ = how;
    if (ending_ != Ending::none) return;
    ending_ = how;
    if (std::exchange(watching_, false)) client_.unwatch(input_.descriptor());
    client_.disconnect(reason::success, plan_.disconnect_properties.view());
}

std::uint64_t Publisher::delivered() const {
    return client_.session().counters().delivered;
}

int Publisher::conclude(const std::expected<void, Error>& result) {
    const bool starved = !result && result.error().code == ErrorCode::out_of_memory;
    if (!result) {
        messages_.error(app::error_text(result.error()));
        if (!ever_connected_ && !starved) return app::exit_code_of(result.error(), false);
    }
    const std::uint64_t per_message = plan_.topics.empty() ? 1 : plan_.topics.size();
    const std::uint64_t at_hand = has_current_ ? per_message - topic_index_ : 0;
    const auto remaining = input_.remaining();
    const std::uint64_t all = published() + unpublishable_ + at_hand + remaining.value_or(0) * per_message;
    const std::uint64_t done = delivered();
    // Who interrupts an endless input means its end.
    const bool unread = ending_ == Ending::interrupted ? input_.holds_unread() : !remaining.has_value();
    if (asked_) {
        messages_.error("the broker did not answer PINGREQ: it may not have read all of the " +
                        std::to_string(published()) + " messages");
    }
    const bool complete = input_finished_ && !has_current_ && done == all && !asked_;
    const bool out_of_time = ending_ == Ending::run_timeout && !complete;
    if (done < all || unread || out_of_time) {
        std::string line;
        if (out_of_time)
            line.append("stopped by -W after ")
                .append(plan_.deadline_text)
                .append(": ")
                .append(ended_while_)
                .append("; ");
        line.append(asked_ ? "at most " : "");
        line += std::to_string(done) + " of " + std::to_string(all) + " messages delivered";
        if (unreadable_ > 0)
            line.append(", ")
                .append(std::to_string(unreadable_))
                .append(unreadable_ == 1 ? " line" : " lines")
                .append(" could not be read");
        if (unread) line.append(", and the input was not read to its end");
        messages_.error(line);
    }
    if (stats_) messages_.debug(stats_->text(done));
    if (out_of_time) return app::exit_code::run_timeout;
    const bool cut_short = ending_ == Ending::interrupted && unread;
    if (done < all || cut_short || starved || asked_ || ending_ == Ending::hopeless)
        return app::exit_code::not_delivered;
    if (!result) return app::exit_code_of(result.error(), true);
    return input_.failure().empty() ? app::exit_code::ok : app::exit_code::usage;
}

}  // namespace mqttc::pub
