// What mqtt_sub does with its connection: subscribes, filters, counts, hands messages to the sink, and knows
// when to end and with which exit code.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "filters.hpp"
#include "messages.hpp"
#include "mqttc/client.hpp"
#include "options.hpp"
#include "outage.hpp"
#include "output.hpp"
#include "receive_stats.hpp"
#include "retained_cleaner.hpp"
#include "sink.hpp"

namespace mqttc::sub {

class Subscriber final : public ClientHandler {
  public:
    /// All references must outlive the subscriber. `broker` is the broker's name in messages.
    Subscriber(const app::Options& options, Sink& sink, Output& out, const app::Messages& messages,
               std::string broker);

    /// Sets timers, signals and watches. Call it once, before client.run().
    void attach(Client& client);
    /// After client.run(): writes what is left, tells what went wrong, and returns the exit code.
    int conclude(const std::expected<void, Error>& ended);

    void on_connack(const Connack& packet) override;
    Accept on_publish(const Publish& message) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_suback(const Suback& packet) override;
    void on_unsuback(const Unsuback& packet) override;
    void on_room() override;
    void on_turn_end() override;
    bool on_peer_closed(bool has_unread) override;
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    enum class Ending : std::uint8_t {
        none,
        when_written,  ///< all that was taken is printed and cleared first
        at_once,       ///< what a slow reader has not taken is dropped
    };

    void subscribe();
    void fail(const Error& error);
    void acknowledged();
    void arm_idle_timer();
    void arm_sink_timer(Time when);
    // As on_publish.
    Accept take_by_rules(const Publish& message);
    /// False: the sink has failed, and the program ends.
    bool give(const Publish& message);
    /// The sink has the message. Later: it works on it.
    Accept given(const Publish& message);
    void wait_for_reader();
    void output_has_room();
    void output_is_gone();
    void time_is_up();
    std::string state() const;
    void finish(int code);
    void finish_at_once(int code);
    void disconnect();
    std::string refusal(std::string_view what, const std::string& filter, PacketType type, ReasonCode code,
                        PropertiesView properties) const;

    const app::Options& options_;
    const app::SubOptions& sub_;
    Sink& sink_;
    Output& out_;
    const app::Messages& messages_;
    std::string broker_;
    Client* client_ = nullptr;
    Filters filters_;
    const bool without_rules_;  // every message goes to the sink, and nothing else is done with it
    RetainedCleaner cleaner_;
    app::Outage outage_;
    ReceiveStats stats_;

    struct Asked {
        std::string filter;
        Qos qos;  // that was asked for, or is known to be granted
    };
    std::vector<Asked> asked_;  // as in the SUBSCRIBE that a reconnect repeats
    bool subscribed_ = false;
    bool some_refused_ = false;
    unsigned answers_missing_ = 0;  // of SUBSCRIBE and UNSUBSCRIBE

    std::optional<std::uint64_t> still_to_print_;  // -C
    bool unprinted_promise_ = false;               // a QoS 1 or 2 message may be in the buffer
    bool waiting_for_reader_ = false;
    bool held_ = false;  // the sink works on the message that the session offers again and again
    Time last_message_{};
    std::optional<Time> run_end_;  // -W
    Ending ending_ = Ending::none;
    bool disconnecting_ = false;
    int code_ = app::exit_code::ok;
    bool ever_connected_ = false;
    /// The broker answered nothing since the last acknowledgement time-out: once more, and it is given up
    /// unless the user said how often to try.
    bool silent_before_ = false;
};

/// The whole program behind its options; returns the exit code.
int run_subscriber(app::Options& options, const app::Messages& messages);

}  // namespace mqttc::sub
