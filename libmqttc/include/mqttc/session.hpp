// The MQTT client session as a pure state machine: bytes and times in, bytes and events out. No I/O, no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// A Will that owns its data.
struct WillMessage {
    std::string topic;            ///< a topic name: not empty, no wildcards
    std::string payload;          ///< any bytes, at most 65,535
    Qos qos = Qos::at_most_once;  ///< with which the broker publishes it
    bool retain = false;          ///< whether the broker keeps it as a retained message
    Properties properties;        ///< v5: the properties of the Will (section 3.1.3.2)
};

/// Sees every packet that a session sends (when it is encoded) and receives (when it is decoded), for -d.
class PacketTrace {
  public:
    virtual ~PacketTrace() = default;
    /// A packet was encoded. Views in it live until the call returns.
    virtual void sent(const Packet& packet) = 0;
    /// A packet was decoded, before the session acts on it. Views in it live until the call returns.
    virtual void received(const Packet& packet) = 0;
};

/// What a session is made from.
struct SessionOptions {
    ProtocolVersion version = ProtocolVersion::v311;  ///< which MQTT is spoken
    std::string client_id;    ///< empty: the broker assigns one (3.1.1 and 5 with a clean session)
    bool clean_start = true;  ///< of the first connection; later ones of the same Session never ask for a
                              ///< clean start while there is state to resume (v5), or repeat the choice (3.x)
    std::uint16_t keep_alive = 60;        ///< seconds, 0 = off
    std::optional<std::string> username;  ///< UTF-8, at most 65,535 bytes
    std::optional<Secret> password;       ///< any bytes, at most 65,535; in 3.x only beside a user name
    std::optional<WillMessage> will;  ///< published by the broker when the connection ends without DISCONNECT
    Properties connect_properties;    ///< v5: those of CONNECT (section 3.1.2.11)

    std::uint16_t max_inflight = 20;  ///< QoS 1/2 messages sent and not yet acknowledged; the broker's
                                      ///< receive maximum may lower it; 0: none can be published
    std::size_t max_packet_size =
        max_remaining_length + 5;  ///< largest packet accepted from the broker, bytes
    std::size_t max_output_bytes =
        256 * 1024;  ///< publish() answers buffer_full while pending output is above this
    Duration ack_timeout = std::chrono::seconds(20);  ///< longest silence after a packet that wants an answer
        ///< (SUBSCRIBE, PUBLISH QoS 1/2, …) is written; zero = off.
        ///< Not for CONNECT: who opens the transport bounds both together
    bool use_topic_aliases = true;  ///< v5: use aliases for outgoing topics as far as the broker allows
    PacketTrace* trace = nullptr;   ///< must outlive the session
};

/// What the broker allows, from CONNACK (section 3.2.2.3). Before CONNACK and in 3.x: the defaults.
struct Limits {
    std::uint16_t receive_maximum = 65'535;  ///< messages of QoS 1 and 2 in flight to the broker
    Qos maximum_qos = Qos::exactly_once;     ///< of messages to the broker
    bool retain_available = true;            ///< messages to the broker may have the retain flag
    std::uint32_t maximum_packet_size = max_remaining_length + 5;  ///< bytes of a packet to the broker
    std::uint16_t topic_alias_maximum = 0;          ///< highest topic alias to the broker; 0: none
    bool wildcard_subscription_available = true;    ///< filters may have + and #
    bool subscription_identifier_available = true;  ///< SUBSCRIBE may carry one
    bool shared_subscription_available = true;      ///< "$share/group/filter" may be subscribed to
    std::uint16_t keep_alive = 0;                   ///< seconds in force: the server's or ours
    std::uint32_t session_expiry_interval = 0;      ///< seconds in force
    std::string client_id;                          ///< ours or the assigned one
};

/// Receives a session's events, all from inside Session::receive. Views live until the call returns. A
/// handler may call what makes packets pending (publish, subscribe, unsubscribe, disconnect, ping, auth) and
/// what only looks at the session, and lets no exception out.
class SessionHandler {
  public:
    virtual ~SessionHandler() = default;

