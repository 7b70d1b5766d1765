// mqtt_sub's run: subscribes, filters and counts messages, hands them to the sink, and decides when to end and with
// which exit code.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exit_code.hpp"
#include "filters.hpp"
#include "message_sink.hpp"
#include "payload_decoder.hpp"
#include "program_run.hpp"
#include "receive_stats.hpp"
#include "retained_cleaner.hpp"
#include "stdout_buffer.hpp"

namespace mqttc::sub {

class Subscriber final : public app::ProgramRun {
  public:
    /// All references must outlive the subscriber, and so must `decoder`, which may be null.
    Subscriber(const app::SubOptions& options, PayloadDecoder* decoder, output::MessageSink& sink,
               output::StdoutBuffer& out, ClientOptions client, std::optional<Time> deadline,
               app::Messages& messages);

    Accept on_publish(const Publish& message) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_suback(const Suback& packet) override;
    void on_unsuback(const Unsuback& packet) override;
    void on_room() override;
    void on_opened() override;
    void on_turn_end() override;
    bool on_peer_closed(bool has_unread) override;
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    enum class Ending : std::uint8_t {
        none,
        when_written,  ///< everything taken is printed and cleared first
        at_once,       ///< what a slow reader has not taken is dropped
    };

    void prepare() override;
    void on_connected(bool first) override;
    void on_interrupted() override { finish_at_once(app::exit_code::ok); }
    void on_run_timeout(const std::string& what) override;
    std::string activity() const override;
    int conclude(const std::expected<void, Error>& ended) override;

    struct Requested {
        std::string filter;
        Qos qos;  ///< as requested, or as granted where that is known to be less
    };
    /// A SUBSCRIBE, as a reconnect repeats it, or an UNSUBSCRIBE.
    struct Request {
        std::vector<Requested> filters;
        bool answered = false;
    };

    void subscribe();
    void refused(const Error& error);
    Request* find_request(PacketId id);
    void request_answered(Request& request);
    /// Reports the subscriptions on a terminal, which is empty until the first message.
    void show_subscribed();
    /// Sends DISCONNECT when the QoS 2 handshakes of what was printed are complete, or 1 s later.
    void disconnect_after_handshakes();
    void arm_idle_timer();
    void arm_sink_timer(Time when);
    // As on_publish.
    Accept take_filtered(const Publish& message);
    /// What filters and decoder say of a message. Asked once: a message that the sink cannot take yet is offered again.
    struct Decision {
        Filters::Result result = Filters::Result::pass;
        bool decoded = true;
        std::optional<Bytes> payload;  ///< the decoded one
    };
    Decision decide(const Publish& message);
    /// False: the sink has failed, and the program ends.
    bool give(const Publish& message);
    /// The sink has the message.
    Accept given(const Publish& message);
    /// Acknowledges the messages that were given, once they are printed and finished. False: not yet.
    bool acknowledge_given();
    /// Everything that was taken is printed, its commands have ended, and it is cleared.
    bool everything_is_done() const;
    void wait_for_reader();
    void output_has_room();
    void output_is_gone();
    /// The property of a filter that some brokers reject; empty if none has one.
    std::string filter_traits() const;
    void report_silent_share();
    void finish(int code);
    void finish_at_once(int code);
    std::string refusal(std::string_view what, const std::string& filter, PacketType type, ReasonCode code,
                        PropertiesView properties) const;

    const app::SubOptions& options_;
    PayloadDecoder* decoder_;  ///< none: payloads are used as they are
    output::MessageSink& sink_;
    output::StdoutBuffer& out_;
    Filters filters_;
    const bool unfiltered_;  ///< every message goes to the sink, and nothing else is done with it
    RetainedCleaner cleaner_;
    ReceiveStats stats_;

    std::map<PacketId, Request> requests_;
    std::unordered_multimap<std::string, Request*> subscribed_;  ///< by topic filter; only filled with -U
    std::size_t subscriptions_refused_ = 0;
    std::size_t unsubscriptions_refused_ = 0;
    std::size_t answers_missing_ = 0;  ///< of SUBSCRIBE and UNSUBSCRIBE

    std::optional<Decision> postponed_;            ///< of the message that is offered again
    std::optional<std::uint64_t> still_to_print_;  ///< -C
    bool acknowledgements_held_ = false;           ///< until everything given is printed and finished
    bool waiting_for_reader_ = false;
    bool waiting_for_pubrel_ = false;
    bool handshakes_over_ = false;  ///< complete, or not waited for any longer
    Time last_message_{};
    Ending ending_ = Ending::none;
    int code_ = app::exit_code::ok;
};

}  // namespace mqttc::sub
