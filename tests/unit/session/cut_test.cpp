// Whole dialogues at QoS 1 and 2 between a session and a broker, cut at every byte: the delivery guarantees
// still hold.
#include <doctest/doctest.h>

#include <algorithm>

#include "broker_model.hpp"
#include "dialogue.hpp"

namespace mqttc::test {
namespace {

enum class Direction : std::uint8_t { to_broker, to_client };

struct Case {
    ProtocolVersion version;
    Qos qos;
    Direction direction;
    bool session_kept;
    std::size_t messages = 3;
    std::uint16_t receive_maximum = 0;  ///< of the broker; 0: none
};

/// A session and a broker joined by a pipe that carries one byte at a time and can be cut after any of them.
class Pipe : public SessionHandler {
  public:
    /// `restarts`: with each connection the program ends, too; the next one continues with what was saved last.
    explicit Pipe(const Case& given, bool restarts = false)
        : case_(given),
          restarts_(restarts),
          session_(options_for(given)),
          broker_(given.version, given.session_kept, given.receive_maximum) {}

    /// One connection until nothing is left to say, or `cut` bytes have been carried in either direction. The
    /// answer is how many were.
    std::size_t connection(std::size_t cut) {
        session_.opened(now_);
        broker_.opened();
        buffer_.clear();
        std::size_t carried = 0;
        bool moved = true;
        while (moved && carried < cut) {
            start();
            if (restarts_) saved_ = {session_.save(), ids_, finished_, received_, started_};
            moved = false;
            if (!session_.pending().empty()) {
                const std::uint8_t byte = session_.pending().front();
                session_.sent(1, now_);
                broker_.receive(byte);
                moved = ++carried < cut;
            }
            if (!broker_.output.empty() && carried < cut) {
                buffer_.push_back(broker_.output.front());
                broker_.output.erase(broker_.output.begin());
                const auto used = session_.receive(buffer_, now_, *this);
                REQUIRE_MESSAGE(used.has_value(), used.error().context);
                buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(*used));
                ++carried;
                moved = true;
            }
        }
        session_.closed();
        broker_.closed();
        if (restarts_ && carried == cut) restart();
        return carried;
    }

    void check() const {
        CHECK(broker_.violations.empty());
        CHECK(session_.inflight() == 0);
        CHECK(broker_.unfinished() == 0);
        const bool exactly_once = case_.qos == Qos::exactly_once && case_.session_kept;
        if (case_.direction == Direction::to_broker) {
            CHECK(finished_ == expected());
            if (case_.session_kept) CHECK(uncertain_.empty());
            // Nothing was lost without being reported.
            std::vector<std::string> seen = broker_.delivered;
            for (const std::string& payload : uncertain_) {
                if (std::find(seen.begin(), seen.end(), payload) == seen.end()) seen.push_back(payload);
            }
            if (!uncertain_.empty()) std::sort(seen.begin(), seen.end());
            check_payloads(seen, exactly_once);
            CHECK(session_.counters().uncertain == uncertain_.size());
        } else {
            check_payloads(received_, exactly_once);
        }
    }

  private:
    /// What a program keeps before it writes.
    struct Saved {
        std::vector<std::uint8_t> session;
        std::vector<PacketId> ids;
        std::vector<std::string> finished;
        std::vector<std::string> received;
        bool started = false;
    };
    void restart() {
        session_ = Session(options_for(case_));
        if (saved_.session.empty()) return;
        REQUIRE(session_.restore(saved_.session));
        ids_ = saved_.ids;
        finished_ = saved_.finished;
        received_ = saved_.received;
        started_ = saved_.started;
    }

    static SessionOptions options_for(const Case& given) {
        SessionOptions options = options_of(given.version);
        options.clean_start = false;
        return options;
    }

    std::vector<std::string> expected() const {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < case_.messages; ++i) all.push_back("m" + std::to_string(i));
        return all;
    }

    /// Publishes the messages as soon as there is a connection. A broker that has lost the session has lost
    /// its messages with it, so it is given them again: new ones, with the identifiers of the old.
    void start() {
        if (case_.direction == Direction::to_broker) {
            // Before CONNACK the broker's receive maximum is unknown: more messages than that can wait.
            if (started_ || (!session_.connected() && case_.receive_maximum == 0)) return;
            for (const std::string& payload : expected()) {
                const auto id = session_.publish(message("topic", payload, case_.qos), now_);
                REQUIRE(id.has_value());
                ids_.push_back(*id);
            }
            started_ = true;
        } else {
            if (!broker_.connected() || (started_ && (case_.session_kept || broker_connected_))) {
                broker_connected_ = broker_.connected();
                return;
            }
            broker_connected_ = true;
            started_ = true;
            received_.clear();
            for (const std::string& payload : expected()) broker_.publish(payload, case_.qos);
        }
    }

