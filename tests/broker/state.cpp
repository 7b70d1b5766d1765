// The form of a state file: a line that names it, then messages, retained ones, and sessions; integers big-endian,
// each text with its length in front.
#include "state.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>

#include "mqttc/topic.hpp"
#include "session.hpp"

namespace mqttc::broker {
namespace {

constexpr std::string_view magic = "mqtt_testbroker state 1\n";
constexpr std::size_t longest_text = 65'535;
// More than any expiry interval (136 years); keeps the sum with the steady clock in its range.
constexpr std::int64_t farthest = std::int64_t{140} * 366 * 24 * 3600 * 1000;

enum MessageFlag : std::uint8_t { message_retain = 4, message_expires = 8 };
enum SubscriptionFlag : std::uint8_t { no_local = 4, retain_as_published = 8 };
enum DeliveryFlag : std::uint8_t { delivery_retain = 4, delivery_released = 8 };
constexpr std::uint8_t qos_bits = 3;

class Writer {
  public:
    template <typename Number>
    void number(Number value) {
        for (std::size_t shift = sizeof value * 8; shift > 0; shift -= 8)
            out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (shift - 8) & 0xff));
    }
    void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
    void text(std::string_view value) {
        count(value.size());
        out += value;
    }
    void flags(Qos qos, bool first, bool second) {
        number(
            static_cast<std::uint8_t>(static_cast<unsigned>(qos) | (first ? 4U : 0U) | (second ? 8U : 0U)));
    }
    void time(Time when, const Moment& moment) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(when - moment.steady);
        number(static_cast<std::uint64_t>(moment.wall + left.count()));
    }

    std::string out;
};

/// Once something was wrong, everything read is zero or empty.
class Reader {
  public:
    Reader(std::string_view bytes, const Moment& moment) : all_(bytes), rest_(bytes), moment_(moment) {}

    void require(bool good, const char* what) {
        if (good || !wrong_.empty()) return;
        wrong_ = std::string(what) + " at byte " + std::to_string(all_.size() - rest_.size());
        rest_ = {};
    }
    bool good() const { return wrong_.empty(); }
    const std::string& wrong() const { return wrong_; }
    bool at_end() const { return rest_.empty(); }

    std::string_view bytes(std::size_t size) {
        require(size <= rest_.size(), "cut short");
        const auto taken = rest_.substr(0, good() ? size : 0);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    template <typename Number>
    Number number() {
        std::uint64_t value = 0;
        for (const char byte : bytes(sizeof(Number))) value = value << 8 | static_cast<unsigned char>(byte);
        return static_cast<Number>(value);
    }
    std::string_view text() {
        const auto size = number<std::uint32_t>();
        const auto value = bytes(size);
        require(value.size() <= longest_text && valid_utf8(value), "not a text");
        return good() ? value : std::string_view();
    }
    /// Calls `one` as often as the number that comes next says, as long as nothing is wrong.
    template <typename One>
    void each(One one) {
        for (auto left = number<std::uint32_t>(); left > 0 && good(); --left) one();
    }
    Time time() {
        const auto wall = static_cast<std::int64_t>(number<std::uint64_t>());
        const bool near = wall > moment_.wall - farthest && wall < moment_.wall + farthest;
        require(near, "a time out of range");
        return near ? moment_.steady + std::chrono::milliseconds(wall - moment_.wall) : moment_.steady;
    }
    Qos qos(std::uint8_t flags) {
        const bool known = (flags & qos_bits) <= 2 && flags < 16;
        require(known, "unknown flags");
        return known ? static_cast<Qos>(flags & qos_bits) : Qos::at_most_once;
    }

  private:
    std::string_view all_;
    std::string_view rest_;
    const Moment& moment_;
    std::string wrong_;
};

class Messages {
  public:
    std::uint32_t index(const MessagePtr& message) {
        const auto [entry, added] =
            indices_.emplace(message.get(), static_cast<std::uint32_t>(messages_.size()));
        if (added) messages_.push_back(message.get());
        return entry->second;
    }
    void write(Writer& to, const Moment& moment) const {
        to.count(messages_.size());
        for (const auto* message : messages_) {
            to.text(message->topic);
            to.text(message->from);
            to.flags(message->qos, message->retain, message->expires.has_value());
            if (message->expires) to.time(*message->expires, moment);
            to.text(as_text(message->properties.view().wire()));
            to.text(as_text(message->payload));
        }
    }

