// What the library costs: bytes of idle sessions, and the work of a message in publish(), on_publish and the tree of filters.
// tests/bench/budget.py runs it, in callgrind too, which counts inside of the functions counted_*. usage: bench_library_cost WHAT COUNT [QOS]
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "callbacks.hpp"
#include "mqttc/codec.hpp"
#include "mqttc/session.hpp"

using namespace mqttc;

namespace {

constexpr Time now{std::chrono::seconds(100)};

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" __attribute__((noinline)) PacketId counted_publish(Session& session, const Publish& message) {
    const auto id = session.publish(message, now);
    require(id.has_value());
    return *id;
}
extern "C" __attribute__((noinline)) void counted_write(Session& session) {
    while (!session.pending().empty()) session.sent(session.pending().size(), now);
}
extern "C" __attribute__((noinline)) void counted_receive(Session& session, Bytes bytes,
                                                          SessionHandler& handler) {
    const auto used = session.receive(bytes, now, handler);
    require(used && *used == bytes.size());
}
extern "C" __attribute__((noinline)) void counted_dispatch(Callbacks& callbacks, const Publish& message) {
    require(callbacks.dispatch(message) == Accept::now);
}

namespace {

Session connected_session(ProtocolVersion version, SessionHandler& handler) {
    SessionOptions options;
    options.version = version;
    options.client_id = "device-00000";
    options.max_inflight = 100;
    Session session(std::move(options));
    session.opened(now);
    counted_write(session);
    std::vector<std::uint8_t> connack;
    require(encode(Connack{}, version, connack).has_value());
    counted_receive(session, connack, handler);
    require(session.connected());
    return session;
}

/// Bytes of memory that one more session takes, with what malloc adds.
void idle(int count, bool subscribed, ProtocolVersion version) {
    SessionHandler handler;
    std::vector<Session> sessions;
    sessions.reserve(static_cast<std::size_t>(count));
    const std::size_t before = mallinfo2().uordblks;
    for (int i = 0; i < count; ++i) {
        Session& session = sessions.emplace_back(connected_session(version, handler));
        if (!subscribed) continue;
        const Subscription subscription{.filter = "devices/00000/commands/#", .qos = Qos::at_least_once};
        const auto id = session.subscribe({&subscription, 1}, {}, now);
        require(id.has_value());
        counted_write(session);
        const std::uint8_t granted = 1;
        std::vector<std::uint8_t> suback;
        require(encode(Suback{.packet_id = *id, .codes = {&granted, 1}}, version, suback).has_value());
        counted_receive(session, suback, handler);
    }
    std::printf("%zu\n", (mallinfo2().uordblks - before) / sessions.size() + sizeof(Session));
}

/// Publishes in windows of 100 messages of 32 bytes, each window acknowledged.
void publish(int count, Qos qos) {
    SessionHandler handler;
    Session session = connected_session(ProtocolVersion::v311, handler);
    constexpr int window = 100;
    const std::string payload(32, 'x');
    std::vector<PacketId> ids;
    std::vector<std::uint8_t> answers;
    const auto answer = [&](PacketType type) {
        answers.clear();
        for (const PacketId id : ids)
            require(encode(Ack{.type = type, .packet_id = id}, ProtocolVersion::v311, answers).has_value());
        counted_receive(session, answers, handler);
        counted_write(session);
    };
    for (int done = 0; done < count; done += window) {
        ids.clear();
        for (int i = 0; i < window; ++i) {
            ids.push_back(counted_publish(
                session, {.topic = "home/kitchen/temperature", .payload = as_bytes(payload), .qos = qos}));
        }
        counted_write(session);
        if (qos == Qos::at_least_once) answer(PacketType::puback);
        if (qos == Qos::exactly_once) {
            answer(PacketType::pubrec);
            answer(PacketType::pubcomp);
        }
    }
    require(session.counters().delivered == static_cast<std::uint64_t>(count));
}

class Counting : public SessionHandler {
  public:
    Accept on_publish(const Publish& message) override {
        bytes += message.payload.size();
        return Accept::now;
    }
    std::size_t bytes = 0;
};

/// Receives messages of 32 bytes, 100 in each call.
void on_publish(int count, Qos qos) {
    Counting handler;
    Session session = connected_session(ProtocolVersion::v311, handler);
    constexpr int window = 100;
    const std::string payload(32, 'x');
    std::vector<std::uint8_t> messages;
    std::vector<std::uint8_t> releases;
    for (PacketId id = 1; id <= window; ++id) {
        const Publish message{.topic = "home/kitchen/temperature",
                              .payload = as_bytes(payload),
                              .qos = qos,
                              .packet_id = qos == Qos::at_most_once ? PacketId{0} : id};
        require(encode_publish(message, ProtocolVersion::v311, messages).has_value());
        require(encode(Ack{.type = PacketType::pubrel, .packet_id = id}, ProtocolVersion::v311, releases)
                    .has_value());
    }
    for (int done = 0; done < count; done += window) {
        counted_receive(session, messages, handler);
        counted_write(session);
        if (qos == Qos::exactly_once) counted_receive(session, releases, handler);
        counted_write(session);
    }
    require(handler.bytes == static_cast<std::size_t>(count) * payload.size());
}

/// Finds and calls the function of a message among 10,000 filters, a third of them with wildcards.
void dispatch(int count) {
    constexpr int filters = 10'000;
    Callbacks callbacks;
    int called = 0;
    for (int i = 0; i < filters; ++i) {
        const std::string place = "building/" + std::to_string(i / 100) + "/room/" + std::to_string(i % 100);
        const std::string filter = i % 3 == 0   ? place + "/#"
                                   : i % 3 == 1 ? place + "/+/value"
                                                : place + "/heat/value";
        callbacks.add_subscription({.filter = filter}, [&called](const Publish&) { ++called; }, {});
    }
    std::vector<std::string> topics;
    for (int i = 0; i < 1000; ++i) {
        const int room = i * 7919 % filters;
        topics.push_back("building/" + std::to_string(room / 100) + "/room/" + std::to_string(room % 100) +
                         "/heat/value");
    }
    for (int i = 0; i < count; ++i)
        counted_dispatch(callbacks, {.topic = topics[static_cast<std::size_t>(i) % topics.size()]});
    require(called == count);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::fputs("usage: bench_library_cost WHAT COUNT [QOS]\n", stderr), 2;
    const std::string_view what = argv[1];
    const int count = std::atoi(argv[2]);
    const auto qos = static_cast<Qos>(argc > 3 ? std::atoi(argv[3]) : 0);
    if (what == "idle_v311") idle(count, false, ProtocolVersion::v311);
    if (what == "idle_v5") idle(count, false, ProtocolVersion::v5);
    if (what == "subscribed_v311") idle(count, true, ProtocolVersion::v311);
    if (what == "subscribed_v5") idle(count, true, ProtocolVersion::v5);
    if (what == "publish") publish(count, qos);
    if (what == "on_publish") on_publish(count, qos);
    if (what == "dispatch") dispatch(count);
}
