// Signals, -W, outages and the end, for each run of mqtt_pub and mqtt_sub.
#include "program_run.hpp"

#include <csignal>
#include <cstdio>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "connection_setup.hpp"
#include "error_hints.hpp"
#include "exit_code.hpp"
#include "rejected_traits.hpp"

namespace mqttc::app {

std::optional<Time> run_deadline(const RunOptions& options, Time started) {
    if (!options.timeout) return std::nullopt;
    return started + *options.timeout;
}

ProgramRun::ProgramRun(const ConnectionOptions& connection, const RunOptions& run, ClientOptions client,
                       std::optional<Time> deadline, Messages& messages)
    : connection_options_(connection),
      run_options_(run),
      messages_(messages),
      deadline_(deadline),
      client_(std::move(client), *this),
      outage_(connection, run) {}

ProgramRun::EndingSignals::~EndingSignals() {
    for (const int number : ending_signals) std::signal(number, SIG_IGN);
}

RunEnd ProgramRun::run() {
    for (const int number : ending_signals) {
        client_.on_signal(number, [this, number] {
            if (signal_ == 0) signal_ = number;
            if (ending_) {
                interrupted_again_ = true;
                return client_.stop();
            }
            end_within_grace();
            on_interrupted();
        });
    }
    if (deadline_) {
        messages_.give_up_at(*deadline_);
        client_.at(*deadline_, [this] { time_out(); });
    }
    if (connection_options_.will.topic) warn_about_topic(*connection_options_.will.topic);
    if (messages_.watched())
        client_.at(std::chrono::steady_clock::now() + connecting_notice_interval, [this] { show_waiting(); });
    prepare();
    const int code = conclude(client_.run());
    return {code, signal_};
}

void ProgramRun::show_waiting() {
    if (ever_connected_ || ending_) return;
    client_.at(client_.now() + connecting_notice_interval, [this] { show_waiting(); });
    // Later attempts have lines of their own.
    const auto awaited = client_.awaited();
    if (!awaited || !outage_.reason().empty()) return;
    std::string text = awaited->context;
    for (const auto& [failed, going_on] :
         {std::pair<std::string_view, std::string_view>{"cannot connect to ", "connecting to "},
          {"cannot resolve ", "resolving "}}) {
        if (text.starts_with(failed)) text.replace(0, failed.size(), going_on);
    }
    // The text has the time that was waited so far.
    const std::string what = text.substr(0, text.find(" within "));
    if (std::exchange(waiting_, what) != what) messages_.status(text);
}

void ProgramRun::time_out() {
    if (ending_) return;
    const std::string what = "stopped by -W after " + seconds_text(*run_options_.timeout) + ": " + state();
    end_within_grace();
    on_run_timeout(what);
}

void ProgramRun::end_within_grace() {
    ending_ = true;
    messages_.give_up_at(client_.now() + grace);
    client_.at(client_.now() + grace, [this] { client_.stop(); });
}

void ProgramRun::on_connack(const Connack& packet) {
    if (packet.code != reason::success) return;
    const bool first = !std::exchange(ever_connected_, true);
    if (!outage_.reason().empty())
        messages_.error((first ? "connected to " : "connected again to ") +
                        endpoint_name(client_.endpoint()));
    connected_at_ = client_.now();
    outage_.over(connected_at_);
    on_connected(first);
}

void ProgramRun::on_connection_lost(const Error& error, std::optional<Duration> retry_in) {
    // Without a retry run() ends with this error.
    if (retry_in) report_outage(error, {}, *retry_in);
}

void ProgramRun::on_version_fallback(const Error& error) {
    if (run_options_.debug) messages_.always(error_text(error) + "; trying MQTT 3.1.1");
}

void ProgramRun::on_early_refused(const Error& error) {
    if (run_options_.debug)
        messages_.always(error_text(error) + "; trying again, waiting for CONNACK before other packets");
}

void ProgramRun::report_outage(const Error& error, std::string_view more, Duration retry_in) {
    if (const auto line = outage_.line(error_text(error), more, retry_in, client_.now()))
        messages_.error(*line);
}

bool ProgramRun::gives_up_on_silence(const Error& error) {
    if (error.code != ErrorCode::ack_timeout) return false;
    return std::exchange(silent_before_, true) && !connection_options_.reconnect;
}

bool ProgramRun::closed_again(const Error& error, std::optional<std::uint64_t> progress,
                              std::string_view traits, unsigned often) {
    const bool closed = error.code == ErrorCode::closed_by_peer || error.code == ErrorCode::connection_lost;
    // A connection that lasted was not closed for what is sent at its start.
    const bool soon = was_connected() && client_.now() - connected_at_ < Outage::short_connection;
    if (!closed || !soon || traits.empty()) progress.reset();
    const bool at_same = progress && std::exchange(closed_at_, progress) == progress;
    if (!progress) closed_at_.reset();
    closes_ = at_same ? closes_ + 1 : 1;
    if (closes_ < often || connection_options_.reconnect) return false;
    messages_.error(error_text(error) + " again; likely cause: it does not accept " + std::string(traits));
    return true;
}

std::string ProgramRun::state() const {
    return client_.session().connected() ? activity() : outage_.not_connected(client_.awaited());
}

void ProgramRun::disconnect() {
    client_.disconnect(reason::success,
                       properties_for(connection_options_, packet_bit(PacketType::disconnect)).view());
}

void ProgramRun::warn_about_topic(std::string_view topic) {
    if (topic_warned_) return;
    const auto code = discouraged_character(topic);
    if (!code) return;
    topic_warned_ = true;
    char name[16];
    std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(*code));
    messages_.warning("the topic '" + escape_controls(topic) + "' has the character " + name +
                      ": many brokers close the connection for it");
}

void ProgramRun::report_stats(const StatsJson& json, std::string_view text,
                              const LatencyHistogram& latencies) {
    if (run_options_.stats == StatsForm::json) return messages_.plain(json.text() + "\n");
    if (!ever_connected_) return;
    messages_.always(text);
    if (messages_.on_terminal()) messages_.plain(latencies.chart());
}

int ProgramRun::fail(const Error& error) {
    messages_.error(error_text(error, connection_options_.ca_file_option));
    return exit_code_of(error, ever_connected_);
}

}  // namespace mqttc::app
