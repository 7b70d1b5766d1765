// One client of one broker: connects, reconnects with back-off, moves bytes between the transport and a Session, alone or
// in the event loop of a program.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/callback.hpp"
#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/session.hpp"
#include "mqttc/types.hpp"
#include "mqttc/url.hpp"

namespace mqttc {

/// How often and how soon a connection is tried again. With several endpoints a try is a round through all of them.
struct ReconnectPolicy {
    static constexpr std::uint32_t forever = UINT32_MAX;  ///< as a number of tries: no end
    std::uint32_t first = 0;                              ///< further tries for the first connection
    /// Tries in a row after a connection was lost; a connection on which a message was acknowledged or received, or
    /// that lasted 10 s, resets the count.
    std::uint32_t later = forever;
    /// After a first connection, whatever the broker says is temporary (CONNACK and DISCONNECT codes), except that
    /// another client uses the identifier.
    bool after_refusal = false;
    Duration min_delay = std::chrono::seconds(1);   ///< before the first of these tries; zero: up to 0.1 s
    Duration max_delay = std::chrono::seconds(60);  ///< the delay doubles from min to max, with jitter
    /// The delay before the first try after a good connection, at most once in 10 s: from this to three times this; with
    /// subscriptions in the first half of that range, to miss little. No effect unless it is below min_delay.
    Duration quick_delay = std::chrono::milliseconds(100);
};

/// What a client is made from.
struct ClientOptions {
    Endpoint endpoint;  ///< the broker's address and how to reach it
    /// Brokers that can replace each other; unless empty, used instead of `endpoint`. They are tried in this order: when one
    /// cannot be reached, refuses, or does not answer within connect_timeout, the next one is tried at once. After a round
    /// through all of them the client waits as `reconnect` says, or ends if all failures are final. It stays with an endpoint
    /// that works. When that connection is lost it is tried again first, at once; if it had stopped answering, the next one
    /// is. An endpoint works if the connection lasted `reconnect.min_delay`, and 10 s or until a message was acknowledged or
    /// received. The session continues on each of them: for QoS 2 messages to arrive exactly once, the brokers must share
    /// their sessions, as the nodes of a cluster do.
    std::vector<Endpoint> endpoints;
    SessionOptions session;     ///< the MQTT session
    ReconnectPolicy reconnect;  ///< for a broker that cannot be reached, or a lost connection
    /// Names, TCP, TLS, WebSocket and CONNACK together. When a name has several addresses and the handshake or the broker
    /// at one of them fails with an error that is worth a try, or this time ends, the addresses that have not failed are
    /// tried at once, each with this time.
    Duration connect_timeout = std::chrono::seconds(30);
    /// Longest wait for output to drain at disconnect(). After DISCONNECT was written the transport is
    /// closed at once, unless the broker may still send: then the client waits for the broker to close, while written
    /// bytes are unconfirmed (at most this long) and 50 ms longer, because closing before a message arrives would
    /// discard what is in flight.
    Duration disconnect_timeout = std::chrono::seconds(5);
    /// Connect to the server that the broker names with "use another server" or "server moved" (MQTT 5.0 section 4.11):
    /// to another port of the same host, or over TLS with `verify`, once. Otherwise run() ends with an error that names
    /// the server.
    bool follow_redirect = false;
    /// When the broker does not accept session.version, or closes, before the first CONNACK that accepts: connect again at
    /// once with this version, for the rest of the run, without the properties of CONNECT and the Will. Not if messages wait
    /// that were published or restored before: they are stored as this version sends them. Nothing is sent before CONNACK
    /// then (SessionOptions::subscribe_before_connack).
    std::optional<ProtocolVersion> fallback_version = {};
};

/// The options that a URL contains: the endpoint, with the defaults of TlsOptions and WebSocketOptions if the scheme
/// requires TLS or WebSocket, user name and password. Its topic is left to the caller.
[[nodiscard]] MQTTC_API ClientOptions client_options(const Url& url);

/// Receives a client's events, all from inside Client::run or Client::turn. Views are valid until the call returns.
class ClientHandler : public SessionHandler {
  public:
    /// A connection attempt to this endpoint begins. It is the time for Client::set_credentials(), and for changing what may
    /// expire in the endpoint for this attempt: WebSocket headers, credentials of the proxy, TLS files; not its address.
    virtual void on_connecting(Endpoint& /*endpoint*/) {}
    /// With SessionOptions::subscribe_before_connack, at most once: CONNECT is written in this turn, and what is subscribed to
    /// now is sent with it. Without a call, and for the rest, there is on_connack().
    virtual void on_opened() {}
    /// The broker has not answered what was sent before CONNACK: it closed the connection or began with another packet than
    /// CONNACK, or half of SessionOptions::ack_timeout has passed; or it has ended the connection for a request that CONNACK
    /// does not allow. The requests without an answer are sent after CONNACK on another connection, which is tried at once. This
    /// error is reported nowhere else.
    virtual void on_early_refused(const Error& /*error*/) {}
    /// Once per turn, before anything is written: what on_publish has buffered must now be made durable (written to
    /// stdout), because the acknowledgements are written next, except those that are held.
    virtual void on_turn_end() {}
    /// Once per turn while connected and something could be published: fetch input and publish, as long as
    /// can_publish() says so; a buffer that was full and has been written starts the next turn at once.
    virtual void on_room() {}
    /// The broker has closed while nothing is read: on_publish has postponed a message, or pause() holds. Once per
    /// connection. `has_unread`: more bytes were received after the postponed message. Return true if what was received is
    /// no longer needed: the connection is closed at once. False: it is offered first, then on_connection_lost is called.
    virtual bool on_peer_closed(bool /*has_unread*/) { return false; }
    /// A connection attempt failed or a connection was lost. `retry_in`: when the next try starts (zero: at once, to the
    /// next of ClientOptions::endpoints or to the server of a redirect); none = run() ends with this error. Not called
    /// while another address of the same endpoint is left to try.
    virtual void on_connection_lost(const Error&, std::optional<Duration> /*retry_in*/) {}
    /// ClientOptions::fallback_version is used from now on; this error of the first version is reported nowhere else.
    virtual void on_version_fallback(const Error& /*error*/) {}
};

/// One client of one broker: a Session over a transport, reconnected according to the policy. run() is its own event loop;
/// descriptor(), deadline() and turn() make it a part of any other, together with other clients.
///
/// A client belongs to the thread that calls run() or turn(), until then to the one that constructed it. Only post() and
/// stop() may be called from other threads; any other call from there aborts the program with a message that names it.
/// Handlers and callbacks may call any member except run(), turn() and the destructor, and must not throw.
class MQTTC_API Client {
  public:
    /// Does not connect yet. `handler` must outlive the client.
    Client(ClientOptions options, ClientHandler& handler);
    /// Closes an open connection without DISCONNECT.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Connects and runs the loop until disconnect() is complete (value), stop() was called (value), or the connection
    /// has failed permanently (error; out_of_memory too). May be called again: the session continues.
    [[nodiscard]] std::expected<void, Error> run();

