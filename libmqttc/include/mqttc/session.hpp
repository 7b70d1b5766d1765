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
#include <vector>

#include "mqttc/error.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/reason.hpp"
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
    /// A packet was encoded. Views in it are valid until the call returns.
    virtual void sent(const Packet& packet) = 0;
    /// A packet was decoded, before the session acts on it. Views in it are valid until the call returns.
    virtual void received(const Packet& packet) = 0;
    /// The packet received last is ignored, because it answers nothing that was sent.
    virtual void ignored(const Packet& packet) { static_cast<void>(packet); }
};

/// What a session is made from.
struct SessionOptions {
    ProtocolVersion version = ProtocolVersion::v311;  ///< of MQTT
    std::string client_id;    ///< empty: the broker assigns one (3.1.1 and 5 with a clean session)
    bool clean_start = true;  ///< of the first connection; later ones of the same Session never request a
                              ///< clean start while there is state to resume (v5), or repeat the choice (3.x)
    /// v5: how long the broker keeps the session, and the messages for it, after a connection has ended, in seconds;
    /// UINT32_MAX: forever. No effect in 3.x, where clean_start decides (false: forever), or if connect_properties has a
    /// session expiry interval. None: with clean_start false forever, but 300 s with an empty client_id, because no other
    /// client can resume it; with clean_start true 0, but 300 s in a Client that reconnects, whose DISCONNECT ends the
    /// session.
    std::optional<std::uint32_t> session_expiry;
    std::uint16_t keep_alive = 60;        ///< seconds, 0 = off
    std::optional<std::string> username;  ///< UTF-8, at most 65,535 bytes
    std::optional<Secret> password;       ///< any bytes, at most 65,535; in 3.x only with a user name
    std::optional<WillMessage> will;  ///< published by the broker when the connection ends without DISCONNECT
    Properties connect_properties;    ///< v5: those of CONNECT (section 3.1.2.11)

    std::uint16_t max_inflight = 20;  ///< QoS 1/2 messages sent and not yet acknowledged; the broker's
                                      ///< receive maximum may lower it; 0: none can be published
    /// Largest packet accepted from the broker, bytes.
    std::size_t max_packet_size = max_packet_bytes;
    /// publish() fails with buffer_full while more output than this is pending.
    std::size_t max_output_bytes = 256 * 1024;
    /// Longest wait without progress for the answer to SUBSCRIBE, UNSUBSCRIBE, PUBLISH QoS 1/2, PUBREL and ping();
    /// zero = off. Progress is what Session::tick() describes. Not for CONNECT: the caller limits the time for the
    /// transport and CONNACK together.
    Duration ack_timeout = std::chrono::seconds(20);
    /// 3.1.1 and 5: saves a round trip at the start of a clean session without a will. What subscribe() and unsubscribe() are
    /// given between the first opened() and CONNACK is sent right after CONNECT (section 3.1.4). The first request that
    /// exceeds 4 KiB in all, or in 5 has a shared subscription or a subscription identifier, which CONNACK may forbid, waits
    /// for CONNACK, and so do all that follow, and all messages. If the broker closes the connection or does not answer,
    /// connect again (a Client does so at once): the requests are then sent after CONNACK. Those that CONNACK does not allow
    /// (a wildcard, their size) count as refused.
    bool subscribe_before_connack = false;
    bool use_topic_aliases = true;  ///< v5: use aliases for outgoing topics as far as the broker allows
    PacketTrace* trace = nullptr;   ///< must outlive the session
};

/// What the broker allows, from CONNACK (section 3.2.2.3). Before CONNACK and in 3.x: the defaults.
struct Limits {
    std::uint16_t receive_maximum = 65'535;  ///< messages of QoS 1 and 2 in flight to the broker
    Qos maximum_qos = Qos::exactly_once;     ///< of messages to the broker
    bool retain_available = true;            ///< messages to the broker may have the retain flag
    std::uint32_t maximum_packet_size = max_packet_bytes;  ///< bytes of a packet to the broker
    std::uint16_t topic_alias_maximum = 0;                 ///< highest topic alias to the broker; 0: none
    bool wildcard_subscription_available = true;           ///< filters may have + and #
    bool subscription_identifier_available = true;         ///< SUBSCRIBE may carry one
    bool shared_subscription_available = true;             ///< "$share/group/filter" may be subscribed to
    std::uint16_t keep_alive = 0;                          ///< seconds in force: the server's or ours
    std::uint32_t session_expiry_interval = 0;             ///< seconds in force
    std::string client_id;                                 ///< ours or the assigned one
};

