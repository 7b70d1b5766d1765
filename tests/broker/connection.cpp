// One connection: its transport, its output and its end.
#include "connection.hpp"

#include <poll.h>

#include <utility>

#include "broker.hpp"

namespace mqttc::broker {
namespace {

constexpr std::size_t largest_packet = std::size_t{max_remaining_length} + 5;
constexpr int reads_per_turn = 16;  // then other connections are served
constexpr auto linger = std::chrono::seconds(2);
constexpr std::size_t small_packet_limit = 1024;  // clients with a smaller maximum get no reason strings

}  // namespace

Connection::Connection(Broker& broker, net::StreamPtr stream, std::string peer,
                       std::shared_ptr<const AccessControl> access)
    : broker_(broker),
      stream_(std::move(stream)),
      name_(std::move(peer)),
      access_(std::move(access)),
      last_received_(broker.loop().now()),
      max_packet_size_(largest_packet) {
    arm_timer(broker_.loop().now() + broker_.options().bounds.connect_timeout);
    broker_.loop().watch(stream_->descriptor(), POLLIN, [this](short revents) { ready(revents); });
    continue_handshake();
}

Connection::~Connection() {
    if (stage_ != Stage::finished) finish();
}

void Connection::ready(short revents) {
    if (stage_ == Stage::handshake) continue_handshake();
    if (stage_ == Stage::handshake || stage_ == Stage::finished) return;
    if ((revents & ~POLLOUT) != 0 || stream_->wants({.read = true, .write = false}).write) read_all();
    if (stage_ != Stage::finished) broker_.request_flush(*this);
}

void Connection::continue_handshake() {
    const auto done = stream_->handshake();
    if (!done) {
        note("handshake failed: " + done.error().context);
        return finish();
    }
    if (*done) stage_ = Stage::connecting;
    wait_for_stream();
}

void Connection::wait_for_stream() {
    const auto wants = stream_->wants({.read = true, .write = !output_.empty() || stream_->unsent()});
    broker_.loop().set_events(stream_->descriptor(),
                              static_cast<short>((wants.read ? POLLIN : 0) | (wants.write ? POLLOUT : 0)));
}

void Connection::read_all() {
    for (int round = 0; stage_ == Stage::connecting || stage_ == Stage::open; ++round) {
        if (round >= reads_per_turn && !stream_->buffered()) return;
        const auto room = input_.room();
        const auto result = stream_->read(room);
        if (!result || result->state == net::IoState::end) {
            note(result ? "closed the connection" : result.error().context);
            if (!result && result.error().code == ErrorCode::protocol_error)
                broker_.add_violation(name_ + ": " + result.error().context);
            end_session(true);
            return finish();
        }
        if (result->state == net::IoState::would_block) return;
        last_received_ = broker_.loop().now();
        input_.added(result->count);
        take_packets();
        if (result->count < room.size() && stage_ != Stage::finished && !stream_->buffered()) return;
    }
    if (stage_ != Stage::finished) discard_input();
}

void Connection::discard_input() {
    std::uint8_t discarded[16384];
    while (true) {
        const auto result = stream_->read(discarded);
        if (result && result->state == net::IoState::would_block) return;
        if (!result || result->state == net::IoState::end) return finish();
        if (disconnect_received_) broker_.add_violation(name_ + ": sent data after DISCONNECT");
        disconnect_received_ = false;
    }
}

void Connection::take_packets() {
    const auto limit = broker_.options().limits.maximum_packet_size.value_or(largest_packet);
    while (stage_ == Stage::connecting || stage_ == Stage::open) {
        constexpr std::uint8_t connect_byte = static_cast<std::uint8_t>(PacketType::connect) << 4;
        if (stage_ == Stage::connecting && !input_.bytes().empty() && input_.bytes()[0] != connect_byte)
            return violation(reason::protocol_error, "the first packet must be CONNECT");
        const auto frame = next_frame(input_.bytes(), limit);
        if (!frame) return violation(reason_of(frame.error()), describe(frame.error()));
        if (!*frame) {
            if (const auto size = frame_size(input_.bytes(), limit); size && *size) input_.expect(**size);
            return;
        }
        ++broker_.counters().packets_received;
        const auto size = (*frame)->size;
        take(**frame);
        input_.consumed(size);
    }
    if (disconnect_received_ && !input_.bytes().empty()) {
        broker_.add_violation(name_ + ": sent data after DISCONNECT");
        disconnect_received_ = false;
    }
}

void Connection::flush() {
    if (stage_ == Stage::finished || stage_ == Stage::handshake || stage_ == Stage::lingering) return;
    while (true) {
        while (!output_.empty() || stream_->unsent()) {
            const auto result = stream_->write(output_.empty() ? Bytes() : output_.front());
            if (!result) {
                note(result.error().context);
                end_session(true);
                return finish();
            }
            if (result->state != net::IoState::ready) return wait_for_stream();
            if (!output_.empty()) output_.sent(result->count);
        }
        pump();
        if (output_.empty()) break;
    }
    wait_for_stream();
    if (stage_ != Stage::closing) return;
    // Closing at once could reset the connection before the client has read the last packets.
    stream_->shutdown();
    stage_ = Stage::lingering;
    arm_timer(broker_.loop().now() + linger);
}

void Connection::arm_timer(Time when) {
    if (timer_ != 0) broker_.loop().cancel(timer_);
    timer_ = broker_.loop().at(when, [this] {
        timer_ = 0;
        timer_due();
    });
}

void Connection::timer_due() {
    if (stage_ != Stage::open) {
        note(stage_ == Stage::lingering ? "did not close the connection" : "sent no CONNECT in time");
        return finish();
    }
    if (max_silence_ == Duration::zero()) return;
    const auto due = last_received_ + max_silence_;
    if (broker_.loop().now() < due) return arm_timer(due);
    violation(reason::keep_alive_timeout, "no packet within one and a half times the keep-alive");
}

void Connection::send(const Packet& packet, Last last) {
    const auto sent =
        output_.append_by([&](std::vector<std::uint8_t>& out) { return encode(packet, version_, out); });
    if (sent)
        ++broker_.counters().packets_sent;
    else
        broker_.add_violation(
            name_ + ": the broker could not encode a packet: " + std::string(describe(sent.error())));
    if (last == Last::yes) return close_after_output();
    broker_.request_flush(*this);
}

void Connection::send_raw(Bytes bytes) {
    if (stage_ == Stage::finished) return;
    output_.append(bytes);
    broker_.request_flush(*this);
}

void Connection::send_qos0(const Outgoing& outgoing) {
    if (output_.size() >= broker_.options().bounds.output_bytes) {
        ++broker_.counters().dropped;
        return note("dropped a QoS 0 message: the client is too slow");
    }
    send_publish(outgoing, false);
}

bool Connection::send_publish(const Outgoing& outgoing, bool dup) {
    const auto& message = *outgoing.message;
    Publish publish{.topic = message.topic,
                    .payload = message.payload,
                    .qos = outgoing.qos,
                    .retain = outgoing.retain,
                    .dup = dup,
                    .packet_id = outgoing.packet_id,
                    .properties = message.properties.view()};
    Properties storage;
    std::uint16_t new_alias = 0;
    if (v5()) {
        std::uint16_t alias = 0;
        // With the largest payload there is no space for the property.
        const bool large = message.payload.size() > shared_block_size;
        if (const auto known = aliases_out_.find(message.topic); known != aliases_out_.end() && !large) {
            alias = known->second;
            publish.topic = {};
        } else if (known == aliases_out_.end() && !large && aliases_out_.size() < max_aliases_) {
            alias = new_alias = static_cast<std::uint16_t>(aliases_out_.size() + 1);
        }
        if (alias != 0 || message.expires || !outgoing.identifiers.empty()) {
            storage = message.properties;
            if (alias != 0) (void)storage.add(PropertyId::topic_alias, std::uint32_t{alias});
            if (message.expires) {
                const auto left =
                    std::chrono::ceil<std::chrono::seconds>(*message.expires - broker_.loop().now());
                (void)storage.add(PropertyId::message_expiry_interval,
                                  static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 0)));
            }
            for (const auto identifier : outgoing.identifiers)
                (void)storage.add(PropertyId::subscription_identifier, identifier);
            publish.properties = storage.view();
        }
    }
    const auto encoded =
        output_.append_by([&](std::vector<std::uint8_t>& out) -> std::expected<void, CodecError> {
            const auto before = out.size();
            auto result = encode_publish_header(publish, version_, out);
            if (result && out.size() - before + message.payload.size() > max_packet_size_) {
                out.resize(before);
                return std::unexpected(CodecError::packet_too_large);
            }
            return result;
        });
    if (!encoded) {
        ++broker_.counters().dropped;
        note("dropped a message: " + std::string(describe(encoded.error())));
        return false;
    }
    output_.append_payload(outgoing.message);
    if (new_alias != 0) aliases_out_.emplace(message.topic, new_alias);
    ++broker_.counters().packets_sent;
    broker_.request_flush(*this);
    return true;
}

