// Tests of post() and stop() from other threads, and of calls that are not allowed there. CI runs them with the thread
// sanitizer too.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "mqttc/client.hpp"
#include "peer.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

void answer_in(Peer& peer) {
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* publish = std::get_if<Publish>(&packet))
            peer.send(Ack{PacketType::puback, publish->packet_id});
    };
}

}  // namespace

TEST_CASE("posted functions run in the client's thread, in their order, though it waits for hours") {
    constexpr int count = 1000;
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.keep_alive = 0;
    options.session.max_inflight = 2 * count;
    Client client(std::move(options), handler);
    peer.join(client);
    answer_in(peer);
    const auto here = std::this_thread::get_id();
    std::vector<int> order;
    std::thread worker;
    handler.connack = [&] {
        worker = std::thread([&] {
            for (int i = 0; i < count; ++i) {
                client.post([&, i] {
                    CHECK(std::this_thread::get_id() == here);
                    order.push_back(i);
                    REQUIRE(
                        client.publish({.topic = "a", .payload = as_bytes("x"), .qos = Qos::at_least_once}));
                });
            }
        });
    };
    int delivered = 0;
    handler.delivered = [&] {
        if (++delivered == count) client.disconnect();
    };
    CHECK(run(client));
    worker.join();
    REQUIRE(order.size() == count);
    CHECK(std::ranges::is_sorted(order));
    CHECK(delivered == count);
}

TEST_CASE("several threads post at once, and nothing is lost") {
    constexpr int threads = 4;
    constexpr int count = 500;
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    answer_in(peer);
    int called = 0;
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&] {
            for (int i = 0; i < count; ++i) {
                client.post([&] {
                    if (++called == threads * count) client.stop();
                });
            }
        });
    }
    CHECK(run(client));
    for (auto& worker : workers) worker.join();
    CHECK(called == threads * count);
}

TEST_CASE("stop() from another thread ends the run in every phase") {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    options.session.keep_alive = 0;
    options.reconnect.min_delay = options.reconnect.max_delay = 1h;
    options.reconnect.first = ReconnectPolicy::forever;
    Client client(std::move(options), handler);
    peer.join(client);
    std::thread worker;
    const auto stop_soon = [&] { worker = std::thread([&] { client.stop(); }); };
    SUBCASE("before it starts") {
        stop_soon();
        worker.join();
        worker = std::thread();
    }
    SUBCASE("without CONNACK") {
        peer.script = [&](const Packet&) { stop_soon(); };
    }
    SUBCASE("connected and idle") {
        answer_in(peer);
        handler.connack = stop_soon;
    }
    SUBCASE("between two tries") {
        peer.script = [&](const Packet&) { peer.hang_up(); };
        handler.lost = [&](std::optional<Duration>) { stop_soon(); };
    }
    CHECK(run(client));
    if (worker.joinable()) worker.join();
}

TEST_CASE("a function posted while the client does not run waits for its start") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    answer_in(peer);
    std::thread([&] { client.post([&] { client.disconnect(); }); }).join();
    CHECK(run(client));
    bool destroyed = false;
    {
        Recorder other;
        Client never_run(options_for(peer), other);
        const std::shared_ptr<void> guard(nullptr, [&](void*) { destroyed = true; });
        never_run.post([guard] { FAIL("called"); });
    }
    CHECK(destroyed);
}

TEST_CASE("a call from a wrong thread aborts the program and names the function") {
    int output[2];
    REQUIRE(::pipe(output) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::dup2(output[1], STDERR_FILENO);
        Peer peer;
        Recorder handler;
        Client client(options_for(peer), handler);
        peer.join(client);
        answer_in(peer);
        handler.connack = [&] { std::thread([&] { static_cast<void>(client.publish({})); }).join(); };
        static_cast<void>(client.run());
        ::_exit(0);
    }
    ::close(output[1]);
    std::string text;
    std::array<char, 512> buffer;
    for (ssize_t got = 0; (got = ::read(output[0], buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(output[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(text.starts_with("libmqttc: Client::publish() was called from another thread"));
}