/// What a handler does with a message.
enum class Accept : std::uint8_t {
    now,    ///< taken: it is acknowledged
    later,  ///< not taken: nothing of it is acknowledged or remembered, and it is offered again
    hold_acknowledgement,  ///< taken: PUBACK or PUBREC waits for Session::acknowledge() or release_acknowledgements()
};

/// Identifies a received message of QoS 1 or 2 whose acknowledgement is held, for Session::acknowledge(). Never the same
/// for two messages of one session, though packet identifiers are used again.
struct AckToken {
    std::uint64_t message = 0;    ///< how many were received before it
    PacketId packet_id = 0;       ///< of its PUBLISH
    Qos qos = Qos::at_most_once;  ///< as received
};

/// Receives a session's events, all from inside Session::receive. Views are valid until the call returns. A
/// handler may call the functions that make packets pending (publish, subscribe, unsubscribe, disconnect, ping, auth,
/// release_acknowledgements) and the const ones, and must not throw.
class SessionHandler {
  public:
    virtual ~SessionHandler() = default;

    /// CONNACK, a refusal too (code != 0; receive() then fails with connection_refused). A session that is present
    /// although this Session is new is accepted without a clean start: it is one of an earlier process.
    virtual void on_connack(const Connack&) {}
    /// An application message. After Accept::later receive() stops before this packet and offers it again the next
    /// time; until then no answer of the broker is late. While an acknowledgement is held, those of later messages
    /// wait too, because their order is fixed (MQTT-4.6.0-2), and messages of QoS 1 and 2 stop when the receive
    /// maximum is reached. A held acknowledgement ends with its connection: at QoS 1 the broker sends the message
    /// again and it is offered again; at QoS 2 it is not, and its acknowledgement is held until it is released.
    virtual Accept on_publish(const Publish&) { return Accept::now; }
    /// An outgoing QoS 1/2 message is finished: PUBACK, PUBCOMP, or a PUBREC with a failure. In 3.x `code` is 0 in
    /// these cases. Also for a message of an earlier connection that violates a limit of the present broker, with the
    /// code of that, and with `fate_unknown` for one that the broker lost between PUBREC and PUBCOMP.
    virtual void on_delivered(PacketId, ReasonCode, PropertiesView) {}
    /// Before on_delivered reports a code of 0x80 or above, except `fate_unknown`: the message. Its views are valid during
    /// the call.
    virtual void on_refused(const Publish&, ReasonCode, PropertiesView) {}
    /// Subscriptions that are repeated after a reconnect are answered here too, with their first packet
    /// identifier; those that violate a limit of the new broker are answered by the session itself, with the code
    /// of that.
    virtual void on_suback(const Suback&) {}
    /// The answer to unsubscribe(). With a failure code (v5) a subscription remains.
    virtual void on_unsuback(const Unsuback&) {}
    /// v5: the broker ends the connection, with a reason; receive() then fails with server_disconnect.
    virtual void on_disconnect(const Disconnect&) {}
    /// The broker requests a further step of the authentication method, or reports that a repeated
    /// authentication is complete. True: understood (the answer is Session::auth). False: receive() sends
    /// DISCONNECT and fails with usage.
    virtual bool on_auth(const Auth&) { return false; }
};

/// How publish() keeps the payload.
enum class PayloadMode : std::uint8_t {
    copied,    ///< the session copies what it needs
    borrowed,  ///< the caller keeps the bytes unchanged until they are sent (QoS 0: sent() has
    ///< covered them) or acknowledged (QoS 1/2: on_delivered), and over reconnects; nothing but a few KiB
    ///< is copied
};

/// In SessionHandler::on_delivered: the broker answered PUBREC, and then lost the session (or the message: PUBCOMP with
/// this code). Such a message must not be published again (MQTT-4.3.3-6); whether it was forwarded is not known.
inline constexpr ReasonCode fate_unknown = reason::packet_identifier_not_found;

