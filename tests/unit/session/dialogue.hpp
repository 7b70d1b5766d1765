// A session in a dialogue with a scripted broker: packets as hex strings, times in seconds, events as lines
// of text.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/session.hpp"
#include "support/hex.hpp"

namespace mqttc::test {

inline constexpr auto v31 = ProtocolVersion::v31;
inline constexpr auto v311 = ProtocolVersion::v311;
inline constexpr auto v5 = ProtocolVersion::v5;
inline constexpr Qos qos0 = Qos::at_most_once;
inline constexpr Qos qos1 = Qos::at_least_once;
inline constexpr Qos qos2 = Qos::exactly_once;

/// How Dialogue::written shows these bytes; the form of the argument is that of hex() in support/hex.hpp.
std::string wire(std::string_view text);

/// The time `seconds` after the common start of all dialogues.
Time at(double seconds);

/// A PUBLISH to hand to Session::publish.
Publish message(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once,
                bool retain = false);

/// Records each event as one line, and calls back where a test acts inside one.
class Recorder : public SessionHandler {
  public:
    void on_connack(const Connack& packet) override;
    Accept on_publish(const Publish& packet) override;
    void on_delivered(PacketId id, ReasonCode code, PropertiesView) override;
    void on_refused(const Publish& packet, ReasonCode code, PropertiesView) override;
    void on_suback(const Suback& packet) override;
    void on_unsuback(const Unsuback& packet) override;
    void on_disconnect(const Disconnect& packet) override;
    bool on_auth(const Auth& packet) override;

    std::vector<std::string> events;
    std::vector<std::string> refused;  ///< "topic=payload code 135"
    Accept answer = Accept::now;       ///< of on_publish
    int postponed = 0;                 ///< how often that was `later`
    std::function<void()> inside_publish;
    std::function<void()> inside_connack;
    std::function<void()> inside_delivered;
};

/// A session, with the test as its broker.
class Dialogue {
  public:
    explicit Dialogue(SessionOptions options) : session(std::move(options)) {}

    /// Advances the time.
    void wait(double seconds) {
        now += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    }
    /// opened(), and CONNECT is written and not checked.
    void open();
    /// open(), then the broker sends CONNACK, and nothing is checked; v5 properties in hex without their
    /// length.
    void connect(bool session_present = false, std::string_view properties = "");
    /// The broker sends these bytes; returns how many were consumed.
    std::expected<std::size_t, Error> broker_sends(std::string_view text);
    /// broker_sends(), which must succeed and consume everything; returns what the session then has written.
    std::string answer_to(std::string_view text);
    /// broker_sends(), which must fail.
    Error error_of(std::string_view text);
    /// publish() without payload mode, which must succeed.
    PacketId publish(std::string_view topic, std::string_view payload, Qos qos = Qos::at_most_once);
    /// subscribe() to one filter, which must succeed.
    PacketId subscribe(std::string_view filter, Qos qos = Qos::at_most_once);
    /// closed() and connect().
    void reconnect(bool session_present, std::string_view properties = "");
    /// All that is pending, now written, in hex.
    std::string written();
    /// The events since the last call, separated by "; ".
    std::string events();

    Time now = at(0);
    Session session;
    Recorder recorder;
};

SessionOptions options_of(ProtocolVersion version);

/// A dialogue with options_of() that has had its CONNACK; v5 properties in hex without their length.
Dialogue connected(ProtocolVersion version, std::string_view properties = "");

/// options_of(), for a session that outlives its connection.
SessionOptions persistent(ProtocolVersion version);
/// connected(), with a session that outlives its connection.
Dialogue connected_persistent(ProtocolVersion version, std::string_view properties = "");

}  // namespace mqttc::test
