// One client on one broker: connects, reconnects with back-off, moves bytes between the transport and a Session, and
// carries the small loop that the programs live in.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/session.hpp"
#include "mqttc/types.hpp"
#include "mqttc/url.hpp"

namespace mqttc {

/// How often and how fast a connection is tried again.
struct ReconnectPolicy {
    static constexpr std::uint32_t forever = UINT32_MAX;  ///< as a number of tries: no end
    std::uint32_t first = 0;                              ///< further tries for the first connection
    std::uint32_t later = forever;  ///< tries after a connection was lost; counted anew after each CONNACK
    Duration min_delay = std::chrono::seconds(1);   ///< before the first of these tries
    Duration max_delay = std::chrono::seconds(60);  ///< the delay doubles from min to max, with jitter
};

/// What a client is made from.
struct ClientOptions {
    Endpoint endpoint;          ///< the broker and the road to it
    SessionOptions session;     ///< what is said to the broker
    ReconnectPolicy reconnect;  ///< what is done when it can't be reached, or is lost
    Duration connect_timeout = std::chrono::seconds(30);  ///< names, TCP, TLS, WebSocket and CONNACK together
    /// Longest wait for output to drain at disconnect(). After DISCONNECT has been handed to the kernel the transport is
    /// closed at once, unless the other side may still send: then its end is waited for, as long as written bytes are
    /// under way (at most this long) and a moment longer, because closing before a message comes in would throw away
    /// what is under way.
    Duration disconnect_timeout = std::chrono::seconds(5);
};

/// What a URL says of a client: the endpoint, with the defaults of TlsOptions and WebSocketOptions where the scheme asks for
/// TLS or WebSocket, user name and password. Its topic is the caller's.
[[nodiscard]] MQTTC_API ClientOptions client_options(const Url& url);

/// Receives a client's events, all from inside Client::run. Views live until the call returns.
class ClientHandler : public SessionHandler {
  public:
    /// Once per turn, before anything is written: what on_publish has buffered must now be made durable (written to
    /// stdout), because the acknowledgements go out next.
    virtual void on_turn_end() {}
    /// Once per turn while connected and something could be published: fetch input and publish, as long as
    /// can_publish() says so; a buffer that was full and has been written brings the next turn at once.
    virtual void on_room() {}
    /// The other side has gone while nothing is read: on_publish has refused a message, or pause() holds. Once per
    /// connection. `more`: bytes have come behind the message that was refused. True: what has come is not wanted any
    /// more, and the connection is lost at once. False: it is offered first, and on_connection_lost follows it.
    virtual bool on_peer_gone(bool /*more*/) { return false; }
    /// A connection attempt failed or a connection was lost. `retry_in`: when the next try starts; none = run() ends
    /// with this error.
    virtual void on_connection_lost(const Error&, std::optional<Duration> /*retry_in*/) {}
};

/// One client on one broker, with a loop of its own: a Session over a transport, connected again as the policy says.
/// All of it belongs to one thread, from the constructor to the destructor. Handlers and callbacks may call any member
/// but run() and the destructor, and let no exception out.
class MQTTC_API Client {
  public:
    /// Connects to nothing yet. `handler` must outlive the client.
    Client(ClientOptions options, ClientHandler& handler);
    /// Closes without DISCONNECT what is still open.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Connects and turns the loop until disconnect() is complete (value), stop() was called (value), or the connection
    /// has failed for good (error; out_of_memory too). May be called again: the session goes on.
    [[nodiscard]] std::expected<void, Error> run();
    /// Ends run() after the present turn, without DISCONNECT. Before run() it has no effect.
    void stop();
    /// Orderly end: waits until all pending output is written (up to disconnect_timeout), sends DISCONNECT, closes, ends
    /// run(). While not connected it ends run() at once.
    void disconnect(ReasonCode code = reason::success, PropertiesView properties = {});

    /// As Session::can_publish.
    [[nodiscard]] bool can_publish(Qos qos) const;
    /// As Session::publish, at the time of the present turn; it is written at the end of that.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message,
                                                         PayloadMode mode = PayloadMode::copied);
    /// As Session::publish with an owner of the payload.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message,
                                                         std::shared_ptr<const void> owner);
    /// As Session::publish_each.
    [[nodiscard]] std::expected<std::size_t, Error> publish_each(const Publish& common,
                                                                 std::span<const Bytes> payloads);
    /// As Session::subscribe: possible from on_connack on.
    [[nodiscard]] std::expected<PacketId, Error> subscribe(std::span<const Subscription> subscriptions,
                                                           PropertiesView properties = {});
    /// As Session::unsubscribe.
    [[nodiscard]] std::expected<PacketId, Error> unsubscribe(std::span<const std::string_view> filters,
                                                             PropertiesView properties = {});
    /// As Session::ping.
    [[nodiscard]] std::expected<void, Error> ping();
    /// As Session::auth.
    [[nodiscard]] std::expected<void, Error> auth(ReasonCode code, PropertiesView properties = {});

    /// What a connection in the making waits for, in the words with which the try would end if its time were over now
    /// (ErrorCode::name_timeout or connect_timeout). Empty: connected, or no try is under way.
    [[nodiscard]] std::optional<Error> awaited() const;
    /// Bytes written on the present connection of which the other machine has not said that they arrived.
    std::size_t unarrived() const;

    /// True: nothing is read from the broker, which soon can send no more; its answers are not waited for meanwhile.
    /// False: reading goes on, and a message that on_publish refused is offered again.
    void pause(bool paused);

    /// Calls `ready` in each turn in which `fd` is readable or at its end (regular files always are). Replaces an
    /// earlier watch of the same descriptor; the client does not own it.
    void watch(int fd, std::function<void()> ready);
    /// Forgets the descriptor; nothing happens when it was not watched. Before it is closed, not after.
    void unwatch(int fd);
    /// Names a timer; never used twice by one client.
    using TimerId = std::uint64_t;
    /// Calls `due` once, in the first turn at or after `when`.
    TimerId at(Time when, std::function<void()> due);
    /// Forgets the timer; nothing happens when it has been due already.
    void cancel(TimerId timer);
    /// Calls `arrived` from the loop (not from the signal handler) after the signal. From now on this thread, and what it
    /// starts, has the signal blocked but while the loop waits; disposition and mask come back when the client is
    /// destroyed. One client of the process at a time may take a signal. False: no such signal, or none that can be
    /// caught.
    bool on_signal(int signal_number, std::function<void()> arrived);

    /// The time of the present turn.
    Time now() const;
    /// The session, to look at; lives as long as the client.
    const Session& session() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mqttc
