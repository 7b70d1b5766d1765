// The implementation of Session: what outlives a connection, what does not, and the steps of the protocol between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alias.hpp"
#include "inflight.hpp"
#include "mqttc/codec.hpp"
#include "mqttc/session.hpp"
#include "output.hpp"
#include "packet_ids.hpp"
#include "publish_head.hpp"
#include "qos0_in_transit.hpp"
#include "requests.hpp"

namespace mqttc {

struct Session::Impl {
    /// Payloads from this size on are referred to, not copied after their header.
    static constexpr std::size_t external_when_copied = std::size_t{64} * 1024;
    static constexpr std::size_t external_when_borrowed = std::size_t{4} * 1024;
    /// Limit of our acknowledgements that wait because the broker sends without reading.
    static constexpr std::size_t max_answer_bytes = std::size_t{1024} * 1024;
    /// Limit of what is sent before CONNACK: a broker may limit what it reads until then.
    static constexpr std::size_t max_early_bytes = std::size_t{4} * 1024;
    static constexpr Duration min_ping_timeout = std::chrono::seconds(5);

    /// Outlives a connection.
    struct SessionState {
        explicit SessionState(ProtocolVersion version) : requests(version) {}
        PacketIds ids;
        Inflight inflight;
        IdSet received;  ///< identifiers of incoming QoS 2 messages that are delivered and not yet released
        /// Such identifiers of earlier connections, while it is not known whether the broker still has that session
        /// or another one that it made at a CONNECT of which the CONNACK was lost. The old session continues with
        /// PUBREL or a PUBLISH with DUP; only a new one can use such an identifier without DUP.
        IdSet uncertain_qos2_ids;
        /// Of the received ones, those whose handler still holds the acknowledgement. A vector, because a handler may
        /// hold each message for a moment, and that must not allocate.
        struct HeldQos2 {
            PacketId id;
            std::uint64_t message;  ///< AckToken::message
        };
        std::vector<HeldQos2> held_qos2;  ///< in the order of their messages
        Requests requests;
        Output kept;  ///< whole QoS 0 messages for the next connection, without aliases
        std::string client_id;
        Counters counters;
        std::size_t largest_answered = 0;  ///< the size of an outgoing QoS 1 or 2 message
        bool ever_connected = false;
        bool session_present = false;
        /// CONNECTs that were sent and whose CONNACK did not arrive: the session that the broker has next may be one
        /// that it made then, without our subscriptions.
        std::size_t unanswered_connects = 0;
    };

    enum class Phase : std::uint8_t {
        closed,             ///< no transport
        connecting,         ///< CONNECT is pending or sent
        connected,          ///< CONNACK has accepted it
        closing,            ///< DISCONNECT is pending or sent: nothing more is received
        output_suppressed,  ///< the broker has ended the connection: nothing more is written either
    };
    /// While it is not `open`, no answer of the broker is late.
    enum class Intake : std::uint8_t {
        open,
        paused,           ///< pause() was called
        message_waiting,  ///< a handler has postponed a message
    };

    /// Belongs to one connection.
    struct ConnectionState {
        Output output;
        Qos0InTransit qos0_in_transit;  ///< the QoS 0 messages in `output`
        Limits limits;
        IncomingAliases incoming_aliases;
        std::unique_ptr<OutgoingAliases> outgoing_aliases;  ///< if the broker allows any
        /// A DISCONNECT that a handler has requested: it is sent after the acknowledgement.
        std::vector<std::uint8_t> deferred_disconnect;
        struct HeldAck {
            PacketType type;
            PacketId id;
            bool released;          ///< it only waits for an earlier one
            std::uint64_t message;  ///< AckToken::message
        };
        std::vector<HeldAck> held_acks;  ///< in the order of their messages
        Time last_sent{};
        Time last_received{};
        std::optional<Time> ping_since;  ///< when the oldest PINGREQ without PINGRESP was sent
        Time last_progress{};            ///< unanswered packets are not older than this
        Time partial_since{};            ///< the size of the incomplete packet at this time
        std::size_t partial_size = 0;
        std::uint64_t arrived = 0;      ///< bytes of the output that the broker's machine has confirmed
        Time requested_ping_since{};    ///< when ping() was called last
        std::uint64_t connect_end = 0;  ///< where CONNECT ends in the output
        std::uint64_t early_end = 0;    ///< where the last request made pending before CONNACK ends
        std::uint64_t ping_end = 0;
        std::size_t answer_bytes = 0;  ///< acknowledgements made pending since they were counted last
        std::uint16_t quota = 0;       ///< PUBLISH packets that we may still send (section 4.9)
        std::uint16_t received_unfinished = 0;  ///< messages that count against our receive maximum
        std::uint32_t pings = 0;                ///< PINGREQs without PINGRESP
        std::uint32_t requested_pings = 0;      ///< of these, up to the last one that ping() sent
        Phase phase = Phase::closed;
        Intake intake = Intake::open;
        bool clean = false;            ///< CONNECT requested a clean start
        bool early = false;            ///< requests may be sent before CONNACK
        bool request_waits = false;    ///< a request is sent after CONNACK
        bool early_forbidden = false;  ///< a limit in CONNACK forbids a request that was sent before it
        bool in_event = false;         ///< inside receive()
    };

