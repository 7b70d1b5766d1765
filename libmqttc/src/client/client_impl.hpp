// The inside of a Client: its states, and the events between handler, session and connection.
#pragma once

#include <pthread.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backoff.hpp"
#include "callbacks.hpp"
#include "connect.hpp"
#include "connection.hpp"
#include "loop.hpp"
#include "mqttc/client.hpp"
#include "receive_buffer.hpp"

namespace mqttc {

/// Passes the session's events to the handler and records what the client needs to know.
class Relay final : public SessionHandler {
  public:
    explicit Relay(ClientHandler& handler) : handler_(handler) {}

    void on_connack(const Connack& packet) override;
    Accept on_publish(const Publish& message) override {
        peer_sends = true;
        acknowledges = acknowledges || message.qos != Qos::at_most_once;
        const auto taken = callbacks.has_filters() ? callbacks.dispatch(message) : std::nullopt;
        const Accept answer = taken ? *taken : handler_.on_publish(message);
        if (answer == Accept::later && intake != Intake::paused) intake = Intake::message_waiting;
        return answer;
    }
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override {
        peer_acknowledges = true;
        handler_.on_delivered(id, code, properties);
        callbacks.delivered(id, code);
    }
    void on_refused(const Publish& message, ReasonCode code, PropertiesView properties) override {
        handler_.on_refused(message, code, properties);
    }
    void on_suback(const Suback& packet) override {
        subscribes = true;
        handler_.on_suback(packet);
        callbacks.subscribed(packet);
    }
    void on_unsuback(const Unsuback& packet) override { handler_.on_unsuback(packet); }
    void on_disconnect(const Disconnect& packet) override;
    bool on_auth(const Auth& packet) override { return handler_.on_auth(packet); }

    /// For a new connection.
    void reset() {
        peer_sends = peer_acknowledges = acknowledges = accepted = false;
        if (intake != Intake::paused) intake = Intake::reading;
        server_reference.clear();
    }

    enum class Intake : std::uint8_t {
        reading,
        message_waiting,  ///< the handler has postponed a message: it is offered again in each turn
        paused,           ///< pause(true)
        resuming,         ///< pause(false): what was received is offered again in the next turn
    };

    Intake intake = Intake::reading;
    bool peer_sends = false;         ///< messages arrive on this connection
    bool peer_acknowledges = false;  ///< messages are acknowledged on it
    bool acknowledges = false;       ///< messages of QoS 1 or 2 arrive on it
    bool accepted = false;           ///< CONNACK has accepted the connection
    bool subscribes = false;         ///< on any connection
    std::string server_reference;
    Callbacks callbacks;

  private:
    ClientHandler& handler_;
};

struct Client::Impl {
    Impl(ClientOptions given, ClientHandler& to);

    std::expected<void, Error> run();
    /// As Client::turn; `wait`: until something is due.
    std::expected<bool, Error> turn(bool wait);
    std::optional<Time> next_turn() const;
    std::optional<Error> awaited() const;
    void post(std::function<void()> function);
    void stop();
    /// Aborts the program if this isn't the client's thread; `function`: the member that calls it.
    void check_thread(const char* function = __builtin_FUNCTION()) const {
        if (pthread_equal(owner_, pthread_self()) == 0) wrong_thread(function);
    }
    /// check_thread(), and outside of turn() takes the time and makes descriptor() readable, because there is something
    /// to do.
    void changes(const char* function = __builtin_FUNCTION()) {
        check_thread(function);
        if (in_turn_) return;
        loop.update_now();
        loop.wake();
    }

    ClientOptions options;
    ClientHandler& handler;
    net::Loop loop;
    bool ends_kept_session;  ///< a clean session outlives its connections: disconnect() must end it
    Session session;
    Relay relay;
    ReceiveBuffer buffer;
    Endpoint target;  ///< home(), or where the broker redirected to
    std::atomic<bool> stopping = false;

