// The inside of a Session: what outlives a connection, what does not, and the steps of the protocol between
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
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
#include "on_the_way.hpp"
#include "output.hpp"
#include "packet_ids.hpp"
#include "requests.hpp"

namespace mqttc {

struct Session::Impl {
    /// Payloads from this size on are referred to, not copied behind their header.
    static constexpr std::size_t apart_when_copied = std::size_t{64} * 1024;
    static constexpr std::size_t apart_when_borrowed = std::size_t{4} * 1024;
    /// How far our acknowledgements may pile up because the broker sends without reading.
    static constexpr std::size_t max_answer_bytes = std::size_t{1024} * 1024;
    static constexpr Duration min_ping_timeout = std::chrono::seconds(5);

    /// Outlives a connection.
    struct Lasting {
        explicit Lasting(ProtocolVersion version) : requests(version) {}
        PacketIds ids;
        Inflight inflight;
        IdSet received;  ///< identifiers of incoming QoS 2 messages that are delivered and not yet released
        /// Such identifiers of earlier connections, while it is not known whether the broker still has that session
        /// or another one that it made at a CONNECT of which the CONNACK was lost. The old session goes on with
        /// PUBREL or a PUBLISH with DUP; only a new one can use such an identifier without DUP.
        IdSet doubted;
        Requests requests;
        OnTheWay on_the_way;  ///< QoS 0 messages of the present connection
        Output kept;          ///< whole QoS 0 messages for the next connection, without aliases
        std::string client_id;
        Counters counters;
        bool ever_connected = false;
        bool session_present = false;
        /// A CONNECT went out whose CONNACK never came: the session that the broker has next may be one that it
        /// made then, without our subscriptions.
        bool connect_unanswered = false;
    };

    /// Belongs to one connection.
    struct Connection {
        Output output;
        Limits limits;
        IncomingAliases incoming_aliases;
        OutgoingAliases outgoing_aliases;
        std::map<std::uint32_t, std::string> callers_aliases;  ///< topics of aliases that the caller chose
        std::vector<std::uint8_t>
            last_words;  ///< a DISCONNECT asked for by a handler: goes behind the acknowledgement
        Time last_sent{};
        Time last_received{};
        Time ping_since{};    ///< when the oldest PINGREQ without PINGRESP was sent, if `pinging`
        Time silence_from{};  ///< unanswered requests are not older than this
        std::uint64_t ping_end = 0;
        std::size_t answer_bytes = 0;  ///< of the pending output, so much at most is acknowledgements
        std::uint16_t quota = 0;       ///< PUBLISH packets that we may still send (section 4.9)
        std::uint16_t quota_initial = 0;
        std::uint16_t received_unfinished = 0;  ///< QoS 2 messages that count against our receive maximum
        bool open = false;                      ///< opened() was called
        bool clean = false;                     ///< CONNECT asked for a clean start
        bool answered = false;                  ///< CONNACK has come, whatever it says
        bool connected = false;                 ///< CONNACK has come and said yes
        bool closing = false;                   ///< DISCONNECT was sent, or came
        bool mute = false;                      ///< the broker has closed: nothing more is written
        bool pinging = false;
        std::uint32_t pings = 0;        ///< PINGREQs without PINGRESP
        std::uint32_t asked_pings = 0;  ///< of these, up to the last one that ping() sent
        bool stalled = false;           ///< a handler did not take a message
        bool paused = false;            ///< pause() was called and nothing received since
        bool in_event = false;          ///< inside receive()
    };

    explicit Impl(SessionOptions given);

    // session.cpp
    void opened(Time now);
    void closed(std::size_t unarrived = 0);
    void sent(std::size_t n, Time now);
    std::optional<Time> deadline() const;
    std::expected<void, Error> tick(Time now);

    // session_send.cpp
    bool can_publish(Qos qos) const;
    std::expected<PacketId, Error> publish(const Publish& message, Time now, PayloadMode mode,
                                           std::shared_ptr<const void> owner);
    /// The commonest message: nothing of it has to be changed, kept or shown.
    bool goes_as_it_is(const Publish& message, std::size_t apart_from) const;
    std::expected<PacketId, Error> publish_as_it_is(const Publish& message, Time now);
    std::expected<PacketId, Error> publish_once(const Publish& plain, Publish& wire, Payload payload,
                                                PayloadMode mode, Time now);
    std::expected<PacketId, Error> publish_acknowledged(Publish& plain, Publish& wire, Payload payload,
                                                        PayloadMode mode, Time now);
    /// Puts an alias into the PUBLISH if that saves bytes.
    OutgoingAliases::Choice choose_alias(Publish& wire);
    std::expected<PacketId, Error> send_request(PacketType type, PacketId id, std::size_t filters,
                                                const Packet& packet, Time now);
    std::expected<PacketId, Error> subscribe(Subscribe& packet, Time now);
    std::expected<PacketId, Error> unsubscribe(Unsubscribe& packet, Time now);
    std::expected<void, Error> disconnect(ReasonCode code, PropertiesView properties, Time now);
    std::expected<void, Error> ping(Time now);
    std::expected<void, Error> auth(ReasonCode code, PropertiesView properties, Time now);