    explicit Impl(SessionOptions given);

    // session.cpp
    void opened(Time now);
    void closed(std::size_t unarrived = 0);
    void sent(std::size_t n, Time now);
    std::optional<Time> deadline() const;
    std::expected<void, Error> tick(Time now);

    // session_publish.cpp
    /// A PUBLISH that is checked and not queued yet.
    struct PreparedPublish {
        Publish plain;                       ///< with its whole topic and no alias: as it is stored
        Publish wire;                        ///< as it is sent on this connection
        OutgoingAliases::Choice alias = {};  ///< of `wire`, chosen by the session
        std::uint32_t user_alias = 0;        ///< of `wire`, chosen by the user
        ExternalPayload payload = {};        ///< empty: the payload is encoded with the head
    };
    bool can_publish(Qos qos) const;
    std::unexpected<Error> no_room(Qos qos) const;
    std::expected<PacketId, Error> publish(const Publish& message, Time now, PayloadMode mode,
                                           std::shared_ptr<const void> owner);
    /// True for the most frequent message: nothing in it must be changed, kept or traced.
    bool has_fast_path(const Publish& message) const {
        return message.qos == Qos::at_most_once && !message.dup && message.properties.empty() && live() &&
               conn.limits.topic_alias_maximum == 0 && options.trace == nullptr;
    }
    std::expected<PacketId, Error> publish_fast(const Publish& message, Time now);
    /// v5: checks the properties, and finds the topic of a user's alias. Returns what is wrong.
    std::optional<Error> prepare_properties(PreparedPublish& prepared);
    std::expected<void, CodecError> encode_head(const Publish& publish, const ExternalPayload& payload,
                                                std::vector<std::uint8_t>& out) const;
    std::expected<PacketId, Error> publish_qos0(PreparedPublish& prepared, PayloadMode mode, Time now);
    std::expected<PacketId, Error> publish_qos1or2(PreparedPublish& prepared, PayloadMode mode, Time now);
    /// Puts an alias into `wire` if that saves bytes.
    void choose_alias(PreparedPublish& prepared);
    /// Encodes `wire`, without the session's alias where that makes the packet too large for the broker. Returns its size.
    std::expected<std::size_t, CodecError> encode_for_broker(PreparedPublish& prepared,
                                                             Output::Appending& to);
    /// The last step that can fail: the broker will know these aliases.
    void remember_aliases(const PreparedPublish& prepared);
    std::expected<std::size_t, Error> publish_each(const Publish& common, std::span<const Bytes> payloads,
                                                   Time now);
    /// Publishes as many from the front as can share one head; the next one is left to publish().
    std::size_t append_each(const Publish& common, std::span<const Bytes> payloads, Time now);
    /// Up to the first payload longer than `longest`.
    std::size_t append_qos0(const codec::PublishHead& head, std::size_t longest,
                            std::span<const Bytes> payloads, Time now);
    /// The same at QoS 1 and 2, as many as the window has room for.
    std::size_t append_acknowledged(const codec::PublishHead& head, std::size_t longest, Qos qos,
                                    std::span<const Bytes> payloads, Time now);
    class NewMessage;
    /// The largest payload that certainly fits into a packet; 0: none.
    std::size_t longest_in_block(const codec::PublishHead& head) const;
    void count_published(std::size_t messages) {
        state.counters.published += messages;
        state.counters.pending += messages;
    }