    /// CONNACK, a refusal too (code != 0; receive() then fails with connection_refused). A session that is present
    /// although this Session is new is taken: it is one of an earlier process (MQTT-3.2.2-4 notwithstanding).
    virtual void on_connack(const Connack&) {}
    /// An application message. True: taken, it will be acknowledged. False: not now; receive() stops in front
    /// of this packet, nothing of it is acknowledged or remembered, and it is offered again at the next
    /// receive().
    virtual bool on_publish(const Publish&) { return true; }
    /// An outgoing QoS 1/2 message is finished: PUBACK, PUBCOMP, or a PUBREC with a failure. `code` is 0
    /// in 3.x. Also for a message of an earlier connection that the present broker's limits forbid, with the
    /// code that says so.
    virtual void on_delivered(PacketId, ReasonCode, PropertiesView) {}
    /// Subscriptions that are repeated after a reconnect are answered here too, with their first packet
    /// identifier; for those that the new broker's limits forbid, the session itself answers with codes that
    /// say so.
    virtual void on_suback(const Suback&) {}
    /// The answer to unsubscribe().
    virtual void on_unsuback(const Unsuback&) {}
    /// v5: the broker ends the connection and says why; receive() then fails with server_disconnect.
    virtual void on_disconnect(const Disconnect&) {}
    /// The broker asks for a further step of the authentication method, or says that a repeated
    /// authentication is complete. True: understood (the answer is Session::auth). False: receive() takes
    /// leave of the broker and fails with usage.
    virtual bool on_auth(const Auth&) { return false; }
};

/// How publish() keeps the payload.
enum class PayloadMode : std::uint8_t {
    copied,    ///< the session copies what it needs
    borrowed,  ///< the caller keeps the bytes unchanged until they are sent (QoS 0: pending() has passed
               ///< them) or acknowledged (QoS 1/2: on_delivered), and over reconnects; nothing but a few KiB
               ///< is copied
};

/// What a session has done since it was made.
struct Counters {
    std::uint64_t published = 0;  ///< messages that publish() took
    std::uint64_t delivered = 0;  ///< of these, QoS 1/2: acknowledged
    std::uint64_t refused = 0;    ///< of these, QoS 1/2: finished with a code of 0x80 or above
    std::uint64_t dropped = 0;    ///< of these, QoS 0: lost with a connection that had carried a part of them
                                  ///< or did not bring them to the other machine, or did not fit
                                  ///< max_output_bytes or the limits of the next broker
    std::uint64_t received = 0;   ///< messages that on_publish took
    std::uint64_t duplicates = 0;  ///< QoS 2 messages that came again and were not given to on_publish
};

/// The client's side of an MQTT session: a state machine without I/O, clock and thread.
///
/// Inside any loop it is used like this (mqttc(3) has a whole program; tests/unit/session/example.cpp is run):
///
///     mqttc::Session session(options);
///     session.opened(now);                                // the transport is connected: CONNECT is pending
///
///     auto out = session.pending();                       // write these bytes to the transport
///     auto count = write(fd, out.data(), out.size());
///     if (count > 0) session.sent(count, now);
///
///     auto used = session.receive(bytes_read, now, handler);   // calls handler.on_publish and friends
///     if (!used) fail(used.error());                      // pending() may hold a DISCONNECT that says why
///     else drop(*used);                                   // from the front of what was read; the rest is kept
///
///     if (session.deadline() && *session.deadline() <= now) {
///         if (auto alive = session.tick(now); !alive) fail(alive.error());   // keep-alive, acknowledgements
///     }
///     session.closed(now);                                // the transport is gone; call opened() to go on
///
/// What outlives a connection (unacknowledged messages, QoS 2 identifiers received, subscriptions) stays over
/// closed() and opened(): unacknowledged PUBLISH and PUBREL are sent again in order after the next CONNACK,
/// with DUP when the broker still has the session, anew when not (MQTT 5.0 sections 4.1, 4.4, 4.6). A QoS 2
/// message that the broker has answered with PUBREC is the broker's own: if that broker then loses the
/// session, the message must not be published again (MQTT-4.3.3-6) and counts as delivered. MQTT 3.1 does not
/// tell whether the session is present: it is taken to be after a connection without clean session, and the
/// subscriptions are repeated all the same.
class MQTTC_API Session {
  public:
    /// Not connected. What is wrong with the options is told by tick() after opened().
    explicit Session(SessionOptions options);
    ~Session();
    /// Views that `from` has handed out belong to the new session.
    Session(Session&& from) noexcept;
    /// As the constructor; what this session held is gone.
    Session& operator=(Session&& from) noexcept;

    /// The transport is connected: makes CONNECT pending.
    void opened(Time now);
    /// The transport is gone. Forgets what belongs to the connection and nothing else. Whole QoS 0 messages
    /// that were pending and of which not one byte was sent are kept for the next connection. `unarrived`:
    /// the last so many bytes that sent() was told of did not reach the other machine, as far as is known;
    /// QoS 0 messages in them count as dropped.
    void closed(Time now, std::size_t unarrived = 0);

    /// Takes bytes from the broker; returns how many were consumed (whole packets; the caller keeps the rest
    /// and gives it again with more behind it; after disconnect() all bytes are consumed and none looked at).
    /// On error the connection must be closed after pending() has been written: it holds the DISCONNECT that
    /// the standard asks for (v5, section 4.13). Error codes: protocol_error, connection_refused (CONNACK,
    /// reason = its code), server_disconnect, usage (an authentication method that the handler does not know).
    [[nodiscard]] std::expected<std::size_t, Error> receive(Bytes bytes, Time now, SessionHandler& handler);
    /// How many bytes the packet at the front of the receive buffer needs in all, if that is known and more
    /// than `bytes` holds: lets the caller make room once. 0 = not known.
    std::size_t needs(Bytes bytes) const;

