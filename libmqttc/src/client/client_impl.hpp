// The inside of a Client: its states, and what passes between handler, session and connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backoff.hpp"
#include "connect.hpp"
#include "connection.hpp"
#include "loop.hpp"
#include "mqttc/client.hpp"
#include "receive_buffer.hpp"

namespace mqttc {

/// Hands the session's events on to the handler and notes what the client must know of them.
class Relay final : public SessionHandler {
  public:
    explicit Relay(ClientHandler& handler) : handler_(handler) {}

    void on_connack(const Connack& packet) override;
    bool on_publish(const Publish& message) override {
        peer_talks = true;
        refused = !handler_.on_publish(message);
        return !refused;
    }
    void on_delivered(PacketId id, ReasonCode code, PropertiesView properties) override {
        handler_.on_delivered(id, code, properties);
    }
    void on_suback(const Suback& packet) override { handler_.on_suback(packet); }
    void on_unsuback(const Unsuback& packet) override { handler_.on_unsuback(packet); }
    void on_disconnect(const Disconnect& packet) override;
    bool on_auth(const Auth& packet) override { return handler_.on_auth(packet); }

    /// For a new connection.
    void reset() {
        peer_talks = refused = accepted = false;
        server_reference.clear();
    }

    bool peer_talks = false;  ///< messages come on this connection
    bool refused = false;     ///< the last message was not taken
    bool accepted = false;    ///< CONNACK said yes
    std::string server_reference;

  private:
    ClientHandler& handler_;
};

struct Client::Impl {
    Impl(ClientOptions given, ClientHandler& to);

    std::expected<void, Error> run();
    std::optional<Error> awaited() const;
    std::size_t unarrived() const { return connection_ ? connection_->unarrived() : 0; }

    ClientOptions options;
    ClientHandler& handler;
    net::Loop loop;
    Session session;
    Relay relay;
    ReceiveBuffer buffer;
    bool paused = false;
    bool offer_again = false;  ///< pause(false) was called: the packet in front is offered in the next turn
    bool stopping = false;

    /// disconnect() was called.
    struct Farewell {
        ReasonCode code;
        Properties properties;
    };
    std::optional<Farewell> farewell;

  private:
    enum class Phase : std::uint8_t {
        connecting,  ///< the connector works
        opening,     ///< CONNECT is out, CONNACK is not in
        open,
        closing,    ///< DISCONNECT is behind the pending output
        lingering,  ///< all is with the kernel
        waiting,    ///< for the next try
        ended,
    };

    void step();
    void connect();
    Error no_connack(Duration waited) const;
    void look_at_connector();
    void serve();
    std::optional<Error> receive();
    std::optional<Error> peer_gone();
    std::optional<Error> peer_silent();
    Duration silence_patience() const;
    std::optional<Time> silence_deadline() const;
    void begin_closing();
    void carry_on_closing();
    void linger();
    void lost(Error error);
    std::optional<Duration> retry_delay(const Error& error);
    bool follow_redirect(const Error& error);
    void say_where(Error& error, bool was_open) const;
    bool tls_alert() const;
    void mind_buffer();
    void end(std::expected<void, Error> how);
    void update_watch();
    std::optional<Time> deadline() const;
    bool busy() const;

    bool connected_phase() const { return phase_ == Phase::opening || phase_ == Phase::open; }

    bool reading() const { return !paused && !relay.refused; }

    Phase phase_ = Phase::ended;
    std::expected<void, Error> result_;
    Endpoint target_;  ///< options.endpoint, or where the broker sent us
    std::unique_ptr<net::Connector> connector_;
    std::unique_ptr<Connection> connection_;
    Backoff backoff_;
    Duration last_delay_{};
    std::uint32_t tries_ = 0;      ///< further tries since the last connection
    bool ever_connected_ = false;  ///< in this run
    bool redirected_ = false;
    bool told_peer_gone_ = false;  ///< of this connection
    bool room_again_ = false;      ///< the output buffer was full and is not any more
    std::size_t farewell_size_ = 0;
    Time connect_began_{};
    Time connect_deadline_{};
    Time connected_at_{};
    Time taken_at_{};  ///< while nothing is read: when the other side had taken all that was written
    Time closing_deadline_{};
    Time retry_at_{};
    std::optional<Time> shrink_at_;
};

}  // namespace mqttc
