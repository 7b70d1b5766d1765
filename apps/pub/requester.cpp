// A request and its answers.
#include "requester.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "connection.hpp"
#include "exit_code.hpp"

namespace mqttc::pub {
namespace {

// How long the DISCONNECT of an interrupted run may take; with the rest, a signal is answered within 100 ms.
constexpr Duration farewell_time = std::chrono::milliseconds(50);

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

// 0, or the errno.
int write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
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
    if (options.run_timeout) {
        plan.deadline = started + *options.run_timeout;
        plan.deadline_text = app::duration_text(*options.run_timeout);
    }
    plan.response_topic = options.pub.response_topic;
    const std::string name = random_name();
    if (name.empty()) return std::unexpected(std::string("the system gives no random numbers"));
    if (plan.response_topic.empty()) plan.response_topic = "response/mqtt_pub-" + name;
    if (app::effective_version(options.connection) != ProtocolVersion::v5) return plan;

    if (plan.properties.view().find(PropertyId::response_topic)) {
        return std::unexpected(
            std::string("-D publish response-topic goes not with --request: use --response-topic"));
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
      terminal_(::isatty(STDOUT_FILENO) == 1) {}

int Requester::run() {
    for (const int signal : {SIGINT, SIGTERM}) {
        client_.on_signal(signal, [this] {
            if (code_) return client_.stop();
            messages_.error("interrupted after " + std::to_string(answers_) + " of " +
                            app::count_text(plan_.answers, "answer"));
            end(app::exit_code::not_delivered);
            client_.at(client_.now() + farewell_time, [this] { client_.stop(); });
        });
    }
    if (plan_.deadline) {
        client_.at(*plan_.deadline, [this] {
            if (code_) return;
            messages_.error(std::to_string(answers_) + " of " + app::count_text(plan_.answers, "answer") +
                            " came within the " + plan_.deadline_text + " of -W");
            end(app::exit_code::run_timeout);
            client_.at(client_.now() + farewell_time, [this] { client_.stop(); });
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
        messages_.error(result.error().context);
        if (!code_) return app::exit_code_of(result.error(), ever_connected_);
    }
    return code_.value_or(app::exit_code::not_delivered);
}

void Requester::on_connack(const Connack& packet) {
    if (packet.code != reason::success) return;
    ever_connected_ = true;
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

bool Requester::on_publish(const Publish& message) {
    if (code_) return true;
    if (!is_answer(message)) {
        ++ignored_;
        return true;
    }
    ++answers_;
    latencies_.add(std::chrono::steady_clock::now() - sent_at_);
    print(message.payload);
    if (answers_ == plan_.answers) end(app::exit_code::ok);
    return true;
}

// As mqtt_sub prints a payload: with a newline, nothing when it is empty, harmless on a terminal.
void Requester::print(Bytes payload) {
    if (payload.empty()) return;
    if (terminal_) {
        std::string_view text = as_text(payload);
        while (true) {
            const std::size_t at = std::min(text.find_first_of("\n\t"), text.size());
            out_ += app::visible(text.substr(0, at));
            if (at == text.size()) break;
            out_ += text[at];
            text.remove_prefix(at + 1);
        }
    } else {
        out_.append(as_text(payload));
    }
    out_ += '\n';
    const int error = write_all(out_);
    out_.clear();
    if (error == 0) return;
    // Who reads only the first lines wants no more of them.
    if (error == EPIPE) return end(app::exit_code::ok);
    messages_.error("cannot write to stdout: " + std::string(std::strerror(error)));
    end(app::exit_code::output_failed);
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
    if (retry_in) messages_.note(error.context + "; trying again in " + app::duration_text(*retry_in));
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