    /// One turn without waiting: does what can be done now. The first one starts to connect. True: call it again when
    /// descriptor() is readable or deadline() is reached; a call too many does no harm. False, and errors: as the end of
    /// run(). After that a further call starts again.
    [[nodiscard]] std::expected<bool, Error> turn();
    /// For turn() in another loop: readable while there is something to do, also after post(), stop() and any call outside
    /// of turn() that needs one. It is an epoll(7) descriptor that belongs to the client and stays the same. -1: none can be
    /// created (errno).
    int descriptor();
    /// When turn() must be called though descriptor() is not readable; changes with every turn. A time that has passed: at
    /// once. None: never, or the client has ended.
    std::optional<Time> deadline() const;

    /// From any thread: calls `function` once in the client's thread, from run() or turn(), which is woken at once. Posted
    /// functions are called in their order, before the session sends anything. The queue has no limit. While the client does
    /// not run they wait for its next start; its destructor destroys them uncalled.
    void post(std::function<void()> function);
    /// From any thread: ends run() or turn() at once, without DISCONNECT. While the client does not run it ends the next run
    /// at its start.
    void stop();
    /// Orderly end: waits until all pending output is written (up to disconnect_timeout), sends DISCONNECT, closes, ends
    /// run(). While not connected it ends run() at once.
    void disconnect(ReasonCode code = reason::success, PropertiesView properties = {});
    /// disconnect() as soon as every published message is delivered (QoS 1 and 2: acknowledged, QoS 0: written) and nothing
    /// else is waiting, over reconnects if necessary; more may be published meanwhile. After `timeout` it disconnects anyway,
    /// and run() or turn() returns ErrorCode::ack_timeout with the number of messages that were not delivered.
    void disconnect_when_delivered(Duration timeout);

