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

namespace mqttc {

/// How often and how fast a connection is tried again.
struct ReconnectPolicy {
    static constexpr std::uint32_t forever = UINT32_MAX;
    std::uint32_t first = 0;        ///< further tries for the first connection
    std::uint32_t later = forever;  ///< tries after a connection was lost
    Duration min_delay = std::chrono::seconds(1);
    Duration max_delay = std::chrono::seconds(60);  ///< the delay doubles from min to max, with jitter
};

struct ClientOptions {
    Endpoint endpoint;
    SessionOptions session;
    ReconnectPolicy reconnect;
    Duration connect_timeout = std::chrono::seconds(30);  ///< names, TCP, TLS, WebSocket and CONNACK together
    /// Longest wait for output to drain at disconnect(). After DISCONNECT has been handed to the kernel the transport is
    /// closed at once, unless the other side may still send: then its end is waited for, as long as written bytes are
    /// under way (at most this long) and a moment longer, because closing before a message comes in would throw away
    /// what is under way.
    Duration disconnect_timeout = std::chrono::seconds(5);
};

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

class MQTTC_API Client {
  public:
    /// `handler` must outlive the client.
    Client(ClientOptions options, ClientHandler& handler);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Connects and turns the loop until disconnect() is complete (value), stop() was called (value), or the connection
    /// has failed for good (error).
    std::expected<void, Error> run();
    /// Ends run() after the present turn, without DISCONNECT.
    void stop();
    /// Orderly end: waits until all pending output is written (up to disconnect_timeout), sends DISCONNECT, closes, ends
    /// run(). While not connected it ends run() at once.
    void disconnect(ReasonCode code = reason::success, PropertiesView properties = {});

    // As in Session.
    bool can_publish(Qos qos) const;
    std::expected<PacketId, Error> publish(const Publish& message, PayloadMode mode = PayloadMode::copied);
    std::expected<PacketId, Error> publish(const Publish& message, std::shared_ptr<const void> owner);
    std::expected<std::size_t, Error> publish_each(const Publish& common, std::span<const Bytes> payloads);
    std::expected<PacketId, Error> subscribe(std::span<const Subscription> subscriptions,
                                             PropertiesView properties = {});
    std::expected<PacketId, Error> unsubscribe(std::span<const std::string_view> filters,
                                               PropertiesView properties = {});
    std::expected<void, Error> ping();

    /// Bytes written on the present connection of which the other machine has not said that they arrived.
    std::size_t unarrived() const;

    /// After on_publish returned false: true stops reading from the broker, false offers the packet again.
    void pause(bool paused);

    /// Calls `ready` in each turn in which `fd` is readable or at its end (regular files always are). Replaces an
    /// earlier watch of the same descriptor; the client does not own it.
    void watch(int fd, std::function<void()> ready);
    void unwatch(int fd);
    using TimerId = std::uint64_t;
    /// Calls `due` once, in the first turn at or after `when`.
    TimerId at(Time when, std::function<void()> due);
    void cancel(TimerId timer);
    /// Calls `arrived` from the loop (not from the signal handler) after the signal; the process's earlier disposition
    /// is restored when the client is destroyed.
    void on_signal(int signal_number, std::function<void()> arrived);

    /// The time of the present turn.
    Time now() const;
    const Session& session() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mqttc