    /// disconnect() was called.
    struct PendingDisconnect {
        ReasonCode code;
        Properties properties;
    };
    std::optional<PendingDisconnect> pending_disconnect;
    /// disconnect_when_delivered() was called: until then it waits.
    std::optional<Time> deliver_until;
    Duration delivery_timeout{};

  private:
    enum class Phase : std::uint8_t {
        connecting,  ///< the transport is being connected
        opening,     ///< waiting for CONNACK
        open,
        closing,    ///< DISCONNECT is the last of the pending output
        lingering,  ///< everything is written
        waiting,    ///< for the next try
        ended,
    };

    [[noreturn]] static void wrong_thread(const char* function);
    void begin();
    void call_posted();
    void step();
    void check_delivered();
    void connect();
    Error no_connack(Duration waited) const;
    void poll_connector();
    void serve();
    std::optional<Error> receive();
    std::optional<Error> peer_closed();
    std::optional<Error> peer_silent();
    Duration silence_time_limit() const;
    std::optional<Time> silence_deadline() const;
    void begin_closing();
    /// The broker has taken nothing for the disconnect time-out.
    bool closing_late();
    void continue_closing();
    void linger();
    void lost(Error error);
    const Endpoint& home() const { return options.endpoints[endpoint_]; }
    bool next_address(const Error& error);
    bool was_useful() const;
    std::optional<Duration> next_endpoint(const Error& error);
    std::optional<Duration> retry_delay(const Error& error, bool another_can_help);
    bool follow_redirect(Error& error);
    bool early_refused(const Error& error) const;
    bool fall_back(const Error& error);
    void connect_next_to(const Endpoint& endpoint);
    void add_endpoint_context(Error& error, bool was_open) const;
    bool tls_alert() const;
    void shrink_idle_buffer();
    void end(std::expected<void, Error> how);
    void update_watch();
    std::optional<Time> deadline() const;
    bool busy() const;

    bool connected_phase() const { return phase_ == Phase::opening || phase_ == Phase::open; }

    bool reading() const { return relay.intake == Relay::Intake::reading; }

    std::atomic<pthread_t> owner_ = pthread_self();
    bool in_turn_ = false;
    std::optional<Error> undelivered_;
    std::mutex posting_;
    std::vector<std::function<void()>> posted_;  ///< under posting_
    std::atomic<bool> has_posted_ = false;
    Phase phase_ = Phase::ended;
    std::expected<void, Error> result_;
    std::unique_ptr<net::Connector> connector_;
    std::unique_ptr<Connection> connection_;
    Backoff backoff_;
    Duration last_delay_{};
    std::optional<Time> quick_retry_at_;           ///< the last quick retry
    std::uint32_t tries_ = 0;                      ///< further tries since the last useful connection
    std::vector<net::Address> untried_addresses_;  ///< of target
    std::size_t endpoint_ = 0;                     ///< index in options.endpoints
    std::size_t failed_in_round_ = 0;              ///< endpoints
    bool round_can_be_retried_ = false;            ///< one of these failures is not final
    bool ever_connected_ = false;                  ///< in this run
    bool redirected_ = false;
    bool peer_closed_reported_ = false;  ///< of this connection
    bool room_again_ = false;            ///< the output buffer was full and no longer is
    std::size_t disconnect_size_ = 0;    ///< SIZE_MAX: nothing else was pending
    /// DISCONNECT carries more information than the end of the connection, or bytes before it may not have been read.
    bool end_matters_ = true;
    Time connect_started_{};
    Time connect_deadline_{};
    Time connected_at_{};
    Time confirmed_at_{};  ///< while nothing is read: when the broker's machine had confirmed all output
    Time closing_deadline_{};
    std::size_t closing_left_ = 0;  ///< bytes unconfirmed by the broker's machine when the deadline was set
    Time progress_at_{};            ///< when Session::arrived() is called again
    Time retry_at_{};
    std::optional<Time> shrink_at_;
};

}  // namespace mqttc
