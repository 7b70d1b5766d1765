// A client in a thread of its own, and calls from others that wait for the broker. Publishes each line of standard input.
// usage: blocking URL
#include <cstdio>
#include <future>
#include <iostream>
#include <string>
#include <thread>

#include "mqttc/client.hpp"

using Result = std::expected<mqttc::ReasonCode, mqttc::Error>;

//! [blocking]
class BlockingClient {
  public:
    explicit BlockingClient(mqttc::ClientOptions options)
        : client_(std::move(options), no_events_), thread_([this] { ended_.set_value(client_.run()); }) {}
    ~BlockingClient() { client_.stop(); }
    /// From any thread but the client's: returns when the broker has the message.
    Result publish(std::string topic, std::string payload) {
        auto done = std::make_shared<std::promise<Result>>();
        auto result = done->get_future();
        client_.post([this, done, topic = std::move(topic), payload = std::move(payload)] {
            const auto sent = client_.publish(
                {.topic = topic, .payload = mqttc::as_bytes(payload), .qos = mqttc::Qos::at_least_once},
                [done](mqttc::ReasonCode code) { done->set_value(code); });
            if (!sent) done->set_value(std::unexpected(sent.error()));
        });
        if (result.wait_for(std::chrono::seconds(10)) == std::future_status::ready) return result.get();
        return std::unexpected(mqttc::Error{mqttc::ErrorCode::ack_timeout, 0, "the broker has not answered"});
    }
    /// Ends the thread; how the client has ended.
    std::expected<void, mqttc::Error> close() {
        client_.post([this] { client_.disconnect_when_delivered(std::chrono::seconds(10)); });
        return ended_.get_future().get();
    }

  private:
    mqttc::ClientHandler no_events_;
    mqttc::Client client_;
    std::promise<std::expected<void, mqttc::Error>> ended_;
    std::jthread thread_;
};
//! [blocking]

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "blocking: %s\n", url.error().context.c_str()), 1;
    BlockingClient client(mqttc::client_options(*url));
    bool good = true;
    for (std::string line; good && std::getline(std::cin, line);) {
        const Result done = client.publish("home/log", line);
        good = done && *done < mqttc::reason::unspecified_error;
        if (!done) std::fprintf(stderr, "blocking: %s\n", done.error().context.c_str());
    }
    const auto ended = client.close();
    if (!ended) std::fprintf(stderr, "blocking: %s\n", ended.error().context.c_str());
    return good && ended ? 0 : 1;
}