  private:
    std::unordered_map<const Message*, std::uint32_t> indices_;
    std::vector<const Message*> messages_;
};

void write_delivery(Writer& to, const Outgoing& outgoing, Messages& messages) {
    to.number(messages.index(outgoing.message));
    to.flags(outgoing.qos, outgoing.retain, outgoing.released);
    to.number(outgoing.packet_id);
    to.count(outgoing.identifiers.size());
    for (const auto identifier : outgoing.identifiers) to.number(identifier);
}

void write_session(Writer& to, const SavedSession& session, Messages& messages, const Moment& moment) {
    to.text(session.client_id);
    to.number(static_cast<std::uint8_t>(session.version));
    to.number(session.expiry);
    if (session.ends) to.time(*session.ends, moment);
    to.count(session.subscriptions.size());
    for (const auto& [filter, options] : session.subscriptions) {
        to.text(filter);
        to.flags(options.qos, options.no_local, options.retain_as_published);
        to.number(options.identifier);
    }
    to.count(session.received.size());
    for (const auto id : session.received) to.number(id);
    for (const auto* deliveries : {&session.in_flight, &session.queued}) {
        to.count(deliveries->size());
        for (const auto& outgoing : *deliveries) write_delivery(to, outgoing, messages);
    }
    to.number(session.last_id);
}

MessagePtr read_message(Reader& from) {
    const auto topic = from.text();
    from.require(!check_topic_name(topic), "not a topic");
    const auto publisher = from.text();
    const auto flags = from.number<std::uint8_t>();
    const auto qos = from.qos(flags);
    std::optional<Time> expires;
    if ((flags & message_expires) != 0) expires = from.time();
    const auto wire = from.bytes(from.number<std::uint32_t>());
    const auto properties = PropertiesView::parse(as_bytes(wire), packet_bit(PacketType::publish));
    from.require(properties.has_value(), "wrong properties");
    const auto payload = from.bytes(from.number<std::uint32_t>());
    from.require(payload.size() <= max_remaining_length, "a payload too long");
    if (!from.good()) return nullptr;
    const Publish publish{.topic = topic,
                          .payload = as_bytes(payload),
                          .qos = qos,
                          .retain = (flags & message_retain) != 0,
                          .properties = *properties};
    auto message = std::make_shared<Message>(*make_message(publish, topic, publisher, nullptr, Time()));
    message->expires = expires;
    return message;
}

Outgoing read_delivery(Reader& from, const std::vector<MessagePtr>& messages) {
    Outgoing outgoing{.message = {}, .identifiers = {}};
    const auto index = from.number<std::uint32_t>();
    from.require(index < messages.size(), "an unknown message");
    if (from.good()) outgoing.message = messages[index];
    const auto flags = from.number<std::uint8_t>();
    outgoing.qos = from.qos(flags);
    outgoing.retain = (flags & delivery_retain) != 0;
    outgoing.released = (flags & delivery_released) != 0;
    from.require(outgoing.qos != Qos::at_most_once, "a delivery at QoS 0");
    from.require(!outgoing.released || outgoing.qos == Qos::exactly_once, "a release at QoS 1");
    outgoing.packet_id = from.number<PacketId>();
    from.each([&] {
        outgoing.identifiers.push_back(from.number<std::uint32_t>());
        from.require(outgoing.identifiers.back() - 1 < max_remaining_length,
                     "a subscription identifier out of range");
    });
    return outgoing;
}

void read_deliveries(Reader& from, SavedSession& session, const std::vector<MessagePtr>& messages) {
    std::unordered_set<PacketId> used;
    from.each([&] {
        session.in_flight.push_back(read_delivery(from, messages));
        const auto id = session.in_flight.back().packet_id;
        from.require(id != 0 && used.insert(id).second, "a packet identifier twice");
    });
    from.each([&] {
        session.queued.push_back(read_delivery(from, messages));
        const auto& outgoing = session.queued.back();
        from.require(outgoing.packet_id == 0 && !outgoing.released, "a queued message under way");
    });
    session.last_id = from.number<PacketId>();
}

SavedSession read_session(Reader& from, const std::vector<MessagePtr>& messages) {
    SavedSession session;
    session.client_id = from.text();
    from.require(!session.client_id.empty(), "no client identifier");
    const auto version = from.number<std::uint8_t>();
    const bool known = version >= 3 && version <= 5;
    from.require(known, "an unknown version");
    if (known) session.version = static_cast<ProtocolVersion>(version);
    session.expiry = from.number<std::uint32_t>();
    from.require(session.expiry != 0, "a session that has ended");
    if (session.expiry != never_expires) session.ends = from.time();
    from.each([&] {
        const auto filter = from.text();
        from.require(!check_topic_filter(filter), "not a topic filter");
        const auto flags = from.number<std::uint8_t>();
        const SubscriptionOptions options{.qos = from.qos(flags),
                                          .no_local = (flags & no_local) != 0,
                                          .retain_as_published = (flags & retain_as_published) != 0,
                                          .identifier = from.number<std::uint32_t>()};
        from.require(options.identifier <= max_remaining_length, "a subscription identifier out of range");
        from.require(session.subscriptions.emplace(filter, options).second, "a subscription twice");
    });
    from.each([&] {
        const auto id = from.number<PacketId>();
        from.require(id > (session.received.empty() ? 0 : session.received.back()),
                     "packet identifiers out of order");
        session.received.push_back(id);
    });
    read_deliveries(from, session, messages);
    return session;
}

}  // namespace