    // session_publish_each.cpp
    std::expected<std::size_t, Error> publish_each(const Publish& common, std::span<const Bytes> payloads,
                                                   Time now);
    /// Publishes as many from the front as can go as they are, with one head for all; the next one is publish()'s.
    std::size_t append_each(const Publish& common, std::span<const Bytes> payloads, Time now);

    // session_resend.cpp
    /// What could not be sent to this broker, to be told when on_connack has been called.
    struct Refusals {
        struct Message {
            OutgoingMessage* message;
            ReasonCode code;
        };
        std::vector<Message> messages;
        struct Unanswerable {
            PacketId id;
            ReasonCode code;
        };
        std::vector<Unanswerable> requests;
    };
    void resend(bool resumed, Time now, Refusals& refusals);
    void send_waiting(Time now);
    /// Makes the message's PUBLISH pending: `wire` if it is given, else as stored. False: `wire` was too
    /// large.
    bool send_publish(OutgoingMessage& message, const Publish* wire, Time now);
    void send_pubrel(OutgoingMessage& message, Time now);
    void tell(const Refusals& refusals, SessionHandler& handler);
    std::optional<ReasonCode> forbidden(const Subscribe& packet) const;
    std::optional<ReasonCode> forbidden(Qos qos, bool retain, std::size_t packet_size) const;
    void keep_unsent();

    // session_receive.cpp
    enum class Taken : std::uint8_t { yes, no };
    using Outcome = std::expected<Taken, Error>;
    std::expected<std::size_t, Error> receive(Bytes bytes, Time now, SessionHandler& handler);
    /// Hands over the messages at the front that need nothing else, and returns their bytes; conn.stalled if one of
    /// them was not taken.
    std::size_t take_plain(Bytes bytes, SessionHandler& handler);
    void say_last_words();
    Outcome take(const Frame& frame, bool traced, Time now, SessionHandler& handler);
    Outcome take_publish(const Frame& frame, bool traced, Time now, SessionHandler& handler);
    Outcome take_packet(const Packet& packet, Time now, SessionHandler& handler);
    Outcome take_connack(const Connack& packet, Time now, SessionHandler& handler);
    Outcome take_ack(const Ack& packet, Time now, SessionHandler& handler);
    /// The request that SUBACK or UNSUBACK answers, nullptr if there is none.
    std::expected<Request*, Error> find_request(PacketType type, PacketId id, std::size_t codes);
    Outcome take_auth(const Auth& packet, SessionHandler& handler);
    Outcome take_disconnect(const Disconnect& packet, SessionHandler& handler);
    /// True iff this QoS 2 message was given to the handler before.
    bool came_before(const Publish& publish);
    void acknowledge(PacketType type, PacketId id, ReasonCode code, Time now);
    void finish(OutgoingMessage& message, ReasonCode code, PropertiesView properties, Time now,
                SessionHandler& handler);
    std::unexpected<Error> fail(ReasonCode code, std::string context);
    std::unexpected<Error> fail(CodecError error, PacketType type);

    bool v5() const { return options.version == ProtocolVersion::v5; }
    /// Packets of the application can be sent.
    bool live() const { return conn.connected && !conn.closing; }
    std::size_t window() const {
        const std::size_t allowed = std::min(options.max_inflight, conn.limits.receive_maximum);
        return std::min(allowed, Inflight::max_messages);
    }

    template <class P>
    void trace_sent(const P& packet) const {
        if (options.trace != nullptr) options.trace->sent(Packet(packet));
    }
    /// Encodes behind the pending output. Errors leave nothing behind.
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
    Duration ping_patience() const;
    /// True iff the oldest request without an answer is not wholly written yet.
    bool question_unsent() const;

    SessionOptions options;
    std::size_t accepted_size;      ///< largest packet taken from the broker
    std::uint16_t receive_maximum;  ///< what we announce
    std::uint16_t alias_maximum;
    bool authenticates;             ///< CONNECT names an authentication method
    std::optional<Error> unusable;  ///< CONNECT can't be encoded from these options
    std::vector<std::uint8_t> scratch;
    Properties plain_properties;  ///< of the PUBLISH at hand: without an alias, and with one
    Properties wire_properties;
    Lasting lasting;
    Connection conn;
};

std::string explain_limit(ReasonCode code, const Limits& limits, std::size_t packet_size);

/// Copies a block of properties, topic aliases left out.
void copy_without_alias(PropertiesView from, Properties& to);

}  // namespace mqttc
