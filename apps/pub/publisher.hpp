// Moves messages from an input to the broker and accounts for each: delivered, refused or lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "input.hpp"
#include "program_run.hpp"
#include "progress.hpp"
#include "publish_stats.hpp"
#include "rate_limit.hpp"

namespace mqttc::pub {

class Publisher final : public app::ProgramRun {
  public:
    /// All references must outlive this object.
    Publisher(const app::PubOptions& options, InputSource& input, ClientOptions client,
              std::optional<Time> deadline, app::Messages& messages);

    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_refused(const Publish& message, ReasonCode code, PropertiesView properties) override;
    void on_room() override { feed(); }
    void on_turn_end() override;
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    enum class Ending : std::uint8_t { none, finished, interrupted, run_timeout, gave_up };

    /// Message counts; a message for n topics counts n times.
    struct Tally {
        std::uint64_t delivered = 0;  ///< certainly
        std::uint64_t all = 0;        ///< given by the input so far, plus those known to follow
        bool all_known = false;       ///< the input has no further messages
    };

    /// Why not everything was published.
    struct Shortfall {
        bool missing = false;      ///< messages were not delivered
        bool unread = false;       ///< of the input
        bool out_of_time = false;  ///< -W
        bool unconfirmed = false;  ///< the last PINGREQ was not answered
        bool any() const { return missing || unread || out_of_time || unconfirmed; }
    };

    void prepare() override;
    void on_connected(bool first) override;
    void on_interrupted() override { end(Ending::interrupted); }
    void on_run_timeout(const std::string& what) override;
    std::string activity() const override;
    int conclude(const std::expected<void, Error>& result) override;

    /// Publishes what the input has, as long as the session takes it.
    void feed();
    /// True when there is a message to publish.
    bool fetch();
    void wait_for_input();
    void wake_at(Time when);
    /// Both publish from `current_`. False: it must be tried again later.
    bool publish_one();
    bool publish_batch();
    /// The next message of the batch, or the same one to the next topic.
    void advance(std::size_t payloads);
    Bytes stamped(Bytes payload);
    /// The broker is known to have read everything that was published.
    bool confirmed();
    void show_progress_at(Time when);
    Tally tally() const;
    Shortfall shortfall_of(const Tally& sum) const;
    /// How many messages were delivered, and what happened to the others.
    std::string delivery_text(const Tally& sum, const Shortfall& shortfall) const;
    /// Reports the oldest message that is not acknowledged, and returns it.
    std::optional<Publish> report_unacknowledged();
    ProgressFacts progress() const;
    /// Where the run is when the broker closes a connection for what was published.
    std::optional<std::uint64_t> unaccepted_at() const;
    /// What of the message in question some brokers do not accept.
    std::string traits() const;
    void report_problem(std::string_view what);
    /// What keeps the session over a reconnect.
    std::string_view session_advice() const;
    void end(Ending how);

    std::uint64_t published() const { return client_.session().counters().published; }

    InputSource& input_;
    const app::PubOptions& options_;
    const Properties properties_;
    RateLimit rate_;

    InputMessage current_;
    bool has_current_ = false;
    std::size_t payload_index_ = 0;  ///< of the next message in current_
    std::size_t topic_index_ = 0;    ///< of the topic it is published to next
    bool input_finished_ = false;
    bool watching_ = false;
    std::optional<Client::TimerId> wake_;

    Time start_{};
    std::optional<PublishStats> stats_;
    std::uint32_t run_number_ = 0;  ///< of stamps
    std::uint64_t stamps_ = 0;
    std::string stamped_;

    std::optional<Time> first_published_;  ///< on this connection
    Ending ending_ = Ending::none;
    std::string run_timeout_;           ///< what -W stopped
    bool last_unacknowledged_ = false;  ///< the last message was one of QoS 0
    bool ping_sent_ = false;            ///< after the last message, and not answered yet
    bool own_topics_ = false;           ///< a message brought its own
    std::uint64_t unpublishable_ = 0;   ///< messages that could not be given to the session
    std::uint64_t unreadable_ = 0;      ///< of these: invalid lines
    std::uint64_t reported_ = 0;        ///< problems
    std::uint64_t dropped_reported_ = 0;
    bool qos_lowered_reported_ = false;
    std::uint64_t uncertain_reported_ = 0;
};

}  // namespace mqttc::pub