/// What a session has done since it was made. published = delivered + refused + uncertain + dropped + pending, always.
struct Counters {
    std::uint64_t published = 0;  ///< messages that publish() took
    std::uint64_t delivered = 0;  ///< of these, acknowledged (QoS 1/2), or wholly written (QoS 0)
    std::uint64_t lowered = 0;    ///< of the delivered, QoS 2: acknowledged with PUBACK, as QoS 1
    std::uint64_t refused = 0;    ///< of these, QoS 1/2: finished with another code of 0x80 or above
    std::uint64_t uncertain = 0;  ///< of these, QoS 2: finished with the code fate_unknown
    /// Of these, QoS 0: lost with a connection that had carried a part of them or did not bring them to the broker
    /// (these were delivered until then), or too large for max_output_bytes or the limits of the next broker. QoS
    /// 1/2: taken back by withdraw().
    std::uint64_t dropped = 0;
    std::uint64_t pending = 0;     ///< of these, all others: not acknowledged, or not wholly written
    std::uint64_t received = 0;    ///< messages that on_publish took
    std::uint64_t duplicates = 0;  ///< QoS 2 messages that were received again and not given to on_publish
};

/// The client's side of an MQTT session: a state machine without I/O, clock and thread.
///
/// In any event loop it is used like this (mqttc(3) has a whole program; tests/unit/session/example.cpp is run):
///
///     mqttc::Session session(options);
///     session.opened(now);                                // the transport is connected: CONNECT is pending
///
///     auto out = session.pending();                       // write these bytes to the transport
///     auto count = write(fd, out.data(), out.size());
///     if (count > 0) session.sent(count, now);
///
///     auto used = session.receive(bytes_read, now, handler);   // calls handler.on_publish and friends
///     if (!used) fail(used.error());                      // pending() may hold a DISCONNECT with the reason
///     else drop(*used);                                   // from the front of what was read; keep the rest
///
///     if (session.deadline() && *session.deadline() <= now) {
///         if (auto alive = session.tick(now); !alive) fail(alive.error());   // keep-alive, acknowledgements
///     }
///     session.closed();                                // the transport is gone; call opened() to continue
///
/// The session state (unacknowledged messages, QoS 2 identifiers received, subscriptions) outlives closed() and
/// opened(): unacknowledged PUBLISH and PUBREL are sent again in order after the next CONNACK,
/// with DUP when the broker still has the session, as new messages when not (MQTT 5.0 sections 4.1, 4.4, 4.6). If the
/// session is lost after the broker answered a QoS 2 message with PUBREC, it is not known whether the message was
/// forwarded, and it must not be published again (MQTT-4.3.3-6): it counts as uncertain. MQTT 3.1 does not
/// report whether the session is present: after a connection without clean session it is assumed to be, and the
/// subscriptions are repeated anyway.
class MQTTC_API Session {
  public:
    /// Not connected. Invalid options are reported by tick() after opened().
    explicit Session(SessionOptions options);
    ~Session();
    /// Views returned by `from` belong to the new session.
    Session(Session&& from) noexcept;
    /// As the constructor; discards what this session held.
    Session& operator=(Session&& from) noexcept;

    /// The transport is connected: makes CONNECT pending.
    void opened(Time now);
    /// SessionOptions::subscribe_before_connack: a request can be made on this connection although CONNACK has not been
    /// received.
    [[nodiscard]] bool can_subscribe_early() const;
    /// On this connection a request was sent before CONNACK, and the oldest has no answer. When the connection ends like this
    /// before CONNACK, or times out, connect again at once, without a delay: requests then wait for CONNACK.
    [[nodiscard]] bool early_unanswered() const;
    /// CONNACK does not allow a request that was sent before it. The same when the broker ends the connection for it.
    [[nodiscard]] bool early_forbidden() const;
    /// User name and password of the next CONNECT, in place of those of the options: a token that expires, for example.
    void set_credentials(std::optional<std::string> username, std::optional<Secret> password);
    /// What must outlive the program for nothing to be lost or doubled: the unfinished QoS 1 and 2 messages in both
    /// directions, but no subscriptions and no QoS 0 messages. Keep it where the next run finds it, before what is pending is
    /// written: in a Client in ClientHandler::on_turn_end. Takes time and memory with what is unfinished.
    [[nodiscard]] std::vector<std::uint8_t> save() const;
    /// Before anything else: continues the session that save() has described, which had the same version and client
    /// identifier. The messages count as published and pending. `saved` is checked, but it must be yours: it is what is
    /// sent. Only useful with clean_start false. Error, with nothing changed: usage.
    [[nodiscard]] std::expected<void, Error> restore(Bytes saved);
    /// The transport is closed. Discards the state of the connection and nothing else. Whole QoS 0 messages
    /// that were pending and of which no byte was sent are kept for the next connection. `unarrived`:
    /// how many of the last bytes sent did not reach the broker's machine, as far as is known;
    /// QoS 0 messages in them count as dropped.
    void closed(std::size_t unarrived = 0);
    /// While closed: the next connection is to another broker, which must not get an identifier that the previous one
    /// assigned.
    void forget_assigned_client_id();

