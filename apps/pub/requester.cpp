// A request and its answers.
#include "requester.hpp"

#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/random.hpp"
#include "color.hpp"
#include "connection_setup.hpp"
#include "error_hints.hpp"
#include "exit_code.hpp"
#include "message_printer.hpp"

namespace mqttc::pub {
namespace {

std::string random_name() {
    return to_hex(random_value<std::array<std::uint8_t, 8>>());
}

}  // namespace

std::expected<std::unique_ptr<output::MessageSink>, std::string> make_answer_printer(
    const app::PubOptions& options, output::StdoutBuffer& out, app::Messages& messages) {
    const bool terminal = out.terminal();
    const bool color = app::wants_color(options.run.color, terminal);
    if (options.format) {
        return output::FormatPrinter::make(
            *options.format,
            {.json = options.pretty ? output::JsonLayout::pretty : output::JsonLayout::compact,
             .terminal = terminal,
             .color = color},
            options.answer_newline, out, messages);
    }
    return std::make_unique<output::PlainPrinter>(out, output::PlainLayout{.topic = options.answer_topic,
                                                                           .newline = options.answer_newline,
                                                                           .terminal = terminal,
                                                                           .color = color});
}

Requester::Requester(const app::PubOptions& options, Bytes request, output::MessageSink& printer,
                     output::StdoutBuffer& out, ClientOptions client, std::optional<Time> deadline,
                     app::Messages& messages)
    : ProgramRun(options.connection, options.run, std::move(client), deadline, messages),
      options_(options),
      request_(request),
      properties_(app::properties_for(options.connection, packet_bit(PacketType::publish))),
      response_topic_(options.response_topic),
      printer_(printer),
      out_(out) {
    if (deadline) out_.give_up_at(*deadline);
}

std::expected<void, std::string> Requester::address_answers() {
    if (response_topic_.empty()) response_topic_ = "response/mqtt_pub-" + random_name();
    if (app::effective_version(connection_options_) != ProtocolVersion::v5) return {};

    if (properties_.view().find(PropertyId::response_topic)) {
        return std::unexpected(
            std::string("-D publish response-topic cannot be used with --request: use --response-topic"));
    }
    const auto given = properties_.view().find(PropertyId::correlation_data);
    if (options_.connection.called.request) {
        // Services that work with mosquitto_rr need not send correlation data back: it takes any response.
    } else if (given) {
        correlation_ = given->text;
    } else {
        correlation_ = random_name();
        static_cast<void>(properties_.add(PropertyId::correlation_data, *correlation_));
    }
    static_cast<void>(properties_.add(PropertyId::response_topic, response_topic_));
    return {};
}

void Requester::on_interrupted() {
    if (code_) return;
    messages_.error("interrupted: " + state());
    end(app::exit_code::not_delivered);
}

void Requester::on_run_timeout(const std::string& what) {
    if (code_) return;
    messages_.error(what);
    end(app::exit_code::run_timeout);
}

int Requester::conclude(const std::expected<void, Error>& result) {
    if (run_options_.debug && ignored_ > 0)
        messages_.always(app::count_text(ignored_, "message") + " on the response topic ignored");
    if (run_options_.stats) {
        app::StatsJson json;
        json.add("answers", answers_).json("latency", latencies_.json());
        std::string line = app::count_text(answers_, "answer");
        if (latencies_.count() > 0) line.append("; latency of answers: ").append(latencies_.text());
        report_stats(json, line, latencies_);
    }
    const int code = result ? app::exit_code::not_delivered : fail(result.error());
    return code_.value_or(code);
}

void Requester::prepare() {
    for (const std::string& topic : options_.topics) warn_about_topic(topic);
    warn_about_topic(response_topic_);
}

void Requester::subscribe() {
    if (std::exchange(subscribing_, true)) return;
    const Subscription subscription{
        .filter = response_topic_, .qos = options_.qos, .retain_handling = RetainHandling::send_never};
    const auto id =
        client_.subscribe({&subscription, 1},
                          app::properties_for(connection_options_, packet_bit(PacketType::subscribe)).view());
    if (id) return;
    messages_.error("cannot subscribe to " + in_quotes(response_topic_) + ": " + id.error().context);
    end(app::exit_code_of(id.error(), true));
}

void Requester::on_suback(const Suback& packet) {
    answered();
    const ReasonCode code = packet.codes.empty() ? reason::success : packet.codes.front();
    if (code < reason::unspecified_error) {
        subscribed_ = true;
        return send();
    }
    std::string line = "the broker refused the subscription to " + in_quotes(response_topic_);
    if (client_.session().options().version == ProtocolVersion::v5)
        line.append(": ").append(app::reason_text(PacketType::suback, code, packet.properties));
    messages_.error(line);
    end(app::exit_code::all_refused);
}

void Requester::send() {
    while (subscribed_ && !code_ && sent_ < options_.topics.size() && client_.session().connected()) {
        if (!client_.can_publish(options_.qos)) return;
        const std::string& topic = options_.topics[sent_];
        const auto id = client_.publish({.topic = topic,
                                         .payload = request_,
                                         .qos = options_.qos,
                                         .retain = options_.retain,
                                         .properties = properties_.view()},
                                        PayloadMode::borrowed);
        if (!id) {
            if (id.error().code == ErrorCode::window_full || id.error().code == ErrorCode::buffer_full)
                return;
            messages_.error("cannot publish to " + in_quotes(topic) + ": " + id.error().context);
            return end(app::exit_code::not_delivered);
        }
        if (sent_++ == 0) sent_at_ = std::chrono::steady_clock::now();
    }
}

bool Requester::is_answer(const Publish& message) const {
    // A retained message is older than the request.
    if (sent_ == 0 || message.retain || message.topic != response_topic_) return false;
    if (!correlation_) return true;
    const auto data = message.properties.find(PropertyId::correlation_data);
    return data && data->text == *correlation_;
}

Accept Requester::on_publish(const Publish& message) {
    if (code_) return Accept::now;
    if (!is_answer(message)) {
        ++ignored_;
        return Accept::now;
    }
    answer_received_ = true;
    const auto received = std::chrono::steady_clock::now();
    if (!print(message)) return Accept::now;
    ++answers_;
    latencies_.add(received - sent_at_);
    // One that the format cannot print was reported, and is an answer; mosquitto_rr answers 0 to it.
    if (answers_ == options_.answers)
        end(all_printed_ || options_.connection.called.mosquitto ? app::exit_code::ok
                                                                 : app::exit_code::output_failed);
    return Accept::now;
}

// False: it was not written, and the run has ended or ends in this turn.
bool Requester::print(const Publish& message) {
    printer_.take(message);
    all_printed_ = all_printed_ && printer_.counts();
    out_.flush_waiting();
    switch (out_.state()) {
        case output::StdoutBuffer::State::open:
            return true;
        case output::StdoutBuffer::State::interrupted:  // the loop sees the signal or the deadline, too
            return false;
        case output::StdoutBuffer::State::reader_closed:
            // A reader such as head(1) has read the lines it needs.
            end(app::exit_code::ok);
            return false;
        case output::StdoutBuffer::State::failed:
            break;
    }
    messages_.stdout_failed(out_.error());
    end(app::exit_code::output_failed);
    return false;
}

void Requester::on_delivered(PacketId /*id*/, ReasonCode code, PropertiesView properties) {
    answered();
    const bool refused = code >= reason::unspecified_error;
    const bool no_subscriber = code == reason::no_matching_subscribers && !options_.retain;
    if (code_ || (!refused && !no_subscriber)) return;
    std::string line = code == fate_unknown ? "the broker lost the request with its session"
                       : refused            ? "the broker refused the request: "
                                            : "no client receives the request: ";
    if (code != fate_unknown) line.append(app::reason_text(PacketType::puback, code, properties));
    messages_.error(line);
    if (++failed_requests_ == options_.topics.size()) end(app::exit_code::not_delivered);
}

void Requester::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    if (!retry_in || code_) return;
    if (gives_up_on_silence(error)) return end(fail(error));
    const bool uncertain = was_connected() && options_.qos == Qos::at_most_once && sent_ > 0;
    report_outage(error,
                  uncertain ? "; the request, or its answer, may be lost (-q 1 sends the request again)" : "",
                  *retry_in);
}

std::string Requester::activity() const {
    if (!subscribed_) return "the subscription was not acknowledged";
    if (options_.answers == 1 && !answer_received_ && sent_ == 1)
        return "no answer to the request on " + in_quotes(options_.topics.front());
    return std::to_string(answers_) + " of " + app::count_text(options_.answers, "answer") + " received";
}

void Requester::end(int code) {
    if (code_) return;
    code_ = code;
    disconnect();
}

}  // namespace mqttc::pub