    // session_send.cpp
    void send_ack(PacketType type, PacketId id, ReasonCode code, Time now);
    /// Whether the broker keeps sending and does not read its acknowledgements: counts those that wait. To be called
    /// when as many as the limit were added since the last time.
    bool too_many_answers();
    std::expected<PacketId, Error> send_request(PacketType type, PacketId id, std::size_t filters,
                                                const Packet& packet, Time now);
    std::expected<PacketId, Error> subscribe(Subscribe& packet, Time now);
    std::expected<PacketId, Error> unsubscribe(Unsubscribe& packet, Time now);
    std::expected<void, Error> disconnect(ReasonCode code, PropertiesView properties, Time now);
    std::expected<void, Error> ping(Time now);
    std::expected<void, Error> auth(ReasonCode code, PropertiesView properties, Time now);
    std::optional<ReasonCode> violated_limit(const Subscribe& packet) const;
    /// A flag in CONNACK can forbid it, and the broker then ends the connection.
    bool can_be_forbidden(const Packet& packet) const;
    std::optional<ReasonCode> violated_limit(Qos qos, bool retain, std::size_t packet_size) const;

    // session_resend.cpp
    /// What could not be sent to this broker, reported after on_connack was called.
    struct Refusals {
        std::vector<std::pair<OutgoingMessage*, ReasonCode>> messages;
        std::vector<std::pair<PacketId, ReasonCode>> requests;
    };
    void resend(bool resumed, Time now, Refusals& refusals);
    void resend_requests(Time now, Refusals& refusals);
    void resend_kept(Time now);
    void send_waiting(Time now);
    bool withdraw(PacketId id);
    /// Makes the message's PUBLISH pending: as `fresh` if it is given, else as stored. On an exception nothing has
    /// changed.
    void send_publish(OutgoingMessage& message, PreparedPublish* fresh, Time now);
    void send_pubrel(OutgoingMessage& message, Time now);
    void report_refused(const OutgoingMessage& message, ReasonCode code, PropertiesView properties,
                        SessionHandler& handler);
    void report_refusals(const Refusals& refusals, SessionHandler& handler);
    /// The QoS 0 messages that the next connection can carry, and how many cannot be kept.
    struct Unsent {
        Output kept;
        std::uint64_t dropped = 0;
    };
    Unsent keep_unsent();
    void keep(const Output::Packet& packet, Unsent& unsent);

    // session_save.cpp
    std::vector<std::uint8_t> save() const;
    std::expected<void, Error> restore(Bytes saved);

    // session_receive.cpp
    enum class Taken : std::uint8_t { yes, no };
    using Outcome = std::expected<Taken, Error>;
    std::expected<std::size_t, Error> receive(Bytes bytes, Time now, SessionHandler& handler);
    /// Hands over the messages at the front that need nothing else, and returns their bytes; Intake::message_waiting if
    /// one of them was postponed.
    std::size_t take_plain(Bytes bytes, SessionHandler& handler);
    void send_deferred_disconnect();
    Outcome take(const Frame& frame, bool traced, Time now, SessionHandler& handler);
    Outcome take_publish(const Frame& frame, bool traced, Time now, SessionHandler& handler);
    Outcome take_packet(const Packet& packet, Time now, SessionHandler& handler);
    Outcome ignore(const Packet& packet) const {
        if (options.trace != nullptr) options.trace->ignored(packet);
        return Taken::yes;
    }
    Outcome take_connack(const Connack& packet, Time now, SessionHandler& handler);
    void take_limits(PropertiesView given);
    /// Takes a SUBACK or UNSUBACK, which answers a request of this type.
    template <class Answer>
    Outcome take_answer(const Answer& answer, PacketType request_type, SessionHandler& handler,
                        void (SessionHandler::*report)(const Answer&));
    Outcome take_auth(const Auth& packet, SessionHandler& handler);
    Outcome take_disconnect(const Disconnect& packet, SessionHandler& handler);
    /// True iff this QoS 2 message was given to the handler before.
    bool is_duplicate(const Publish& publish);
    void acknowledge_or_hold(PacketType type, PacketId id, Accept answer, std::uint64_t message, Time now);
    void acknowledge(const AckToken& token, Time now);
    /// Sends those at the front that nothing holds any more.
    void send_released(Time now);
    void release_acknowledgements(Time now);

