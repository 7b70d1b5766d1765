// Moves messages from an input to the broker and keeps account of each: what was delivered, refused, lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "input.hpp"
#include "messages.hpp"
#include "mqttc/client.hpp"
#include "outage.hpp"
#include "progress.hpp"
#include "publish_stats.hpp"
#include "rate_limit.hpp"

namespace mqttc::pub {

/// How long the DISCONNECT of an interrupted run may take; with the rest, a signal is answered within 100 ms.
inline constexpr Duration farewell_time = std::chrono::milliseconds(50);

/// What is done with each message of the input.
struct PublishPlan {
    std::vector<std::string> topics;  ///< for messages that bring none
    Qos qos = Qos::at_most_once;
    bool retain = false;
    Properties properties;
    Properties disconnect_properties;
    std::optional<double> rate;       ///< messages a second
    bool stamp = false;               ///< each payload begins with a stamp (stamp.hpp)
    bool stats = false;               ///< a summary at the end
    bool progress = false;            ///< show it, whatever stderr is
    bool progress_by_itself = false;  ///< show it when the work is long
    std::optional<Time> deadline;     ///< of the whole run
    std::string deadline_text;        ///< "2.5 s", for the message
    bool reconnect_chosen = false;    ///< --reconnect was given
    app::Outage outage;               ///< how one is told
    bool confirm = false;             ///< what was sent last at QoS 0 must be read by the broker
};

class Publisher : public ClientHandler {
  public:
    /// All arguments must outlive this object.
    Publisher(const PublishPlan& plan, InputSource& input, ClientOptions options,
              const app::Messages& messages);

    /// Publishes everything; the program's exit code.
    int run();

    void on_connack(const Connack& packet) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_room() override { feed(); }
    void on_turn_end() override;
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    enum class Ending : std::uint8_t { none, finished, interrupted, run_timeout, hopeless };

    /// Publishes what the input has, as long as the session takes it.
    void feed();
    /// True when there is a message at hand.
    bool fetch();
    void wait_for_input();
    void wake_at(Time when);
    /// False when it must be tried again later.
    bool publish_one();
    /// Publishes messages that need no look at each; false when there is none that can go so.
    bool publish_block();
    /// A broker that twice in a row acknowledged nothing in time is not tried again, unless the user chose
    /// how often.
    bool gives_up_on_silence(const Error& error);
    Bytes stamped(Bytes payload);
    /// The broker is known to have read all that was published.
    bool confirmed();
    void wait_for_answer();
    void show_progress_at(Time when);
    ProgressFacts progress() const;
    void count_problem(std::string_view what);
    std::string state() const;
    void end(Ending how);
    int conclude(const std::expected<void, Error>& result);

    std::uint64_t published() const { return client_.session().counters().published; }
    /// Messages of which the delivery is certain.
    std::uint64_t delivered() const;

    const PublishPlan& plan_;
    InputSource& input_;
    const app::Messages& messages_;
    RateLimit rate_;
    const bool each_alike_;  ///< a message at QoS 0 that is nothing but a payload needs nothing done to it
    Client client_;

    InputMessage current_;
    bool has_current_ = false;
    std::size_t topic_index_ = 0;  ///< of the message at hand
    bool input_finished_ = false;
    bool watching_ = false;
    std::optional<Client::TimerId> wake_;

    Time start_{};
    std::optional<PublishStats> stats_;
    std::uint32_t run_number_ = 0;  ///< of stamps
    std::uint64_t stamps_ = 0;
    std::string stamped_;

    Ending ending_ = Ending::none;
    std::string ended_while_;           ///< what went on when the time of -W was over
    bool last_unacknowledged_ = false;  ///< the last message was one of QoS 0
    bool asked_ = false;                ///< PINGREQ was sent behind the last message
    std::size_t unarrived_ = SIZE_MAX;  ///< bytes, when its answer was late for the first time
    bool own_topics_ = false;           ///< a message brought its own
    std::uint64_t unpublishable_ = 0;   ///< messages that could not be given to the session
    std::uint64_t unreadable_ = 0;      ///< of these: wrong lines
    std::uint64_t refused_once_ = 0;    ///< QoS 1 and 2 finished with a failure
    std::uint64_t complaints_ = 0;
    std::uint64_t dropped_ = 0;              ///< of these it was told
    std::optional<std::uint64_t> answered_;  ///< messages, when the last acknowledgement time-out came
    bool ever_connected_ = false;
    bool away_ = false;  ///< the connection was lost and is not back
    app::Outage outage_;
};

}  // namespace mqttc::pub
