// Tests of functions for single messages and subscriptions, and of the coroutines made of them.
#include <doctest/doctest.h>

#include <map>

#include "base/filter_tree.hpp"
#include "callbacks.hpp"
#include "mqttc/client.hpp"
#include "mqttc/coroutine.hpp"
#include "mqttc/topic.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

/// Acknowledges everything; sends one message to each topic in `sends` after each SUBACK.
struct Answering {
    explicit Answering(Peer& to, std::vector<std::string> topics = {}) : peer(to), sends(std::move(topics)) {
        peer.script = [this](const Packet& packet) {
            if (std::holds_alternative<Connect>(packet)) peer.accept_client();
            if (const auto* publish = std::get_if<Publish>(&packet);
                publish != nullptr && publish->packet_id != 0)
                peer.send(Ack{PacketType::puback, publish->packet_id});
            if (const auto* subscribe = std::get_if<Subscribe>(&packet)) {
                filters.emplace_back(subscribe->subscriptions.front().filter);
                peer.send(Suback{.packet_id = subscribe->packet_id, .codes = {&granted, 1}});
                for (const auto& topic : sends) peer.send(Publish{.topic = topic, .payload = as_bytes("x")});
            }
            if (const auto* unsubscribe = std::get_if<Unsubscribe>(&packet))
                peer.send(Unsuback{.packet_id = unsubscribe->packet_id});
        };
    }
    Peer& peer;
    std::vector<std::string> sends;
    std::vector<std::string> filters;
    std::uint8_t granted = 1;
};

const Publish at_qos1{.topic = "a", .payload = as_bytes("x"), .qos = Qos::at_least_once};

}  // namespace

TEST_CASE("a publication without a function is published all the same") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    const Answering answering(peer);
    handler.connack = [&] {
        for (const Qos qos : {Qos::at_most_once, Qos::at_least_once})
            REQUIRE(client.publish(Publish{.topic = "a", .qos = qos}, OnDone{}));
        client.disconnect_when_delivered(5s);
    };
    CHECK(run(client));
    CHECK(client.session().counters().delivered == 2);
}

TEST_CASE("the tree of filters finds what topic_matches() says, and forgets what is erased") {
    const std::array filters{"#",    "+",   "a",     "a/#",   "a/b",       "a/+",        "+/b",
                             "+/+",  "/",   "/+",    "a/+/c", "a/b/#",     "$SYS/#",     "$SYS/+/x",
                             "a//c", "+/#", "a/b/c", "$SYS",  "home/+/+t", "no/such/#/x"};
    const std::array topics{"a", "a/b", "a/b/c", "/",  "/a",          "a//c",    "$SYS/broker/x", "$SYS",
                            "b", "b/b", "a/x/c", "//", "$SYS/broker", "a/b/c/d", "no/such"};
    FilterTree<int> tree;
    std::map<int, std::string> present;
    for (const auto* filter : filters) {
        if (check_topic_filter(filter)) continue;
        const int number = static_cast<int>(present.size()) + 1;
        tree.insert(filter, number);
        present[number] = filter;
    }
    const auto compare = [&] {
        for (const auto* topic : topics) {
            CAPTURE(topic);
            std::vector<int> found;
            tree.match(topic, [&](int number) { found.push_back(number); });
            std::ranges::sort(found);
            std::vector<int> expected;
            for (const auto& [number, filter] : present) {
                if (topic_matches(filter, topic)) expected.push_back(number);
            }
            CHECK(found == expected);
        }
    };
    compare();
    while (!present.empty()) {
        CHECK_FALSE(tree.empty());
        const auto last = std::prev(present.end());
        tree.erase(last->second);
        present.erase(last);
        compare();
    }
    CHECK(tree.empty());
    tree.erase("a/b");
}

TEST_CASE("the function of a message is called when it is acknowledged, at QoS 0 in the next turn") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    const Answering answering(peer);
    std::string log;
    // Before there is a connection.
    REQUIRE(client.publish(at_qos1, [&](ReasonCode code) {
        log += "first " + std::to_string(code);
        // The identifier is free again.
        REQUIRE(client.publish(at_qos1, [&](ReasonCode) {
            log += ", second";
            REQUIRE(client.publish({.topic = "a"}, [&](ReasonCode) {
                log += ", QoS 0";
                client.disconnect();
            }));
            log += ", later:";
        }));
    }));
    REQUIRE(run(client));
    CHECK(log == "first 0, second, later:, QoS 0");
    CHECK(handler.log == "connack 0\ndelivered 0\ndelivered 0\n");
}

TEST_CASE("the function of a message that is taken back is not called, and a saved session is continued") {
    Peer peer;
    Recorder handler;
    const Answering answering(peer);
    std::vector<std::uint8_t> saved;
    {
        Client client(options_for(peer), handler);
        const auto used = std::make_shared<int>();
        const auto id = client.publish(at_qos1, [used](ReasonCode) { FAIL("called"); });
        REQUIRE(id);
        REQUIRE(client.publish({.topic = "b", .payload = as_bytes("x"), .qos = Qos::at_least_once}));
        CHECK(client.withdraw(*id));
        CHECK(used.use_count() == 1);
        CHECK_FALSE(client.withdraw(*id));
        saved = client.session().save();
    }
    Client client(options_for(peer), handler);
    REQUIRE(client.restore(saved));
    peer.join(client);
    handler.delivered = [&] { client.disconnect(); };
    REQUIRE(run(client));
    CHECK(peer.log == "CONNECT PUBLISH ");
    CHECK_FALSE(client.restore(saved));
}