    /// As Session::set_credentials; to be called in ClientHandler::on_connecting.
    void set_credentials(std::optional<std::string> username, std::optional<Secret> password);
    /// As Session::restore, before the first run() or turn(); save() is a member of session().
    [[nodiscard]] std::expected<void, Error> restore(Bytes saved);

    /// As Session::can_publish.
    [[nodiscard]] bool can_publish(Qos qos) const;
    /// As Session::publish, at the time of the present turn; it is written at the end of that.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message,
                                                         PayloadMode mode = PayloadMode::copied);
    /// As Session::publish with an owner of the payload.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message,
                                                         std::shared_ptr<const void> owner);
    /// As Session::publish; `on_done` is called when this message is finished, after ClientHandler::on_delivered; at QoS 0,
    /// in the next turn.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message, OnDone on_done);
    /// As Session::withdraw; a function given to publish() is destroyed and not called.
    bool withdraw(PacketId id);
    /// As Session::publish_each.
    [[nodiscard]] std::expected<std::size_t, Error> publish_each(const Publish& common,
                                                                 std::span<const Bytes> payloads);
    /// As Session::subscribe: possible from on_connack on, or from on_opened on.
    [[nodiscard]] std::expected<PacketId, Error> subscribe(std::span<const Subscription> subscriptions,
                                                           PropertiesView properties = {});
    /// Gives the messages that match the filter to `on_message` instead of ClientHandler::on_publish, until unsubscribe().
    /// Possible at any time: SUBSCRIBE is sent while connected, for each subscription one, and after a reconnect as of
    /// subscribe() above. `on_done`: the granted QoS, or 0x80 and above: refused; implementation_specific_error also when
    /// a limit that CONNACK contains forbids it. A filter that is given again replaces the first. Each function whose
    /// filter matches is called for a message; if the first one answers Accept::later only that. A broker may send a
    /// message once for each of these filters. Error: usage (the filter is invalid; `on_message` is never called).
    [[nodiscard]] std::expected<void, Error> subscribe(const Subscription& subscription, OnMessage on_message,
                                                       OnDone on_done = {});
    /// As Session::unsubscribe. Messages of these filters no longer go to the functions of subscribe().
    [[nodiscard]] std::expected<PacketId, Error> unsubscribe(std::span<const std::string_view> filters,
                                                             PropertiesView properties = {});
    /// As Session::ping.
    [[nodiscard]] std::expected<void, Error> ping();
    /// As Session::auth.
    [[nodiscard]] std::expected<void, Error> auth(ReasonCode code, PropertiesView properties = {});

    /// What a connection attempt waits for: the error with which it would end if it timed out now
    /// (ErrorCode::name_timeout or connect_timeout). Empty: connected, or there is no attempt.
    [[nodiscard]] std::optional<Error> awaited() const;
    /// True: nothing is read from the broker, which soon cannot send any more; meanwhile no answer of it is late.
    /// False: reading continues, and a message that on_publish postponed is offered again.
    void pause(bool paused);
    /// As Session::ack_token.
    AckToken ack_token(const Publish& message) const;
    /// As Session::acknowledge.
    void acknowledge(const AckToken& token);
    /// As Session::release_acknowledgements.
    void release_acknowledgements();

    /// Calls `ready` in each turn in which `fd` is readable or at its end (regular files always are). Replaces an
    /// earlier watch of the same descriptor; the client does not own it.
    void watch(int fd, std::function<void()> ready);
    /// Ends the watch; no effect if there is none. Call it before the descriptor is closed.
    void unwatch(int fd);
    /// Identifies a timer; never used twice by one client.
    using TimerId = std::uint64_t;
    /// Calls `due` once, in the first turn at or after `when`.
    TimerId at(Time when, std::function<void()> due);
    /// Removes the timer; no effect if it has been due already.
    void cancel(TimerId timer);
    /// Calls `arrived` from the loop (not from the signal handler) after the signal. From now on the signal is blocked in
    /// this thread and those it starts, except while the loop waits; disposition and mask are restored when the client
    /// is destroyed. Only one client of the process at a time can handle a signal. It wakes run(), not descriptor(): in
    /// another loop, use the means of that. False: the signal does not exist or cannot be caught.
    bool on_signal(int signal_number, std::function<void()> arrived);

    /// The time of the present turn.
    Time now() const;
    /// The present endpoint of ClientOptions, or the one that a redirect leads to; valid as long as the client.
    const Endpoint& endpoint() const;
    /// The session, read-only; valid as long as the client.
    const Session& session() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mqttc