    void check_payloads(const std::vector<std::string>& seen, bool exactly_once) const {
        std::vector<std::string> firsts;
        for (const std::string& payload : seen) {
            if (std::find(firsts.begin(), firsts.end(), payload) == firsts.end()) firsts.push_back(payload);
        }
        CHECK(firsts == expected());
        if (exactly_once) {
            CHECK(seen.size() == firsts.size());
        } else {
            // Two cuts at most, so three times at most.
            CHECK(seen.size() <= 3 * firsts.size());
        }
    }

    Accept on_publish(const Publish& publish) override {
        received_.emplace_back(as_text(publish.payload));
        return Accept::now;
    }
    void on_delivered(PacketId id, ReasonCode code, PropertiesView) override {
        CHECK((code == 0 || code == fate_unknown));
        const auto found = std::find(ids_.begin(), ids_.end(), id);
        REQUIRE(found != ids_.end());
        finished_.push_back("m" + std::to_string(found - ids_.begin()));
        if (code == fate_unknown) uncertain_.push_back(finished_.back());
        std::sort(finished_.begin(), finished_.end());
    }

    Case case_;
    bool restarts_;
    Saved saved_;
    Time now_ = at(0);
    Session session_;
    BrokerModel broker_;
    std::vector<std::uint8_t> buffer_;
    std::vector<PacketId> ids_;
    std::vector<std::string> finished_;  ///< what on_delivered has reported, sorted
    std::vector<std::string> uncertain_;
    std::vector<std::string> received_;
    bool started_ = false;
    bool broker_connected_ = false;
};

constexpr std::size_t uncut = SIZE_MAX;

std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const auto version : {ProtocolVersion::v31, ProtocolVersion::v311, ProtocolVersion::v5}) {
        for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
            for (const Direction direction : {Direction::to_broker, Direction::to_client}) {
                for (const bool kept : {true, false}) {
                    // MQTT 3.1 cannot report a lost session.
                    if (version == ProtocolVersion::v31 && !kept) continue;
                    cases.push_back({version, qos, direction, kept});
                }
            }
        }
    }
    return cases;
}

std::string describe(const Case& one) {
    return "version " + std::to_string(static_cast<int>(one.version)) + ", QoS " +
           std::to_string(static_cast<int>(one.qos)) +
           (one.direction == Direction::to_broker ? ", to the broker" : ", to the client") +
           (one.session_kept ? ", session kept" : ", session lost");
}

TEST_CASE(
    "a dialogue cut at any byte delivers each message exactly once at QoS 2 and at least once at QoS 1") {
    for (const Case& one : all_cases()) {
        Pipe whole(one);
        const std::size_t length = whole.connection(uncut);
        whole.check();
        REQUIRE(length > 60);
        for (std::size_t cut = 0; cut <= length; ++cut) {
            INFO(describe(one), ", cut after byte ", cut);
            Pipe pipe(one);
            pipe.connection(cut);
            pipe.connection(uncut);
            pipe.check();
        }
    }
}

TEST_CASE("a program that ends at any byte and continues with its saved session loses and doubles nothing") {
    for (const Case& one : all_cases()) {
        if (!one.session_kept) continue;
        const std::size_t length = Pipe(one).connection(uncut);
        for (std::size_t cut = 0; cut <= length; ++cut) {
            INFO(describe(one), ", ended after byte ", cut);
            Pipe pipe(one, true);
            pipe.connection(cut);
            pipe.connection(uncut);
            pipe.check();
        }
    }
}

TEST_CASE("the receive maximum of the broker is never exceeded, wherever the connection is cut") {
    for (const Qos qos : {Qos::at_least_once, Qos::exactly_once}) {
        for (const std::uint16_t maximum : {std::uint16_t{1}, std::uint16_t{2}}) {
            const Case one{ProtocolVersion::v5, qos, Direction::to_broker, true, 4, maximum};
            const std::size_t length = Pipe(one).connection(uncut);
            for (std::size_t cut = 0; cut <= length; ++cut) {
                INFO(describe(one), ", receive maximum ", maximum, ", cut after byte ", cut);
                Pipe pipe(one);
                pipe.connection(cut);
                pipe.connection(uncut);
                pipe.check();
            }
        }
    }
}

TEST_CASE("two cuts at any two bytes do no harm") {
    for (const Direction direction : {Direction::to_broker, Direction::to_client}) {
        const Case one{ProtocolVersion::v5, Qos::exactly_once, direction, true, 2};
        const std::size_t length = Pipe(one).connection(uncut);
        for (std::size_t first = 0; first <= length; ++first) {
            for (std::size_t second = 0; second <= length; ++second) {
                INFO(describe(one), ", cut after bytes ", first, " and ", second);
                Pipe pipe(one);
                pipe.connection(first);
                pipe.connection(second);
                pipe.connection(uncut);
                pipe.check();
            }
        }
    }
}

}  // namespace
}  // namespace mqttc::test
