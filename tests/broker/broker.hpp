// The embedded MQTT broker: a part of the tests, never installed. It keeps to MQTT 3.1, 3.1.1 and 5.0 and
// notes every breach of them by a client. All of it runs on one loop and on the thread that calls turn(); see
// broker_thread.hpp for one that runs beside a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "authenticator.hpp"
#include "connection.hpp"
#include "listener.hpp"
#include "loop.hpp"
#include "message.hpp"
#include "options.hpp"
#include "retained_store.hpp"
#include "session_store.hpp"

namespace mqttc::broker {

/// A PUBLISH that a client sent (each arrival, duplicates included).
struct Received {
    std::string client_id;
    MessagePtr message;
    bool dup = false;
    PacketId packet_id = 0;
};

/// A CONNECT that a client sent, accepted or not.
struct Connected {
    std::string client_id;  ///< as sent
    ProtocolVersion version = ProtocolVersion::v311;
    bool clean_start = true;
    std::uint16_t keep_alive = 0;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::optional<StoredWill> will;
    Properties properties;
};

struct Counters {
    std::uint64_t packets_received = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t dropped = 0;  ///< messages that a bound, or a client's packet size, kept from a client
    std::size_t clients_maximum = 0;
    std::size_t connections = 0;  ///< accepted by a listener since the start
};

class Broker {
  public:
    explicit Broker(Options options);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    /// Reads the password file and opens the listeners.
    std::expected<void, Error> start();
    std::expected<void, Error> listen(const ListenerOptions& wanted);
    /// Who comes through that listener from now on meets this transport and this gate.
    void renew(std::size_t listener, StreamFactory make_stream, std::shared_ptr<const Gate> gate);
    /// Waits for something to happen, does it, and sends what it gave rise to.
    void turn(std::optional<Time> deadline = std::nullopt);
    /// Tells every client that the broker ends, as far as that goes without waiting.
    void shut_down();
    net::Loop& loop() { return loop_; }

    // What tests ask and steer.
    std::vector<std::unique_ptr<Listener>>& listeners() { return listeners_; }
    std::uint16_t port() const { return listeners_.empty() ? std::uint16_t{0} : listeners_.front()->port(); }
    std::size_t clients() const { return clients_; }  ///< connected, CONNECT accepted
    const Counters& counters() const { return counters_; }
    const std::vector<std::string>& violations() const { return violations_; }
    void clear_violations() { violations_.clear(); }
    /// The newest Bounds::logged_messages PUBLISH packets and CONNECT packets.
    const std::deque<Received>& received() const { return received_; }
    const std::deque<Connected>& connects() const { return connects_; }
    void forget_received() { received_.clear(); }
    SessionStore& sessions() { return sessions_; }
    RetainedStore& retained() { return retained_; }
    Options& options() { return options_; }
    Behaviour& behaviour() { return options_.behaviour; }
    /// The connection of a client, or nullptr.
    Connection* find_client(std::string_view client_id);
    /// Closes every connection without a word.
    void drop_connections();
    void stop_accepting();
    std::expected<void, Error> resume_accepting();
    /// Sends the PUBACK and PUBREC packets that Behaviour::answer_publish held back.
    void release_acknowledgements();
    /// Publishes as the broker itself.
    void publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once,
                 bool retain = false);

    // What connections use.
    Counters& counters() { return counters_; }
    const Authenticator& authenticator() const { return authenticator_; }
    void record(Received received);
    void record(const Connect& connect);
    void add_violation(std::string text);
    void log(std::string_view text) const;
    bool logging() const { return static_cast<bool>(options_.log); }
    void wants_flush(Connection& connection);
    void finished() { some_finished_ = true; }
    std::string new_client_id();
    /// Makes `connection` the one of the client's session, taking it over from an earlier connection. Returns
    /// true iff the session existed and goes on.
    bool attach(Connection& connection, std::string_view client_id, bool clean_start, Session*& session);
    /// The connection of the session has ended.
    void detach(Session& session, bool with_will);
    /// Keeps the message if it is to be retained and hands it to all who subscribed; returns how many
    /// deliveries.
    std::size_t route(const MessagePtr& message);
    /// Hands one delivery to its session.
    void deliver(Session& session, Outgoing outgoing);
    /// Brings the $SYS topics up to date.
    void update_sys();

  private:
    Listener::Accepted accepts(std::shared_ptr<const Gate> gate);
    struct Delivery {
        Session* session;
        Outgoing outgoing;
    };
    void gather(Session& session, const SubscriptionOptions& options, const MessagePtr& message);
    void flush();
    void publish_will(Session& session);
    void end(Session& session);
    void set_sys(std::string_view topic, const std::string& value);
    void arm_sys_timer();

    Options options_;
    net::Loop loop_;
    Authenticator authenticator_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    SessionStore sessions_;
    RetainedStore retained_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> to_flush_;
    bool some_finished_ = false;
    std::size_t clients_ = 0;
    std::vector<Delivery> deliveries_;
    std::uint64_t route_ = 0;
    Time started_;
    std::uint64_t next_client_id_ = 1;

    Counters counters_;
    std::vector<std::string> violations_;
    std::deque<Received> received_;
    std::deque<Connected> connects_;
};

}  // namespace mqttc::broker
