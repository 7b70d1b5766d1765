// The embedded MQTT broker of the tests, never installed. It implements MQTT 3.1, 3.1.1 and 5.0 and records each violation
// by a client. It runs on one loop, on the thread that calls turn(); broker_thread.hpp has its own thread.
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
    std::uint64_t dropped = 0;  ///< messages not sent because of a bound or the client's maximum packet size
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
    std::expected<void, Error> listen(const ListenerOptions& options);
    /// New connections of that listener use this transport and access control.
    void replace(std::size_t listener, StreamFactory make_stream,
                 std::shared_ptr<const AccessControl> access);
    /// Waits for events, handles them, and writes the output.
    void turn(std::optional<Time> deadline = std::nullopt);
    /// Sends DISCONNECT to each client, without waiting.
    void shut_down();
    net::Loop& loop() { return loop_; }

    // For tests.
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
    /// Closes each connection without DISCONNECT.
    void drop_connections();
    void stop_accepting();
    std::expected<void, Error> resume_accepting();
    /// Sends the PUBACK and PUBREC packets that Behaviour::answer_publish held back.
    void release_acknowledgements();
    /// Publishes as the broker itself.
    void publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once,
                 bool retain = false);

    // For connections.
    Counters& counters() { return counters_; }
    const Authenticator& authenticator() const { return authenticator_; }
    void record(Received received);
    void record(const Connect& connect);
    void add_violation(std::string text);
    void log(std::string_view text) const;
    bool logging() const { return static_cast<bool>(options_.log); }
    void request_flush(Connection& connection);
    void finished() { some_finished_ = true; }
    std::string new_client_id();
    /// Attaches the client's session to `connection` and disconnects its earlier connection. Returns true iff the session
    /// existed and is resumed.
    bool attach(Connection& connection, std::string_view client_id, bool clean_start, Session*& session);
    /// The connection of the session has ended.
    void detach(Session& session, bool with_will);
    /// Stores the message if it is retained and delivers it to all subscribers.
    void route(const MessagePtr& message);
    /// Whether a session would get the message now.
    bool has_receivers(const Message& message);
    /// Sends or queues one delivery.
    void deliver(Session& session, Outgoing outgoing);
    /// Updates the $SYS topics.
    void update_sys();

  private:
    Listener::Accepted on_accepted(std::shared_ptr<const AccessControl> access);
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
