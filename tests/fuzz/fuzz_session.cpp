// Fuzzes a session as a dialogue: the input is a script of what the broker, the application, the transport
// and the clock do. Whatever they do, the session must write only what a client may send.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "mqttc/codec.hpp"
#include "mqttc/session.hpp"

namespace {

using namespace mqttc;

#define EXPECT(condition)                                                        \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                        \
        }                                                                        \
    } while (false)

class Script {
  public:
    explicit Script(Bytes bytes) : rest_(bytes) {}
    bool empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const std::uint8_t first = rest_[0];
        rest_ = rest_.subspan(1);
        return first;
    }
    Bytes bytes(std::size_t n) {
        const Bytes taken = rest_.first(std::min(n, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

  private:
    Bytes rest_;
};

/// Parses what the session has written on one connection, as a strict server does.
class Listener {
  public:
    void opened() {
        bytes_.clear();
        first_ = true;
        last_ = false;
        open_.clear();
    }
    void receives(Bytes bytes, ProtocolVersion version, const Limits& limits) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        std::size_t at = 0;
        for (;;) {
            const auto frame = next_frame(Bytes(bytes_).subspan(at));
            EXPECT(frame.has_value());
            if (!*frame) break;
            const auto packet = decode(**frame, version);
            EXPECT(packet.has_value());
            EXPECT(!last_);
            EXPECT((type_of(*packet) == PacketType::connect) == first_);
            first_ = false;
            last_ = std::get_if<Disconnect>(&*packet) != nullptr;
            if (const auto* publish = std::get_if<Publish>(&*packet)) {
                EXPECT((*frame)->size <= limits.maximum_packet_size);
                EXPECT(publish->qos <= limits.maximum_qos);
                EXPECT(!publish->retain || limits.retain_available);
                if (publish->qos != Qos::at_most_once) EXPECT(open_.insert(publish->packet_id).second);
                EXPECT(open_.size() <= limits.receive_maximum);
            }
            at += (*frame)->size;
        }
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    void finished(PacketId id) { open_.erase(id); }

  private:
    std::vector<std::uint8_t> bytes_;
    std::set<PacketId> open_;  ///< published here and not finished
    bool first_ = true;
    bool last_ = false;
};

class Dialogue : public SessionHandler {
  public:
    explicit Dialogue(Script script) : script_(script), session_(make_options()) {}

    void run() {
        while (!script_.empty()) {
            step();
            EXPECT(session_.inflight() <= session_.options().max_inflight);
            EXPECT(session_.unsent() <= session_.counters().published);
            const Counters& counters = session_.counters();
            EXPECT(counters.published == counters.delivered + counters.refused + counters.uncertain +
                                             counters.dropped + counters.pending);
            EXPECT(counters.pending >= session_.inflight());
        }
    }

  private:
    SessionOptions make_options() {
        SessionOptions options;
        const std::uint8_t choice = script_.byte();
        static constexpr ProtocolVersion versions[] = {ProtocolVersion::v31, ProtocolVersion::v311,
                                                       ProtocolVersion::v5, ProtocolVersion::v5};
        options.version = versions[choice & 3U];
        options.client_id = "id";
        options.clean_start = (choice & 4U) != 0;
        options.keep_alive = (choice & 8U) != 0 ? 10 : 0;
        options.max_inflight = (choice & 16U) != 0 ? 2 : 20;
        options.max_output_bytes = 4096;
        options.max_packet_size = 100'000;
        if (options.version == ProtocolVersion::v5 && (choice & 32U) != 0) {
            EXPECT(options.connect_properties.add(PropertyId::topic_alias_maximum, 3).has_value());
            EXPECT(options.connect_properties.add(PropertyId::receive_maximum, 3).has_value());
            EXPECT(options.connect_properties.add(PropertyId::authentication_method, "m").has_value());
        }
        return options;
    }

    void step() {
        const std::uint8_t what = script_.byte();
        switch (what & 15U) {
            case 0:
                close();
                session_.opened(now_);
                listener_.opened();
                failed_ = false;
                input_.clear();
                break;
            case 1:
                close();
                break;
            case 2:
                write(script_.byte());
                break;
            case 3:
                write(SIZE_MAX);
                break;
            case 4:
                broker_sends(script_.bytes(script_.byte()));
                break;
            case 5: {
                const std::uint8_t first = script_.byte();
                const std::uint8_t id = script_.byte();
                const std::uint8_t ack[] = {first, 2, 0, id};
                broker_sends(ack);
                break;
            }
            case 6: {
                // CONNACK with properties of the script.
                const Bytes properties = script_.bytes(what >> 4U);
                std::vector<std::uint8_t> connack{0x20, 2, script_.byte(), 0};
                if (session_.options().version == ProtocolVersion::v5) {
                    connack[1] = static_cast<std::uint8_t>(3 + properties.size());
                    connack.push_back(static_cast<std::uint8_t>(properties.size()));
                    connack.insert(connack.end(), properties.begin(), properties.end());
                }
                broker_sends(connack);
                break;
            }
            case 7:
            case 8:
                publish(what >> 4U);
                break;
            case 9: {
                const Bytes filter = script_.bytes(what >> 4U);
                const Subscription one[] = {{.filter = as_text(filter)}, {.filter = "fixed/filter"}};
                static_cast<void>(session_.subscribe(one, {}, now_));
                break;
            }
            case 10: {
                const std::string_view filter =
                    (what & 16U) != 0 ? "fixed/filter" : as_text(script_.bytes(what >> 4U));
                static_cast<void>(session_.unsubscribe(std::span(&filter, 1), {}, now_));
                break;
            }
            case 11:
                answer_ = static_cast<Accept>((what >> 4U) % 3U);
                if ((what & 128U) != 0) session_.release_acknowledgements(now_);
                break;
            case 12: {
                now_ += std::chrono::seconds(script_.byte());
                const auto deadline = session_.deadline();
                const bool in_time = session_.tick(now_).has_value();
                EXPECT(in_time || (deadline && *deadline <= now_));
                if (in_time && session_.deadline()) EXPECT(*session_.deadline() > now_);
                break;
            }
            case 13:
                static_cast<void>(session_.disconnect(script_.byte(), {}, now_));
                break;
            case 14:
                if (session_.ping(now_)) EXPECT(session_.ping_unanswered());
                static_cast<void>(session_.auth(script_.byte(), {}, now_));
                break;
            default:
                inside_ = script_.byte();
                break;
        }
    }

    void publish(unsigned how) {
        static constexpr std::string_view topics[] = {"t", "a/longer/topic", "another/longer/topic", "a/+"};
        const bool large = script_.byte() == 255;
        Publish publish;
        publish.topic = topics[how & 3U];
        publish.qos = static_cast<Qos>((how >> 2U) % 3U);
        publish.retain = (how & 1U) != 0;
        const Bytes small = script_.bytes(script_.byte() & 15U);
        publish.payload = large ? Bytes(block()) : small;
        const auto parsed =
            PropertiesView::parse(script_.bytes(script_.byte() & 15U), packet_bit(PacketType::publish));
        if (parsed) publish.properties = *parsed;
        const bool possible = session_.can_publish(publish.qos);
        const auto done =
            session_.publish(publish, now_, (how & 2U) != 0 ? PayloadMode::borrowed : PayloadMode::copied);
        const bool full = !done && (done.error().code == ErrorCode::window_full ||
                                    done.error().code == ErrorCode::buffer_full);
        EXPECT(possible == !full);
        // Borrowed bytes of the script live as long as the session; nothing else is borrowed.
    }

    static const std::vector<std::uint8_t>& block() {
        static const std::vector<std::uint8_t> bytes(70'000, 'b');
        return bytes;
    }

    void broker_sends(Bytes bytes) {
        if (failed_) return;
        input_.insert(input_.end(), bytes.begin(), bytes.end());
        const auto used = session_.receive(input_, now_, *this);
        if (!used) {
            EXPECT(!session_.connected());
            failed_ = true;
            input_.clear();
            return;
        }
        EXPECT(*used <= input_.size());
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(*used));
    }

    void write(std::size_t n) {
        while (n > 0 && !session_.pending().empty()) {
            const Bytes piece = session_.pending().first(std::min(n, session_.pending().size()));
            const std::vector<std::uint8_t> bytes(piece.begin(), piece.end());
            session_.sent(bytes.size(), now_);
            listener_.receives(bytes, session_.options().version, session_.limits());
            n -= bytes.size();
        }
    }

    void close() {
        session_.closed();
        EXPECT(session_.pending().empty());
        EXPECT(!session_.connected());
    }

    void act() {
        const unsigned how = inside_;
        inside_ = 0;
        if (how == 0) return;
        if (how < 16) {
            publish(how);
        } else if (how < 20) {
            static_cast<void>(session_.disconnect(0, {}, now_));
        } else if (how < 24) {
            const Subscription one{.filter = "inside"};
            static_cast<void>(session_.subscribe(std::span(&one, 1), {}, now_));
        }
    }

    void on_connack(const Connack&) override { act(); }
    Accept on_publish(const Publish& packet) override {
        EXPECT(!packet.topic.empty());
        const Accept given = answer_;
        if (given != Accept::later) act();
        return given;
    }
    void on_delivered(PacketId id, ReasonCode, PropertiesView) override {
        EXPECT(id != 0);
        listener_.finished(id);
        act();
    }
    void on_suback(const Suback& packet) override {
        EXPECT(!packet.codes.empty());
        act();
    }
    void on_unsuback(const Unsuback&) override { act(); }

    Script script_;
    Session session_;
    Listener listener_;
    std::vector<std::uint8_t> input_;
    Time now_ = Time(std::chrono::hours(1000));
    unsigned inside_ = 0;  ///< what the handler does at its next event
    Accept answer_ = Accept::now;
    bool failed_ = false;  ///< the connection should be closed: nothing is received any more
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Dialogue(Script(Bytes(data, size))).run();
    return 0;
}
