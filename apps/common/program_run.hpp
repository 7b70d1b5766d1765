// One run of mqtt_pub or mqtt_sub: the client, and what every run does with it besides moving messages. It handles
// signals, -W, outages and a silent broker, and knows what the exit code depends on.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/signals.hpp"
#include "latency_histogram.hpp"
#include "messages.hpp"
#include "mqttc/client.hpp"
#include "options.hpp"
#include "outage.hpp"
#include "stats_json.hpp"

namespace mqttc::app {

/// When -W ends a run that started at `started`; none without -W.
std::optional<Time> run_deadline(const RunOptions& options, Time started);

/// How a run has ended.
struct RunEnd {
    int code;
    int signal = 0;  ///< the first SIGINT or SIGTERM, if there was one
};

/// A program derives from it and adds what it publishes and receives. All references must outlive it.
class ProgramRun : public ClientHandler {
  public:
    /// How long DISCONNECT, and a reader of stderr that blocks, may delay the end after a signal or -W. With the rest
    /// of the work a signal is answered within 100 ms.
    static constexpr Duration grace = std::chrono::milliseconds(50);
    /// After this time of connecting, and each time again, a user who watches sees what is being waited for.
    static constexpr Duration connecting_notice_interval = std::chrono::seconds(2);
    static constexpr std::array ending_signals{SIGINT, SIGTERM};

    /// Connects and works until the run has ended. Call it once.
    RunEnd run();

    void on_connack(const Connack& packet) final;
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;
    void on_version_fallback(const Error& error) final;
    void on_early_refused(const Error& error) final;

  protected:
    ProgramRun(const ConnectionOptions& connection, const RunOptions& run, ClientOptions client,
               std::optional<Time> deadline, Messages& messages);

    /// Before the client runs: sets timers and watches.
    virtual void prepare() {}
    /// A connection was accepted; `first`: for the first time.
    virtual void on_connected(bool first) { static_cast<void>(first); }
    /// The first SIGINT or SIGTERM. The run ends within `grace`.
    virtual void on_interrupted() = 0;
    /// -W has ended the run, which ends within `grace`. `what`: "stopped by -W after 2.5 s: no message received".
    virtual void on_run_timeout(const std::string& what) = 0;
    /// What a run that is connected is doing or waiting for.
    virtual std::string activity() const = 0;
    /// After the last turn of the client: reports what remains to be reported, and returns the exit code.
    virtual int conclude(const std::expected<void, Error>& result) = 0;

    /// -W has ended the run: for a program that notices it outside of the client's loop.
    void time_out();
    /// Sends DISCONNECT with the properties of -D, and ends the run.
    void disconnect();
    /// The broker has answered a request: it is not silent.
    void answered() { silent_before_ = false; }
    /// True when acknowledgements timed out twice with no answer in between, and the user has not set the number
    /// of tries: then it is not tried again.
    bool gives_up_on_silence(const Error& error);
    /// For on_connection_lost. True, and reported: the broker has closed so many connections in a row, each soon after it
    /// was made and at the same `progress`, and some brokers do not accept what was sent (`traits`, of rejected_traits). False if
    /// the user has set the number of tries. No `progress`: this connection was lost for another cause.
    bool closed_again(const Error& error, std::optional<std::uint64_t> progress, std::string_view traits,
                      unsigned often = 2);
    /// What the run is doing, or why it is not connected.
    std::string state() const;
    /// In on_connection_lost: a connection was lost; false: an attempt to connect failed.
    bool was_connected() const { return ever_connected_ && outage_.reason().empty(); }
    /// Reports an outage if a line is due; `more` follows its cause.
    void report_outage(const Error& error, std::string_view more, Duration retry_in);
    /// Some brokers close the connection for a topic with control characters or noncharacters: warns, once.
    void warn_about_topic(std::string_view topic);
    /// --stats: JSON in any case; the text only if there was a connection, with a chart of the latencies for a user who
    /// watches.
    void report_stats(const StatsJson& json, std::string_view text, const LatencyHistogram& latencies);
    /// Reports the error that ended the run; its exit code.
    int fail(const Error& error);

  private:
    /// The client takes SIGINT and SIGTERM. When it is gone they are ignored: the exit code is known, and they would
    /// replace it.
    class EndingSignals {
      public:
        ~EndingSignals();

      private:
        SignalBlock block_{ending_signals};
    };
    EndingSignals signals_;  // outlives client_

  protected:
    const ConnectionOptions& connection_options_;
    const RunOptions& run_options_;
    Messages& messages_;
    const std::optional<Time> deadline_;  ///< of -W
    Client client_;
    bool ever_connected_ = false;
    bool interrupted_again_ = false;  ///< a second SIGINT or SIGTERM, or one after -W: end without waiting

  private:
    void end_within_grace();
    /// Once the first connection takes long: what is being waited for, for a user who watches.
    void show_waiting();

    Outage outage_;
    std::string waiting_;
    int signal_ = 0;
    bool ending_ = false;  ///< a signal was received, or -W has ended the run
    bool silent_before_ = false;
    Time connected_at_{};
    std::optional<std::uint64_t> closed_at_;  ///< progress of closed_again()
    unsigned closes_ = 0;                     ///< in a row there
    bool topic_warned_ = false;
};

}  // namespace mqttc::app
