// The broker's sessions: queue, window, acknowledgements, resending; and the session store.
#include "session.hpp"

#include <doctest/doctest.h>

#include "session_store.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using Found = Session::Found;

namespace {

struct Fixture {
    Session session{"me"};
    Time now{};
    std::size_t max_messages = 100;
    std::size_t max_bytes = 1000;

    bool queue(std::string_view payload, Qos qos = Qos::at_least_once) {
        Publish publish;
        publish.payload = as_bytes(payload);
        publish.qos = qos;
        Outgoing outgoing;
        outgoing.message = make_message(publish, "t", "you", nullptr, now);
        outgoing.qos = qos;
        return session.enqueue(std::move(outgoing), max_messages, max_bytes);
    }
    /// The next delivery: "payload#id", with "!" before it if it is sent again; "-" for none.
    std::string next(std::size_t window = 10) {
        const auto* outgoing = session.start_next(window, now);
        if (outgoing == nullptr) return "-";
        return (outgoing->again ? "!" : "") + std::string(as_text(outgoing->message->payload)) + "#" +
               std::to_string(outgoing->packet_id);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "deliveries are sent in order, limited by the window") {
    for (const auto* each : {"a", "b", "c"}) CHECK(queue(each));
    CHECK(next(2) == "a#1");
    CHECK(next(2) == "b#2");
    CHECK(next(2) == "-");
    CHECK(session.puback(1) == Found::yes);
    CHECK(next(2) == "c#3");
    CHECK(next(2) == "-");
}

TEST_CASE_FIXTURE(Fixture, "acknowledgements must match the messages in flight") {
    queue("one", Qos::at_least_once);
    queue("two", Qos::exactly_once);
    next();
    next();
    CHECK(session.puback(9) == Found::no);
    CHECK(session.puback(2) == Found::wrong_kind);
    CHECK(session.pubrec(1, false) == Found::wrong_kind);
    CHECK(session.pubcomp(2) == Found::wrong_kind);
    CHECK(session.pubrec(2, false) == Found::yes);
    CHECK(session.pubrec(2, false) == Found::yes);
    CHECK(session.pubcomp(2) == Found::yes);
    CHECK(session.pubcomp(2) == Found::no);
    CHECK(session.puback(1) == Found::yes);
    CHECK(session.in_flight().empty());
}

TEST_CASE_FIXTURE(Fixture, "acknowledgements out of order are accepted and distinguished") {
    for (const auto* each : {"a", "b"}) queue(each);
    queue("c", Qos::exactly_once);
    queue("d", Qos::exactly_once);
    for (int i = 0; i < 4; ++i) next();
    CHECK(session.puback(2) == Found::out_of_order);
    CHECK(session.puback(1) == Found::yes);
    CHECK(session.pubrec(4, false) == Found::out_of_order);
    CHECK(session.pubrec(3, false) == Found::yes);
}

TEST_CASE_FIXTURE(Fixture, "a refused PUBREC ends the delivery") {
    queue("x", Qos::exactly_once);
    next();
    CHECK(session.pubrec(1, true) == Found::yes);
    CHECK(session.in_flight().empty());
}

TEST_CASE_FIXTURE(Fixture, "a new connection sends incomplete deliveries again with the same identifiers") {
    for (const auto* each : {"a", "b", "c"}) queue(each);
    next();
    next();
    session.reconnected();
    CHECK(next(1) == "!a#1");
    CHECK(next(1) == "-");
    CHECK(session.puback(1) == Found::yes);
    CHECK(next(1) == "!b#2");
    CHECK(session.puback(2) == Found::yes);
    CHECK(next(1) == "c#3");
}

TEST_CASE_FIXTURE(Fixture, "a released message is not published again") {
    queue("x", Qos::exactly_once);
    next();
    session.pubrec(1, false);
    session.reconnected();
    CHECK(next() == "-");
    CHECK(session.in_flight().front().released);
    CHECK(session.pubcomp(1) == Found::yes);
}

TEST_CASE_FIXTURE(Fixture,
                  "the queue is bounded in messages and in bytes, but one large message always fits") {
    max_messages = 2;
    CHECK(queue(std::string(5000, 'x')));
    CHECK_FALSE(queue("a"));
    next();
    CHECK(queue("a"));
    CHECK(queue("b"));
    CHECK_FALSE(queue("c"));
}

TEST_CASE_FIXTURE(Fixture, "packet identifiers wrap around, skip zero and identifiers in use") {
    queue("slow");
    CHECK(next() == "slow#1");
    for (int i = 0; i < 65'534; ++i) {
        queue("x");
        const auto* outgoing = session.start_next(10, now);
        REQUIRE(outgoing != nullptr);
        session.forget(outgoing->packet_id);
    }
    queue("y");
    CHECK(next() == "y#2");
}

TEST_CASE_FIXTURE(Fixture, "messages that expire in the queue are not sent") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::message_expiry_interval, 5));
    Publish publish;
    publish.payload = as_bytes("late");
    publish.properties = properties.view();
    Outgoing outgoing;
    outgoing.qos = Qos::at_least_once;
    outgoing.message = make_message(publish, "t", "you", nullptr, now);
    session.enqueue(std::move(outgoing), max_messages, max_bytes);
    queue("good");
    now += std::chrono::seconds(5);
    CHECK(next() == "good#1");
}

TEST_CASE("discarding a session removes its subscriptions") {
    SessionStore store;
    auto& session = store.create("me");
    CHECK(store.subscribe(session, "a/+", {}));
    CHECK_FALSE(store.subscribe(session, "a/+", {}));
    CHECK(store.subscribe(session, "$share/g/b", {}));
    CHECK(store.unsubscribe(session, "a/+"));
    CHECK_FALSE(store.unsubscribe(session, "a/+"));
    CHECK(store.find("me") == &session);
    store.discard(session);
    CHECK(store.find("me") == nullptr);
    CHECK(store.tree().size() == 0);
}