Moment Moment::now() {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return {.steady = std::chrono::steady_clock::now(),
            .wall = std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()};
}

std::string encode_state(const State& state, const Moment& moment) {
    Messages messages;
    Writer body;
    body.count(state.retained.size());
    for (const auto& message : state.retained) body.number(messages.index(message));
    body.count(state.sessions.size());
    for (const auto& session : state.sessions) write_session(body, session, messages, moment);
    Writer all;
    all.out = magic;
    messages.write(all, moment);
    return std::move(all.out) + body.out;
}

std::expected<State, std::string> parse_state(std::string_view bytes, const Moment& moment) {
    if (!bytes.starts_with(magic)) return std::unexpected("not a state file of mqtt_testbroker");
    Reader from(bytes, moment);
    from.bytes(magic.size());
    std::vector<MessagePtr> messages;
    from.each([&] { messages.push_back(read_message(from)); });
    State state;
    std::unordered_set<std::string_view> topics;
    from.each([&] {
        const auto index = from.number<std::uint32_t>();
        from.require(index < messages.size(), "an unknown message");
        if (!from.good()) return;
        const auto& message = messages[index];
        from.require(message->retain && !message->payload.empty(), "not a retained message");
        from.require(topics.insert(message->topic).second, "a retained topic twice");
        state.retained.push_back(message);
    });
    std::unordered_set<std::string> clients;
    from.each([&] {
        state.sessions.push_back(read_session(from, messages));
        from.require(clients.insert(state.sessions.back().client_id).second, "a client identifier twice");
    });
    from.require(from.at_end(), "more than a state");
    if (!from.good()) return std::unexpected(from.wrong());
    return state;
}

}  // namespace mqttc::broker
