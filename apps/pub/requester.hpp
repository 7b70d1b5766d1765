// --request: publishes a request and prints the answers that belong to it.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "latency_histogram.hpp"
#include "message_sink.hpp"
#include "number_format.hpp"
#include "program_run.hpp"
#include "stdout_buffer.hpp"

namespace mqttc::pub {

/// What prints the answers. `out` and `messages` must outlive it. Error: the format is wrong, one line for the user.
std::expected<std::unique_ptr<output::MessageSink>, std::string> make_answer_printer(
    const app::PubOptions& options, output::StdoutBuffer& out, app::Messages& messages);

class Requester final : public app::ProgramRun {
  public:
    /// All references and the request must outlive this object.
    Requester(const app::PubOptions& options, Bytes request, output::MessageSink& printer,
              output::StdoutBuffer& out, ClientOptions client, std::optional<Time> deadline,
              app::Messages& messages);

    /// Chooses the response topic and correlation data that were not given at random. To be called before run().
    /// Error: one line for the user, a usage error.
    std::expected<void, std::string> address_answers();

    void on_suback(const Suback& packet) override;
    Accept on_publish(const Publish& message) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override;
    void on_room() override { send(); }
    void on_opened() override { subscribe(); }
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override;

  private:
    void prepare() override;
    void on_connected(bool /*first*/) override { subscribe(); }
    void on_interrupted() override;
    void on_run_timeout(const std::string& what) override;
    std::string activity() const override;
    int conclude(const std::expected<void, Error>& result) override;

    /// Once; the session repeats it on later connections.
    void subscribe();
    void send();
    bool is_answer(const Publish& message) const;
    bool print(const Publish& message);
    void end(int code);

    const app::PubOptions& options_;
    const Bytes request_;
    Properties properties_;  ///< of the request, response topic and correlation data included
    std::string response_topic_;
    /// What an answer must carry with MQTT 5; none: each message on the response topic is an answer.
    std::optional<std::string> correlation_;
    output::MessageSink& printer_;
    output::StdoutBuffer& out_;
    bool all_printed_ = true;

    bool subscribing_ = false;
    bool subscribed_ = false;          ///< and this was acknowledged
    std::size_t sent_ = 0;             ///< topics that the request was published to
    std::size_t failed_requests_ = 0;  ///< of these: refused, or without a subscriber
    Time sent_at_{};
    std::uint64_t answers_ = 0;
    std::uint64_t ignored_ = 0;
    bool answer_received_ = false;  ///< also one that could not be printed
    app::LatencyHistogram latencies_;
    std::optional<int> code_;  ///< the run has ended
};

}  // namespace mqttc::pub