TEST_CASE("each message goes to the functions whose filter matches, and others to the handler") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    Answering answering(peer);
    std::string log;
    const auto note = [&](std::string name) {
        return [&log, name](const Publish& message) { log += name + ":" + std::string(message.topic) + " "; };
    };
    REQUIRE(client.subscribe({.filter = "home/+"}, note("one-level")));
    REQUIRE(client.subscribe({.filter = "$share/g/home/#"}, note("shared")));
    REQUIRE(client.subscribe({.filter = "never"}, note("never")));
    CHECK(client.subscribe({.filter = "home/#/x"}, note("bad")).error().code == ErrorCode::usage);
    const std::array<std::string_view, 1> removed{"never"};
    static_cast<void>(client.unsubscribe(removed));
    REQUIRE(client.subscribe(
        {.filter = "last", .qos = Qos::at_least_once}, [&](const Publish&) { client.disconnect(); },
        [&](ReasonCode code) {
            log += "granted " + std::to_string(code) + " ";
            for (const auto* topic : {"home/a", "home/a/b", "elsewhere", "last"})
                peer.send(Publish{.topic = topic});
        }));
    REQUIRE(run(client));
    CHECK(answering.filters == std::vector<std::string>{"home/+", "$share/g/home/#", "last"});
    CHECK(log == "granted 1 shared:home/a one-level:home/a shared:home/a/b ");
    CHECK(handler.log == "connack 0\npublish elsewhere 0\n");
}

TEST_CASE("a function can postpone a message, and remove itself") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    const Answering answering(peer, {"a", "a", "a"});
    int offered = 0;
    REQUIRE(client.subscribe({.filter = "a"}, [&](const Publish&) {
        if (++offered == 1) {
            client.at(client.now(), [] {});  // another turn
            return Accept::later;
        }
        const std::array<std::string_view, 1> filter{"a"};
        REQUIRE(client.unsubscribe(filter));
        return Accept::now;
    }));
    int others = 0;
    handler.publish = [&](const Publish&) {
        if (++others == 2) client.disconnect();
    };
    REQUIRE(run(client));
    CHECK(offered == 2);
    CHECK(handler.log.find("publish a 1\npublish a 1\n") != std::string::npos);
}

namespace {

Detached converse(Client& client, std::string& log) {
    const auto granted = co_await async_subscribe(client, {.filter = "a", .qos = Qos::at_least_once},
                                                  [&log](const Publish&) { log += "message "; });
    log += "granted " + std::to_string(granted.value()) + " ";
    for (int i = 0; i < 3; ++i) {
        const auto done = co_await async_publish(client, at_qos1);
        log += "done " + std::to_string(done.value()) + " ";
    }
    const auto refused = co_await async_publish(client, {.topic = "a/#", .qos = Qos::at_least_once});
    log += refused ? "taken" : "refused: " + refused.error().context.substr(0, 7);
    client.disconnect();
}

Detached never_finish(Client& client, std::shared_ptr<int> owned) {
    static_cast<void>(co_await async_publish(client, at_qos1));
    ++*owned;
}

}  // namespace

TEST_CASE("if one of several functions holds the acknowledgement of a message, it is held") {
    for (const bool first : {true, false}) {
        Callbacks callbacks;
        callbacks.add_subscription(
            {.filter = "a/+"},
            [=](const Publish&) { return first ? Accept::hold_acknowledgement : Accept::now; }, {});
        callbacks.add_subscription(
            {.filter = "a/b"},
            [=](const Publish&) { return first ? Accept::now : Accept::hold_acknowledgement; }, {});
        CHECK(callbacks.dispatch(Publish{.topic = "a/b"}) == Accept::hold_acknowledgement);
    }
}

TEST_CASE("a subscription that finds too many others waits until one of them has ended") {
    Session session(SessionOptions{});
    const Time now = std::chrono::steady_clock::now();
    session.opened(now);
    session.sent(session.pending().size(), now);
    Recorder handler;
    const std::array<std::uint8_t, 4> connack{0x20, 2, 0, 0};
    REQUIRE(session.receive(connack, now, handler));
    const Subscription other{.filter = "other"};
    while (session.subscribe(std::span(&other, 1), {}, now)) {
    }
    session.sent(session.pending().size(), now);

    Callbacks callbacks;
    callbacks.add_subscription({.filter = "a"}, [](const Publish&) {}, [](ReasonCode) { FAIL("finished"); });
    callbacks.send_subscriptions(session, now);
    CHECK(callbacks.unsent());
    // The first two SUBSCRIBEs are answered: the second replaces the first.
    const std::array<std::uint8_t, 10> subacks{0x90, 3, 0, 1, 0, 0x90, 3, 0, 2, 0};
    REQUIRE(session.receive(subacks, now, handler));
    callbacks.send_subscriptions(session, now);
    CHECK_FALSE(callbacks.unsent());
}

TEST_CASE("a coroutine waits for its subscription and its messages") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    const Answering answering(peer, {"a"});
    std::string log;
    converse(client, log);
    REQUIRE(run(client));
    CHECK(log.starts_with("granted 1 "));
    CHECK(log.find("message ") != std::string::npos);
    CHECK(log.find("done 0 done 0 done 0 refused: ") != std::string::npos);
}

TEST_CASE("a coroutine that still waits is destroyed with the client") {
    Peer peer;
    Recorder handler;
    const auto owned = std::make_shared<int>(0);
    {
        Client client(options_for(peer), handler);
        never_finish(client, owned);
        CHECK(owned.use_count() == 2);
    }
    CHECK(owned.use_count() == 1);
    CHECK(*owned == 0);
}