    /// Nothing will be received for a while because the caller does not want to: until the next receive()
    /// neither PINGRESP nor acknowledgements are missed.
    void pause();

    /// True iff publish() would neither answer window_full nor buffer_full.
    [[nodiscard]] bool can_publish(Qos qos) const;
    /// Makes a PUBLISH pending, or keeps it for the next connection if there is none now (QoS 1/2; QoS 0 up
    /// to max_output_bytes). `message.packet_id` and `.dup` are not looked at. Returns the packet identifier,
    /// 0 at QoS 0. A topic alias among the properties is used on the present connection, and the whole topic
    /// is sent beside it; the session then chooses no aliases of its own on this connection. Errors, with
    /// nothing changed: window_full, buffer_full, usage (topic, size, property), limit_exceeded.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message, Time now,
                                                         PayloadMode mode = PayloadMode::copied);

    /// The same without a copy of a large payload: the session holds `owner`, which must keep the payload's
    /// bytes, until it needs them no more.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message, Time now,
                                                         std::shared_ptr<const void> owner);

    /// publish() with each of these payloads in turn; `common` says all but the payload. What its packets have in
    /// common is checked and encoded once, so that at QoS 0 many small payloads for one topic cost little more than
    /// their copies. Stops in front of the first payload that publish() would not take and returns how many were
    /// published; if that was the first one, its error. The rest may be given again. Packet identifiers are not told.
    [[nodiscard]] std::expected<std::size_t, Error> publish_each(const Publish& common,
                                                                 std::span<const Bytes> payloads, Time now);

    /// Makes a SUBSCRIBE pending (after CONNACK). The subscriptions are repeated by the session itself after
    /// a reconnect to a broker that has lost them. Errors: usage, limit_exceeded, not_connected, window_full
    /// (too many requests unanswered).
    [[nodiscard]] std::expected<PacketId, Error> subscribe(std::span<const Subscription> subscriptions,
                                                           PropertiesView properties, Time now);
    /// Makes an UNSUBSCRIBE pending (after CONNACK); these filters are not repeated any more. Errors as of
    /// subscribe().
    [[nodiscard]] std::expected<PacketId, Error> unsubscribe(std::span<const std::string_view> filters,
                                                             PropertiesView properties, Time now);
    /// Makes DISCONNECT pending; nothing else can be sent on this connection afterwards. In 3.x without code.
    /// Errors: not_connected, usage.
    [[nodiscard]] std::expected<void, Error> disconnect(ReasonCode code, PropertiesView properties, Time now);
    /// Makes PINGREQ pending. Error: not_connected. A broker answers packets in their order, so PINGRESP tells that it has read everything
    /// published before, at QoS 0 too.
    [[nodiscard]] std::expected<void, Error> ping(Time now);
    /// From ping() to the answer, or the end of the connection.
    bool ping_unanswered() const;
    /// Makes AUTH pending (v5). Errors: not_connected, usage.
    [[nodiscard]] std::expected<void, Error> auth(ReasonCode code, PropertiesView properties, Time now);

    /// The next bytes to write: a view of contiguous memory, not always everything; empty when there is
    /// nothing. Valid until the next call that changes the session.
    Bytes pending() const;
    /// Tells that the first `n` bytes of what is pending were written. More than that ends the program: what was
    /// not written would be lost in silence.
    void sent(std::size_t n, Time now);

    /// When tick() must be called at the latest; none = never.
    std::optional<Time> deadline() const;
    /// Does what is due: PINGREQ, when for the time of the keep-alive nothing was sent or nothing was
    /// received. Errors: keep_alive_timeout (no sign of life after PINGREQ for half the keep-alive, 5 s at
    /// least), ack_timeout; the connection should then be closed. Both wait while receive() stands before a
    /// message that was not taken. Also usage: the options can't make a CONNECT.
    [[nodiscard]] std::expected<void, Error> tick(Time now);

    bool connected() const;        ///< CONNACK received on this connection, no DISCONNECT sent
    bool session_present() const;  ///< as the last CONNACK said
    std::size_t inflight() const;  ///< outgoing QoS 1/2 messages not finished
    std::size_t pending_bytes()
        const;                   ///< all that waits to be written, now or on the next connection (QoS 0)
    std::size_t unsent() const;  ///< QoS 0 messages not wholly written; looks at each
    const Counters& counters() const;       ///< up to now; lives as long as the session, as do the next two
    const Limits& limits() const;           ///< of the present connection
    const SessionOptions& options() const;  ///< as given to the constructor

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mqttc
