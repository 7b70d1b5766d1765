// Every published message is counted exactly once: published = delivered + refused + uncertain + dropped + pending.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "dialogue.hpp"
#include "mqttc/codec.hpp"

namespace mqttc::test {
namespace {

void check_sum(const Session& session) {
    const Counters& counters = session.counters();
    CHECK(counters.published ==
          counters.delivered + counters.refused + counters.uncertain + counters.dropped + counters.pending);
    CHECK(counters.pending == session.inflight() + session.unsent());
}

/// Publishes messages of random sizes, writes random numbers of bytes and breaks connections, and knows from the bytes
/// alone which messages have arrived.
class Model {
  public:
    Model(unsigned seed, ProtocolVersion version) : random_(seed), d_(options(version)) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            switch (upto(12)) {
                case 0:
                    close();
                    break;
                case 1:
                case 2:
                    write(upto(3) == 0 ? d_.session.pending_bytes() : upto(3'000));
                    break;
                case 3:
                    acknowledge();
                    break;
                case 4:
                    publish_block();
                    break;
                case 5:
                    if (!d_.session.connected()) connect();
                    break;
                default:
                    publish();
            }
            check();
        }
        close();
        connect();
        write(d_.session.pending_bytes());
        check();
        CHECK(d_.session.unsent() == 0);
    }

  private:
    static SessionOptions options(ProtocolVersion version) {
        SessionOptions made = persistent(version);
        made.max_output_bytes = 400'000;
        return made;
    }