    /// Takes bytes from the broker; returns how many were consumed (whole packets; the caller keeps the rest
    /// and gives it again with more after it; after disconnect() all bytes are consumed and ignored).
    /// On error the connection must be closed after pending() has been written: it holds the DISCONNECT that
    /// the standard requires (v5, section 4.13). Error codes: protocol_error, connection_refused (CONNACK,
    /// reason = its code), server_disconnect, usage (an authentication method that the handler does not support).
    [[nodiscard]] std::expected<std::size_t, Error> receive(Bytes bytes, Time now, SessionHandler& handler);
    /// How many bytes the packet at the front of the receive buffer needs in all, if that is known and more
    /// than `bytes` holds: the caller can make room once. 0 = not known.
    std::size_t needs(Bytes bytes) const;

    /// The caller reads nothing for a while: until the next receive() no answer of the broker is late.
    void pause();
    /// Inside on_publish, for a message that will be answered with Accept::hold_acknowledgement.
    AckToken ack_token(const Publish& message) const;
    /// The application has finished with this message: its acknowledgement is made pending as soon as none of an earlier
    /// message is held. A token of QoS 2 is valid over reconnects, because the message is not offered again. No effect if it
    /// was acknowledged, or at QoS 1 when its connection has ended: the message is then offered again, with another token.
    void acknowledge(const AckToken& token, Time now);
    /// Makes the acknowledgements pending that Accept::hold_acknowledgement holds, and those that wait for them, in the
    /// order of their messages.
    void release_acknowledgements(Time now);

