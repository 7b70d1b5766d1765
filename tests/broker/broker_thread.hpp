// A broker on its own thread, for tests.
//
//     BrokerThread broker;                                    // 127.0.0.1, a port the system chooses
//     broker.set([](Behaviour& it) { it.answer_publish = false; });
//     ... connect to broker.port() ...
//     CHECK(broker.wait_until([](Broker& it) { return it.received().size() == 3; }));
//     CHECK(broker.violations().empty());
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker.hpp"

namespace mqttc::broker {

class BrokerThread {
  public:
    static constexpr auto default_timeout = std::chrono::seconds(60);

    /// Without listeners in `options` it listens on 127.0.0.1. Aborts with a message if the broker cannot start.
    explicit BrokerThread(Options options = {});
    ~BrokerThread();
    BrokerThread(const BrokerThread&) = delete;
    BrokerThread& operator=(const BrokerThread&) = delete;

    /// The port of the n-th listener; stop_accepting() does not change it.
    std::uint16_t port(std::size_t listener = 0) const { return ports_[listener]; }

    /// Calls `question(Broker&)` on the broker's thread and returns its answer (by value).
    template <typename Question>
    auto ask(Question question) {
        using Answer = std::invoke_result_t<Question, Broker&>;
        std::packaged_task<Answer()> task([&] { return question(broker_); });
        auto answer = task.get_future();
        post([&task] { task(); });
        return answer.get();
    }
    /// Waits until the condition holds; it is evaluated after each turn of the broker's loop. False: timed out.
    bool wait_until(std::function<bool(Broker&)> condition,
                    std::chrono::milliseconds timeout = default_timeout);
    bool wait_for_clients(std::size_t count) {
        return wait_until([count](Broker& broker) { return broker.clients() == count; });
    }
    bool wait_for_received(std::size_t count) {
        return wait_until([count](Broker& broker) { return broker.received().size() >= count; });
    }

    void set(const std::function<void(Behaviour&)>& change) {
        ask([&](Broker& broker) { change(broker.behaviour()); });
    }
    std::size_t clients() {
        return ask([](Broker& broker) { return broker.clients(); });
    }
    std::vector<std::string> violations() {
        return ask([](Broker& broker) { return broker.violations(); });
    }
    std::vector<Received> received() {
        return ask([](Broker& broker) {
            return std::vector<Received>(broker.received().begin(), broker.received().end());
        });
    }
    std::vector<Connected> connects() {
        return ask([](Broker& broker) {
            return std::vector<Connected>(broker.connects().begin(), broker.connects().end());
        });
    }
    void drop_connections() {
        ask([](Broker& broker) { broker.drop_connections(); });
    }
    /// Connections are refused from now on.
    void stop_accepting() {
        ask([](Broker& broker) { broker.stop_accepting(); });
    }
    /// On the same ports as before. False: one of them is in use.
    bool resume_accepting() {
        return ask([](Broker& broker) { return broker.resume_accepting().has_value(); });
    }
    /// Sends the acknowledgements that Behaviour::answer_publish held back; to be called after it is true again.
    void release_acknowledgements() {
        ask([](Broker& broker) { broker.release_acknowledgements(); });
    }
    /// Closes a client's connection; in MQTT 5 with DISCONNECT and a reason. False: unknown client.
    bool disconnect_client(const std::string& client_id, ReasonCode code, const std::string& why) {
        return with_client(client_id, [&](Connection& it) { it.disconnect(code, why); });
    }
    /// Sends bytes to a client. False: unknown client.
    bool send_raw(const std::string& client_id, Bytes bytes) {
        return with_client(client_id, [&](Connection& it) { it.send_raw(bytes); });
    }
    void publish(const std::string& topic, const std::string& payload, Qos qos = Qos::at_most_once,
                 bool retain = false) {
        ask([&](Broker& broker) { broker.publish(topic, payload, qos, retain); });
    }

  private:
    struct Waiting {
        std::function<bool(Broker&)> condition;
        std::promise<void> fulfilled;
    };

    template <typename Action>
    bool with_client(const std::string& client_id, Action action) {
        return ask([&](Broker& broker) {
            auto* client = broker.find_client(client_id);
            if (client != nullptr) action(*client);
            return client != nullptr;
        });
    }
    void post(std::function<void()> job);
    void run();
    void do_jobs();
    void check_conditions();

    Broker broker_;
    std::vector<std::uint16_t> ports_;
    int event_fd_ = -1;
    std::mutex mutex_;
    std::vector<std::function<void()>> jobs_;  // guarded by mutex_
    std::list<Waiting> waiting_;               // the broker's thread only
    bool stop_ = false;                        // the broker's thread only
    std::thread thread_;
};

}  // namespace mqttc::broker