    // session_acks.cpp
    Outcome take_ack(const Ack& packet, Time now, SessionHandler& handler);
    /// PUBACK, PUBREC or PUBCOMP without a reason code: nearly all acknowledgements.
    static constexpr std::size_t plain_ack_size = 4;
    static bool begins_plain_ack(Bytes bytes) {
        if (bytes.size() < plain_ack_size || bytes[1] != plain_ack_size - 2) return false;
        return bytes[0] == 0x40 || bytes[0] == 0x50 || bytes[0] == 0x70;
    }
    /// Takes as many of them as there are at the front, without decoding each as a packet. Returns their bytes.
    std::expected<std::size_t, Error> take_plain_acks(Bytes bytes, Time now, SessionHandler& handler);
    void finish(OutgoingMessage& message, ReasonCode code, PropertiesView properties, Time now,
                SessionHandler& handler);
    void count_finished(ReasonCode code) {
        --state.counters.pending;
        ++(code < reason::unspecified_error ? state.counters.delivered
           : code == fate_unknown           ? state.counters.uncertain
                                            : state.counters.refused);
    }
    std::unexpected<Error> fail(ReasonCode code, std::string context);
    std::unexpected<Error> fail(CodecError error, PacketType type);

    bool v5() const { return options.version == ProtocolVersion::v5; }
    /// Packets of the application can be sent.
    bool live() const { return conn.phase == Phase::connected; }
    /// Requests can be sent after CONNECT.
    bool early() const { return conn.phase == Phase::connecting && conn.early; }
    /// A request of this size is sent before CONNACK. Requests keep their order.
    bool early(std::size_t size) const {
        return early() && !conn.request_waits &&
               conn.output.end_position() - conn.connect_end + size <= max_early_bytes;
    }
    bool early_unanswered() const;
    /// The transport is there and DISCONNECT was neither sent nor received.
    bool receiving() const { return conn.phase == Phase::connecting || conn.phase == Phase::connected; }
    std::size_t window() const {
        const std::size_t allowed = std::min(options.max_inflight, conn.limits.receive_maximum);
        return std::min(allowed, Inflight::max_messages);
    }

    template <class P>
    void trace_sent(const P& packet) const {
        if (options.trace != nullptr) options.trace->sent(Packet(packet));
    }
    /// Encodes at the end of the pending output. Errors leave nothing there.
    template <class P>
    std::expected<void, CodecError> send(const P& packet, Time now) {
        auto done = encode(Packet(packet), options.version, conn.output.buffer());
        if (!done) return done;
        conn.last_sent = now;
        trace_sent(packet);
        return {};
    }

    std::optional<Time> ping_due() const;
    std::optional<Time> ping_timeout() const;
    std::optional<Time> ack_timeout() const;
    /// Where the oldest packet that waits for an answer ends in the output, and when it was sent; none if none does.
    struct Awaited {
        std::uint64_t end;
        Time since;
    };
    std::optional<Awaited> oldest_awaited() const;
    Duration ack_time_limit() const;
    void arrived(std::size_t unarrived, Time now);
    /// An incomplete packet of this size was received.
    void take_partial(std::size_t size, Time now);
    Duration ping_time_limit() const;

    SessionOptions options;
    std::size_t accepted_size;              ///< largest packet accepted from the broker
    std::uint16_t receive_maximum;          ///< what we announce
    bool authenticates;                     ///< CONNECT names an authentication method
    std::unique_ptr<const Error> unusable;  ///< CONNECT cannot be encoded from these options
    std::vector<std::uint8_t> scratch;
    Properties plain_properties;  ///< of the current PUBLISH: without an alias, and with one
    Properties wire_properties;
    SessionState state;
    ConnectionState conn;
};

std::string name_of(PacketType type);
std::unexpected<Error> refuse(ErrorCode code, std::string context);
std::unexpected<Error> refuse_encoding(PacketType type, CodecError error);
std::string explain_limit(ReasonCode code, const Limits& limits, std::size_t packet_size);

/// Copies a block of properties without topic aliases.
void copy_without_alias(PropertiesView from, Properties& to);

}  // namespace mqttc