    /// True iff publish() would fail neither with window_full nor with buffer_full.
    [[nodiscard]] bool can_publish(Qos qos) const;
    /// Makes a PUBLISH pending, or keeps it for the next connection if there is none now (QoS 1/2; QoS 0 up
    /// to max_output_bytes). `message.packet_id` and `.dup` are ignored. Returns the packet identifier,
    /// 0 at QoS 0. A topic alias among the properties is used on the present connection, together with the whole
    /// topic; the session then chooses no aliases of its own on this connection. Errors, with
    /// nothing changed: window_full, buffer_full, usage (topic, size, property), limit_exceeded; also std::bad_alloc
    /// leaves the session as it was.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message, Time now,
                                                         PayloadMode mode = PayloadMode::copied);

    /// The same without a copy of a large payload: the session holds `owner`, which must keep the payload's
    /// bytes, until it no longer needs them.
    [[nodiscard]] std::expected<PacketId, Error> publish(const Publish& message, Time now,
                                                         std::shared_ptr<const void> owner);

    /// publish() with each of these payloads in turn; `common` has all but the payload. What the packets have in
    /// common is checked and encoded once, so that at QoS 0 many small payloads for one topic cost little more than
    /// their copies. Stops before the first payload that publish() would refuse and returns how many were
    /// published; if that was the first one, its error. The rest may be given again. Packet identifiers are not
    /// returned.
    [[nodiscard]] std::expected<std::size_t, Error> publish_each(const Publish& common,
                                                                 std::span<const Bytes> payloads, Time now);

    /// Takes back an unfinished QoS 1 or 2 message that was never sent: because there was no connection, or because as many
    /// messages as the broker allows were in flight. True: it is gone and counts as dropped; on_delivered is not called. False: it
    /// is unknown, or may have arrived.
    bool withdraw(PacketId id);

    /// Makes a SUBSCRIBE pending, after CONNACK unless SessionOptions::subscribe_before_connack allows it before. The session repeats it after a reconnect to a broker that has lost the
    /// subscriptions. If all are shared subscriptions it is repeated after each reconnect, because Mosquitto 2.0 forgets these
    /// when it restarts although it keeps the session: subscribe to shared subscriptions in a call of their own.
    /// Errors: usage, limit_exceeded, not_connected, window_full (too many requests unanswered).
    [[nodiscard]] std::expected<PacketId, Error> subscribe(std::span<const Subscription> subscriptions,
                                                           PropertiesView properties, Time now);
    /// Makes an UNSUBSCRIBE pending, as subscribe(); when it is answered, these filters are no longer repeated, except
    /// those refused (v5). Errors as of subscribe().
    [[nodiscard]] std::expected<PacketId, Error> unsubscribe(std::span<const std::string_view> filters,
                                                             PropertiesView properties, Time now);
    /// Makes DISCONNECT pending; nothing else can be sent on this connection afterwards. In 3.x without code.
    /// Errors: not_connected, usage.
    [[nodiscard]] std::expected<void, Error> disconnect(ReasonCode code, PropertiesView properties, Time now);
    /// Makes PINGREQ pending. Error: not_connected. A broker answers packets in their order, so PINGRESP means that it has
    /// read everything published before, at QoS 0 too.
    [[nodiscard]] std::expected<void, Error> ping(Time now);
    /// From ping() to the answer, or the end of the connection.
    bool ping_unanswered() const;
    /// A packet waits for its answer, so that tick() will report a time-out: call arrived() about once a second.
    bool awaits_answer() const;
    /// The broker's machine has confirmed all but the last `unarrived` of the bytes sent (SIOCOUTQ): no answer is late
    /// while it still takes what was sent.
    void arrived(std::size_t unarrived, Time now);
    /// Received QoS 2 messages of this connection that were answered with PUBREC and wait for PUBREL.
    std::size_t unreleased() const;
    /// The oldest outgoing QoS 1/2 message that is not finished. Its views are valid until the next call that changes the
    /// session.
    std::optional<Publish> oldest_unfinished() const;
    /// That message is larger, as a packet, than each one that this session has sent and the broker has answered.
    bool oldest_is_largest() const;
    /// Makes AUTH pending (v5). Errors: not_connected, usage.
    [[nodiscard]] std::expected<void, Error> auth(ReasonCode code, PropertiesView properties, Time now);

    /// The next bytes to write: a view of contiguous memory, not always everything; empty when there is
    /// nothing. Valid until the next call that changes the session.
    Bytes pending() const;
    /// The first `n` bytes of what is pending were written. A larger number aborts the program: bytes that were not
    /// written would be lost without an error.
    void sent(std::size_t n, Time now);

    /// When tick() must be called at the latest; none = never.
    std::optional<Time> deadline() const;
    /// Does what is due: PINGREQ, when nothing was sent, or nothing received, for the time of the keep-alive. Errors, after
    /// which the connection should be closed: keep_alive_timeout (no answer to PINGREQ for half the keep-alive, at least
    /// 5 s), ack_timeout, and usage (no valid CONNECT can be made from the options). The time of the first two starts again
    /// with any progress: a packet is received (for ack_timeout: other than PINGRESP), or a part of one at 256 bytes per
    /// second or more; the transport or the broker's machine (see arrived()) takes bytes up to the end of the packet that
    /// waits for an answer. Neither occurs while a message waits after Accept::later, or after pause().
    [[nodiscard]] std::expected<void, Error> tick(Time now);

    bool connected() const;        ///< CONNACK received on this connection, no DISCONNECT sent
    bool session_present() const;  ///< as in the last CONNACK
    std::size_t inflight() const;  ///< outgoing QoS 1/2 messages not finished
    std::size_t pending_bytes()
        const;                    ///< all that waits to be written, now or on the next connection (QoS 0)
    std::size_t unsent() const {  ///< QoS 0 messages not wholly written
        return static_cast<std::size_t>(counters().pending) - inflight();
    }
    const Counters& counters() const;  ///< up to now; valid as long as the session, as are the next two
    const Limits& limits() const;      ///< of the present connection
    /// Those in force: with the properties that the session adds to CONNECT, and the credentials that were set last.
    const SessionOptions& options() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mqttc