    std::size_t upto(std::size_t most) {
        return std::uniform_int_distribution<std::size_t>(0, most)(random_);
    }
    std::size_t size() {
        constexpr std::size_t mosts[] = {0, 20, 200, 2'000, 20'000, 70'000};
        return upto(mosts[upto(5)]);
    }

    /// Leaves room in the output: without their aliases, messages that are kept are longer.
    bool has_room() const { return d_.session.pending_bytes() < 100'000; }

    void publish() {
        if (!has_room()) return;
        const std::string payload(size(), 'p');
        // A large borrowed payload would have to outlive its message.
        static_cast<void>(d_.session.publish(message("a/topic", payload, static_cast<Qos>(upto(1))), d_.now));
    }

    void publish_block() {
        if (!has_room()) return;
        std::vector<std::string> payloads;
        for (std::size_t i = upto(30); i > 0; --i) payloads.emplace_back(size(), 'p');
        std::vector<Bytes> views;
        for (const std::string& payload : payloads) views.push_back(as_bytes(payload));
        static_cast<void>(d_.session.publish_each(message("a/topic", ""), views, d_.now));
    }

    void connect() {
        d_.connect(true, d_.session.options().version == v5 ? "22 0005" : "");
        stream_.clear();
    }

    void write(std::size_t bytes) {
        while (bytes > 0 && !d_.session.pending().empty()) {
            const Bytes piece = d_.session.pending().first(std::min(bytes, d_.session.pending().size()));
            stream_.insert(stream_.end(), piece.begin(), piece.end());
            bytes -= piece.size();
            d_.session.sent(piece.size(), d_.now);
        }
    }

    void acknowledge() {
        for (const PacketId id : read(stream_.size()).unacknowledged) {
            if (!acknowledged_.insert(id).second) continue;
            const std::uint8_t puback[] = {0x40, 2, static_cast<std::uint8_t>(id >> 8U),
                                           static_cast<std::uint8_t>(id)};
            REQUIRE(d_.session.receive(puback, d_.now, d_.recorder).has_value());
            ++finished_;
        }
    }

    void close() {
        if (!d_.session.connected()) return;
        const std::size_t unarrived = upto(2) == 0 ? upto(stream_.size()) : 0;
        const Seen seen = read(stream_.size() - unarrived);
        const Seen sent = read(stream_.size());
        arrived_ += seen.messages;
        lost_ += sent.messages - seen.messages + (sent.partly ? 1 : 0);
        d_.session.closed(unarrived);
        stream_.clear();
        acknowledged_.clear();
        d_.events();
    }

    struct Seen {
        std::uint64_t messages = 0;  ///< at QoS 0, whole
        bool partly = false;         ///< one more, in part
        std::vector<PacketId> unacknowledged;
    };
    /// What is in the first bytes of the connection.
    Seen read(std::size_t bytes) const {
        Seen seen;
        Bytes rest = Bytes(stream_).first(bytes);
        while (!rest.empty()) {
            const auto frame = next_frame(rest);
            REQUIRE(frame.has_value());
            if (!*frame) {
                seen.partly = (rest[0] & 0xf6U) == 0x30;
                break;
            }
            const auto packet = decode(**frame, d_.session.options().version);
            REQUIRE(packet.has_value());
            const auto* publish = std::get_if<Publish>(&*packet);
            REQUIRE(publish != nullptr);
            if (publish->qos == Qos::at_most_once) {
                ++seen.messages;
            } else {
                seen.unacknowledged.push_back(publish->packet_id);
            }
            rest = rest.subspan((*frame)->size);
        }
        return seen;
    }

    void check() const {
        check_sum(d_.session);
        CHECK(d_.session.counters().delivered == arrived_ + read(stream_.size()).messages + finished_);
        CHECK(d_.session.counters().dropped == lost_);
    }

    std::mt19937 random_;
    Dialogue d_;
    std::vector<std::uint8_t> stream_;  ///< of the present connection, after CONNECT
    std::set<PacketId> acknowledged_;
    std::uint64_t arrived_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t finished_ = 0;
};

TEST_CASE("messages of any sizes are counted exactly, wherever connections break") {
    for (unsigned seed = 0; seed < 60; ++seed) {
        for (const auto version : {v311, v5}) {
            CAPTURE(seed);
            CAPTURE(static_cast<int>(version));
            Model(seed, version).run(150);
        }
    }
}

TEST_CASE("one large and many small messages are counted by their own ends, not by an average size") {
    Dialogue d = connected(v311);
    d.publish("t", std::string(1'994, 'l'));
    for (int i = 0; i < 40; ++i) d.publish("t", std::string(45, 's'));
    d.session.sent(2'000, d.now);
    d.session.closed();
    CHECK(d.session.counters().published == 41);
    CHECK(d.session.counters().delivered == 1);
    CHECK(d.session.counters().dropped == 0);
    CHECK(d.session.counters().pending == 40);
}

TEST_CASE("refused messages and those that the next broker forbids are counted") {
    Dialogue d(persistent(v5));
    d.publish("t", "a", qos1);
    d.publish("t", "too long for it", qos2);
    d.publish("t", "too long for it");
    check_sum(d.session);
    d.connect(false, "27 0000000c");
    check_sum(d.session);
    CHECK(d.session.counters().dropped == 1);
    CHECK(d.session.counters().refused == 1);
    d.written();
    d.answer_to("40 03 0001 87");
    check_sum(d.session);
    CHECK(d.session.counters().refused == 2);
    CHECK(d.session.counters().pending == 0);
}

TEST_CASE("a QoS 2 message whose session is lost between PUBREC and PUBCOMP is uncertain, not delivered") {
    for (const auto version : {v311, v5}) {
        Dialogue d = connected_persistent(version);
        d.publish("t", "received", qos2);
        d.publish("t", "not received", qos2);
        d.written();
        d.answer_to("50 02 0001");
        d.reconnect(false);
        CHECK(d.events() == "delivered 1 code 146");
        CHECK(d.session.counters().uncertain == 1);
        check_sum(d.session);
        d.written();
        d.answer_to("50 02 0002");
        d.answer_to("70 02 0002");
        CHECK(d.events() == "delivered 2");
        CHECK(d.session.counters().delivered == 1);
        check_sum(d.session);
    }
}

TEST_CASE("messages published after DISCONNECT are kept after those before it") {
    Dialogue d = connected(v311);
    d.publish("t", "1");
    REQUIRE(d.session.disconnect(reason::success, {}, d.now).has_value());
    d.publish("t", "2");
    d.session.closed();
    d.connect();
    CHECK(d.written() == wire("30 04 0001't' '1' 30 04 0001't' '2'"));
}

}  // namespace
}  // namespace mqttc::test
