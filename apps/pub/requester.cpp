// A request and its answers.
#include "requester.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include "connection.hpp"
#include "error_hints.hpp"
#include "exit_code.hpp"
#include "publisher.hpp"

namespace mqttc::pub {
namespace {

std::string random_name() {
    std::array<unsigned char, 8> bytes{};
    std::string text;
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return text;
    for (const unsigned char byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

}  // namespace

std::expected<RequestPlan, std::string> make_request(const app::Options& options, Bytes payload,
                                                     Time started) {
    RequestPlan plan;
    plan.topics = options.pub.topics;
    plan.payload = payload;
    plan.qos = options.qos.front();
    plan.retain = options.pub.retain;
    plan.properties = app::properties_for(options, packet_bit(PacketType::publish));
    plan.subscribe_properties = app::properties_for(options, packet_bit(PacketType::subscribe));
    plan.disconnect_properties = app::properties_for(options, packet_bit(PacketType::disconnect));
    plan.answers = options.count.value_or(1);
    plan.stats = options.stats;
    plan.debug = options.debug;
    plan.outage = app::Outage(options);
    if (options.run_timeout) {
        plan.deadline = started + *options.run_timeout;
        plan.deadline_text = app::seconds_text(*options.run_timeout);
    }
    plan.response_topic = options.pub.response_topic;
    const std::string name = random_name();
    if (name.empty()) return std::unexpected(std::string("the system gives no random numbers"));
    if (plan.response_topic.empty()) plan.response_topic = "response/mqtt_pub-" + name;
    if (app::effective_version(options.connection) != ProtocolVersion::v5) return plan;

    if (plan.properties.view().find(PropertyId::response_topic)) {
        return std::unexpected(
            std::string("-D publish response-topic can't be used with --request: use --response-topic"));
    }
    if (const auto given = plan.properties.view().find(PropertyId::correlation_data)) {
        plan.correlation = given->text;
    } else {
        plan.correlation = random_name();
        static_cast<void>(plan.properties.add(PropertyId::correlation_data, *plan.correlation));
    }
    static_cast<void>(plan.properties.add(PropertyId::response_topic, plan.response_topic));
    return plan;
}

Requester::Requester(const RequestPlan& plan, ClientOptions options, const app::Messages& messages)
    : plan_(plan),
      messages_(messages),
      client_(std::move(options), *this),
      out_(STDOUT_FILENO),
      outage_(plan.outage) {
    if (plan.deadline) out_.give_up_at(*plan.deadline);
}

int Requester::run() {
    for (const int signal : {SIGINT, SIGTERM}) {
        client_.on_signal(signal, [this] {
            if (code_) return client_.stop();
            hurry(app::exit_code::not_delivered, "interrupted: " + state());
        });
    }
    if (plan_.deadline) {
        client_.at(*plan_.deadline, [this] {
            if (code_) return;
            hurry(app::exit_code::run_timeout, "stopped by -W after " + plan_.deadline_text + ": " + state());
        });
    }
    const auto result = client_.run();
    if (plan_.debug && ignored_ > 0)
        messages_.debug(app::count_text(ignored_, "message") + " at the response topic ignored");
    if (plan_.stats && ever_connected_) {
        std::string line = app::count_text(answers_, "answer");
        if (latencies_.count() > 0) line.append("; answered after ").append(latencies_.text());
        messages_.debug(line);
    }
    if (!result) {
        messages_.error(app::error_text(result.error()));
        if (!code_) return app::exit_code_of(result.error(), ever_connected_);
    }
    return code_.value_or(app::exit_code::not_delivered);
}

void Requester::on_connack(const Connack& packet) {
    if (packet.code != reason::success) return;
    ever_connected_ = true;
    outage_.over(client_.now());
    if (std::exchange(asked_, true)) return;
    const Subscription subscription{
        .filter = plan_.response_topic, .qos = plan_.qos, .retain_handling = RetainHandling::send_never};
    const auto id = client_.subscribe({&subscription, 1}, plan_.subscribe_properties.view());
    if (id) return;
    messages_.error("cannot subscribe to '" + plan_.response_topic + "': " + id.error().context);
    end(app::exit_code_of(id.error(), true));
}

void Requester::on_suback(const Suback& packet) {
    const ReasonCode code = packet.codes.empty() ? reason::success : packet.codes.front();
    if (code < reason::unspecified_error) {
        subscribed_ = true;
        return send();
    }
    std::string line = "the broker refused the subscription to '" + plan_.response_topic + "'";
    if (client_.session().options().version == ProtocolVersion::v5)
        line.append(": ").append(app::reason_text(PacketType::suback, code, packet.properties));
    messages_.error(line);
    end(app::exit_code::all_refused);
}

void Requester::send() {
    while (subscribed_ && !code_ && sent_ < plan_.topics.size() && client_.session().connected()) {
        if (!client_.can_publish(plan_.qos)) return;
        const std::string& topic = plan_.topics[sent_];
        const auto id = client_.publish({.topic = topic,
                                         .payload = plan_.payload,
                                         .qos = plan_.qos,
                                         .retain = plan_.retain,
                                         .properties = plan_.properties.view()},
                                        PayloadMode::borrowed);
        if (!id) {
            if (id.error().code == ErrorCode::window_full || id.error().code == ErrorCode::buffer_full)
                return;
            messages_.error("cannot publish to '" + topic + "': " + id.error().context);
            return end(app::exit_code::not_delivered);
        }
        if (sent_++ == 0) sent_at_ = std::chrono::steady_clock::now();
    }
}

bool Requester::is_answer(const Publish& message) const {
    // What was retained was there before the request.
    if (sent_ == 0 || message.retain || message.topic != plan_.response_topic) return false;
    if (!plan_.correlation) return true;
    const auto data = message.properties.find(PropertyId::correlation_data);
    return data && data->text == *plan_.correlation;
}

Accept Requester::on_publish(const Publish& message) {
    if (code_) return Accept::now;
    if (!is_answer(message)) {
        ++ignored_;
        return Accept::now;
    }
    const auto came = std::chrono::steady_clock::now();
    if (!print(message.payload)) return Accept::now;
    ++answers_;
    latencies_.add(came - sent_at_);
    if (answers_ == plan_.answers) end(app::exit_code::ok);
    return Accept::now;
}

// As mqtt_sub prints a payload: with a newline, nothing when it is empty, harmless on a terminal. False: it was
// not printed, and the run has ended or ends in this turn.
bool Requester::print(Bytes payload) {
    if (payload.empty()) return true;
    line_.clear();
    if (out_.terminal()) {
        app::append_visible(line_, as_text(payload), app::LineBreaks::keep);
    } else {
        line_.append(as_text(payload));
    }
    line_ += '\n';
    // Behind an answer that could not be printed whole, none is begun.
    if (out_.state() == app::Outlet::State::open) out_.write(line_, {}, app::Outlet::Wait::yes);
    switch (out_.state()) {
        case app::Outlet::State::open:
            return true;
        case app::Outlet::State::interrupted:  // the loop sees the signal or the deadline too
            return false;
        case app::Outlet::State::reader_left:
            // Who reads only the first lines wants no more of them.
            end(app::exit_code::ok);
            return false;
        case app::Outlet::State::failed:
            break;
    }
    messages_.stdout_failed(out_.error());
    end(app::exit_code::output_failed);
    return false;
}

void Requester::on_delivered(PacketId /*id*/, ReasonCode code, PropertiesView properties) {
    const bool refused = code >= reason::unspecified_error;
    const bool unheard = code == reason::no_matching_subscribers && !plan_.retain;
    if (code_ || (!refused && !unheard)) return;
    std::string line = refused ? "the broker refused the request: " : "nobody receives the request: ";
    line.append(app::reason_text(PacketType::puback, code, properties));
    messages_.error(line);
    if (++useless_ == plan_.topics.size()) end(app::exit_code::not_delivered);
}

void Requester::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    if (!retry_in) return;
    if (const auto line = outage_.line(app::error_text(error), {}, *retry_in, client_.now()))
        messages_.note(*line);
}

// How far the work is.
std::string Requester::state() const {
    if (!client_.session().connected()) return outage_.not_connected(client_.awaited());
    if (!subscribed_) return "the subscription was not acknowledged";
    return std::to_string(answers_) + " of " + app::count_text(plan_.answers, "answer") + " came";
}

// A signal or the deadline: neither the broker nor who reads stderr is waited for.
void Requester::hurry(int code, std::string_view why) {
    messages_.give_up_at(client_.now() + farewell_time);
    messages_.error(why);
    end(code);
    client_.at(client_.now() + farewell_time, [this] { client_.stop(); });
}

void Requester::end(int code) {
    if (code_) return;
    code_ = code;
    client_.disconnect(reason::success, plan_.disconnect_properties.view());
}

int run_request(const app::Options& options, InputSource& input, Time started, ClientOptions client,
                const app::Messages& messages) {
    InputMessage message;
    static_cast<void>(input.next(message, started));
    const auto plan = make_request(options, message.payload, started);
    if (!plan) {
        messages.error(plan.error());
        return app::exit_code::usage;
    }
    return Requester(*plan, std::move(client), messages).run();
}

}  // namespace mqttc::pub
