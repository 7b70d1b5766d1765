// The dialogues of the session tests.
#include "dialogue.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace mqttc::test {

std::string wire(std::string_view text) {
    return to_hex(hex(text));
}

Time at(double seconds) {
    // Not the clock's zero, so that a time that was never set is noticed.
    return Time(std::chrono::hours(1000)) +
           std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Publish message(std::string_view topic, std::string_view payload, Qos qos, bool retain) {
    Publish publish;
    publish.topic = topic;
    publish.payload = as_bytes(payload);
    publish.qos = qos;
    publish.retain = retain;
    return publish;
}

void Recorder::on_connack(const Connack& packet) {
    events.push_back("connack " + std::to_string(packet.code) + (packet.session_present ? " present" : ""));
    if (inside_connack) inside_connack();
}

Accept Recorder::on_publish(const Publish& packet) {
    const Accept given = answer;
    if (given == Accept::later) {
        ++postponed;
        return given;
    }
    std::string payload(as_text(packet.payload));
    if (payload.size() > 40) payload = std::to_string(payload.size()) + " bytes";
    events.push_back("message " + std::string(packet.topic) + "=" + payload);
    if (inside_publish) inside_publish();
    return given;
}

void Recorder::on_delivered(PacketId id, ReasonCode code, PropertiesView) {
    events.push_back("delivered " + std::to_string(id) + (code != 0 ? " code " + std::to_string(code) : ""));
    if (inside_delivered) inside_delivered();
}

void Recorder::on_refused(const Publish& packet, ReasonCode code, PropertiesView) {
    refused.push_back(std::string(packet.topic) + "=" + std::string(as_text(packet.payload)) + " code " +
                      std::to_string(code));
}

void Recorder::on_suback(const Suback& packet) {
    events.push_back("suback " + std::to_string(packet.packet_id) + " codes " + to_hex(packet.codes));
}

void Recorder::on_unsuback(const Unsuback& packet) {
    events.push_back("unsuback " + std::to_string(packet.packet_id) + " codes " + to_hex(packet.codes));
}

void Recorder::on_disconnect(const Disconnect& packet) {
    events.push_back("disconnect " + std::to_string(packet.code));
}

bool Recorder::on_auth(const Auth& packet) {
    events.push_back("auth " + std::to_string(packet.code));
    return true;
}

void Dialogue::open() {
    session.opened(now);
    REQUIRE(written().substr(0, 2) == "10");
}

void Dialogue::connect(bool session_present, std::string_view properties) {
    open();
    std::vector<std::uint8_t> connack{0x20, 2, static_cast<std::uint8_t>(session_present), 0};
    if (session.options().version == ProtocolVersion::v5) {
        const auto block = hex(properties);
        connack.push_back(static_cast<std::uint8_t>(block.size()));
        connack.insert(connack.end(), block.begin(), block.end());
        connack[1] = static_cast<std::uint8_t>(connack.size() - 2);
    }
    const auto used = session.receive(connack, now, recorder);
    REQUIRE_MESSAGE(used.has_value(), used.error().context);
    REQUIRE(session.connected());
    std::erase_if(recorder.events, [](const std::string& event) { return event.starts_with("connack 0"); });
}

std::expected<std::size_t, Error> Dialogue::broker_sends(std::string_view text) {
    return session.receive(hex(text), now, recorder);
}

std::string Dialogue::answer_to(std::string_view text) {
    const auto used = broker_sends(text);
    REQUIRE_MESSAGE(used.has_value(), used.error().context);
    REQUIRE(*used == hex(text).size());
    return written();
}

Error Dialogue::error_of(std::string_view text) {
    const auto used = broker_sends(text);
    REQUIRE_FALSE(used.has_value());
    return used.error();
}

PacketId Dialogue::publish(std::string_view topic, std::string_view payload, Qos qos) {
    const auto id = session.publish(message(topic, payload, qos), now);
    REQUIRE_MESSAGE(id.has_value(), id.error().context);
    return *id;
}

PacketId Dialogue::subscribe(std::string_view filter, Qos qos) {
    Subscription one;
    one.filter = filter;
    one.qos = qos;
    const auto id = session.subscribe(std::span(&one, 1), {}, now);
    REQUIRE_MESSAGE(id.has_value(), id.error().context);
    return *id;
}

void Dialogue::reconnect(bool session_present, std::string_view properties) {
    session.closed();
    connect(session_present, properties);
}

std::string Dialogue::written() {
    std::vector<std::uint8_t> all;
    while (!session.pending().empty()) {
        const Bytes piece = session.pending();
        all.insert(all.end(), piece.begin(), piece.end());
        session.sent(piece.size(), now);
    }
    return to_hex(all);
}

std::string Dialogue::events() {
    std::string line;
    for (const std::string& event : std::exchange(recorder.events, {})) {
        if (!line.empty()) line += "; ";
        line += event;
    }
    return line;
}

SessionOptions options_of(ProtocolVersion version) {
    SessionOptions options;
    options.version = version;
    options.client_id = "me";
    return options;
}

Dialogue connected(ProtocolVersion version, std::string_view properties) {
    Dialogue dialogue(options_of(version));
    dialogue.connect(false, properties);
    return dialogue;
}

SessionOptions persistent(ProtocolVersion version) {
    SessionOptions options = options_of(version);
    options.clean_start = false;
    return options;
}

Dialogue connected_persistent(ProtocolVersion version, std::string_view properties) {
    Dialogue dialogue(persistent(version));
    dialogue.connect(false, properties);
    return dialogue;
}

}  // namespace mqttc::test
