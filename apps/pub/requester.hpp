// --request: publishes a request and prints the answers that belong to it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "figures.hpp"
#include "input.hpp"
#include "messages.hpp"
#include "mqttc/client.hpp"
#include "options.hpp"
#include "outage.hpp"
#include "outlet.hpp"

namespace mqttc::pub {

struct RequestPlan {
    std::vector<std::string> topics;
    Bytes payload;  ///< lives longer than the run
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::string response_topic;
    /// With MQTT 5 what an answer must bring along; none: each message at the response topic is an answer.
    std::optional<std::string> correlation;
    Properties properties;  ///< of the request, response topic and correlation data included
    Properties subscribe_properties;
    Properties disconnect_properties;
    std::uint64_t answers = 1;
    std::optional<Time> deadline;
    std::string deadline_text;  ///< "2.5 s", for the message
    bool stats = false;
    bool debug = false;
    app::Outage outage;  ///< how one is told
};

/// The plan for these options, with random correlation data and, unless given, a random response topic.
/// `payload` and `started` as in RequestPlan and make_plan. Error: one line for people, a usage error.
std::expected<RequestPlan, std::string> make_request(const app::Options& options, Bytes payload,
                                                     Time started);

/// Makes a request of the message that `input` (not lines) gives, and runs it; the program's exit code.
int run_request(const app::Options& options, InputSource& input, Time started, ClientOptions client,
                const app::Messages& messages);

class Requester : public ClientHandler {
  public:
    /// All arguments must outlive this object.
    Requester(const RequestPlan& plan, ClientOptions options, const app::Messages& messages);

    /// Subscribes, publishes, prints answers; the program's exit code.
    int run();

    void on_connack(const Connack& packet) override;
    void on_suback(const Suback& packet) override;
    Accept on_publish(const Publish& message) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_room() override { send(); }
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    void send();
    bool is_answer(const Publish& message) const;
    bool print(Bytes payload);
    void hurry(int code, std::string_view why);
    std::string state() const;
    void end(int code);

    const RequestPlan& plan_;
    const app::Messages& messages_;
    Client client_;
    app::Outlet out_;
    app::Outage outage_;
    std::string line_;  ///< the answer as it is printed

    bool ever_connected_ = false;
    bool asked_ = false;       ///< SUBSCRIBE was sent
    bool subscribed_ = false;  ///< and acknowledged
    std::size_t sent_ = 0;     ///< topics that the request was published to
    std::size_t useless_ = 0;  ///< of these: refused, or nobody subscribes to them
    Time sent_at_{};
    std::uint64_t answers_ = 0;
    std::uint64_t ignored_ = 0;
    app::Latencies latencies_;
    std::optional<int> code_;  ///< the run has ended
};

}  // namespace mqttc::pub