void Connection::pump() {
    if (session_ == nullptr || stage_ != Stage::open) return;
    while (output_.size() < broker_.options().bounds.output_bytes) {
        const auto* next = session_->start_next(max_in_flight_, broker_.loop().now());
        if (next == nullptr) return;
        if (!send_publish(*next, next->again)) session_->forget(next->packet_id);
    }
}

void Connection::disconnect(ReasonCode code, std::string_view why) {
    if (stage_ != Stage::open && stage_ != Stage::connecting) return;
    note(why);
    const bool send_disconnect = stage_ == Stage::open && v5();
    end_session(true);
    if (!send_disconnect) return close_after_output();
    Properties properties;
    if (max_packet_size_ >= small_packet_limit) (void)properties.add(PropertyId::reason_string, why);
    send(Disconnect{.code = code, .properties = properties.view()}, Last::yes);
}

void Connection::violation(ReasonCode code, std::string_view rule) {
    broker_.add_violation(name_ + ": " + std::string(rule));
    disconnect(code, rule);
}

void Connection::drop() {
    // What was answered before, such as CONNECT.
    flush();
    if (stage_ == Stage::finished) return;
    end_session(true);
    finish();
}

void Connection::close_after_output() {
    if (stage_ == Stage::finished) return;
    stage_ = Stage::closing;
    broker_.request_flush(*this);
}

void Connection::end_session(bool with_will) {
    if (auto* session = std::exchange(session_, nullptr)) broker_.detach(*session, with_will);
}

void Connection::finish() {
    if (timer_ != 0) broker_.loop().cancel(std::exchange(timer_, 0));
    broker_.loop().unwatch(stream_->descriptor());
    stream_.reset();
    stage_ = Stage::finished;
    broker_.finished();
}

void Connection::note(std::string_view text) const {
    if (broker_.logging()) broker_.log(name_ + ": " + std::string(text));
}

}  // namespace mqttc::broker
