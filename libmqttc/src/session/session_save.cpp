// The state of a session as bytes, for a program that ends before its messages are delivered.
#include <string>
#include <utility>

#include "mqttc/codec.hpp"
#include "session_impl.hpp"
#include "wire.hpp"

namespace mqttc {

namespace {

// The format, which only this file reads: the mark, the version of MQTT, flags, the client identifier, two lists of
// identifiers of received QoS 2 messages (delivered, uncertain), and the unfinished outgoing messages in their order, each
// with its identifier, its state, its size and the whole PUBLISH. Numbers are big-endian.
constexpr std::string_view mark = "mqttc-session-1";
constexpr std::uint8_t flag_connected = 1;  // it was connected before
constexpr std::uint8_t flag_attempted = 1;  // a connection may have carried the message
constexpr std::uint8_t flag_pubrel = 2;     // the broker has answered it with PUBREC

std::vector<PacketId> ids_in(const IdSet& set) {
    std::vector<PacketId> ids;
    if (set.empty()) return ids;
    for (std::size_t id = 1; id <= UINT16_MAX; ++id) {
        if (set.contains(static_cast<PacketId>(id))) ids.push_back(static_cast<PacketId>(id));
    }
    return ids;
}

void read_ids(codec::Reader& in, IdSet& to) {
    for (std::size_t count = in.two_bytes(); count > 0 && !in.error(); --count) {
        if (const PacketId id = in.two_bytes(); id != 0) to.insert(id);
    }
}

/// The PUBLISH, if the bytes are one that this library could have stored.
std::optional<Publish> stored_publish(Bytes packet, PacketId id, ProtocolVersion version) {
    const auto frame = next_frame(packet);
    if (!frame || !*frame || (*frame)->size != packet.size() || (*frame)->type() != PacketType::publish)
        return std::nullopt;
    const auto publish = decode_publish(**frame, version);
    const bool stored = publish && publish->packet_id == id && id != 0 && !publish->topic.empty() &&
                        !publish->dup && !publish->properties.find(PropertyId::topic_alias) &&
                        !publish->properties.find(PropertyId::subscription_identifier);
    return stored ? std::optional(*publish) : std::nullopt;
}

}  // namespace

std::vector<std::uint8_t> Session::Impl::save() const {
    // A message whose acknowledgement is held is not finished here: the broker sends it again, and it is offered again.
    const auto finished = [this](const IdSet& set) {
        auto ids = ids_in(set);
        std::erase_if(ids, [this](PacketId id) {
            return std::ranges::find(state.held_qos2, id, &SessionState::HeldQos2::id) !=
                   state.held_qos2.end();
        });
        return ids;
    };
    const auto delivered = finished(state.received);
    const auto uncertain = finished(state.uncertain_qos2_ids);
    const auto put = [&](auto& out) {
        out.byte(static_cast<std::uint8_t>(options.version));
        out.byte(state.ever_connected ? flag_connected : 0);
        out.unchecked_text(state.client_id);
        for (const auto* ids : {&delivered, &uncertain}) {
            out.two_bytes(static_cast<std::uint16_t>(ids->size()));
            for (const PacketId id : *ids) out.two_bytes(id);
        }
        for (const Inflight::Queue* queue : {&state.inflight.sent(), &state.inflight.waiting()}) {
            for (const OutgoingMessage* message = queue->front(); message != nullptr;
                 message = message->next) {
                const bool pubrel = message->stage == OutgoingMessage::Stage::pubrel;
                const bool attempted = message->on_wire || message->attempted;
                out.two_bytes(message->id);
                out.byte(
                    static_cast<std::uint8_t>((attempted ? flag_attempted : 0) | (pubrel ? flag_pubrel : 0)));
                out.four_bytes(static_cast<std::uint32_t>(message->size()));
                out.raw(message->packet);
                out.raw(message->payload.bytes);
            }
        }
    };
    codec::Measure measure;
    put(measure);
    std::vector<std::uint8_t> saved(mark.begin(), mark.end());
    saved.resize(mark.size() + static_cast<std::size_t>(measure.size()));
    codec::Writer writer(saved.data() + mark.size());
    put(writer);
    return saved;
}

std::expected<void, Error> Session::Impl::restore(Bytes saved) {
    if (conn.phase != Phase::closed || state.ever_connected || state.counters.published > 0)
        return refuse(ErrorCode::usage, "a session can be restored only before it is used");
    codec::Reader in(saved);
    if (as_text(in.take(mark.size())) != mark)
        return refuse(ErrorCode::usage, "the bytes are not a saved session");
    if (in.byte() != static_cast<std::uint8_t>(options.version))
        return refuse(ErrorCode::usage, "the session was saved by a client of another version of MQTT");
    SessionState fresh(options.version);
    fresh.ever_connected = (in.byte() & flag_connected) != 0;
    fresh.client_id = in.unchecked_text();
    if (!options.client_id.empty() && options.client_id != fresh.client_id)
        return refuse(ErrorCode::usage, "the session was saved by a client with another client identifier");
    read_ids(in, fresh.received);
    read_ids(in, fresh.uncertain_qos2_ids);
    while (!in.error() && !in.at_end()) {
        const PacketId id = in.two_bytes();
        const std::uint8_t flags = in.byte();
        const Bytes packet = in.take(in.four_bytes());
        const auto publish = stored_publish(packet, id, options.version);
        OutgoingMessage* message = publish ? fresh.inflight.add(fresh.ids, id) : nullptr;
        if (message == nullptr) {
            in.fail(CodecError::malformed);
            break;
        }
        message->packet.assign(packet.begin(), packet.end());
        message->qos = publish->qos;
        message->attempted = (flags & flag_attempted) != 0;
        if (message->qos == Qos::exactly_once && (flags & flag_pubrel) != 0)
            message->stage = OutgoingMessage::Stage::pubrel;
    }
    if (in.error()) return refuse(ErrorCode::usage, "the saved session is damaged");
    fresh.counters.published = fresh.counters.pending = fresh.inflight.size();
    state = std::move(fresh);
    conn.limits.client_id = state.client_id;
    return {};
}

}  // namespace mqttc
