// A scripted broker in the loop of the client under test, and a handler that records its events.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"
#include "mqttc/client.hpp"
#include "mqttc/codec.hpp"
#include "net/listener.hpp"

namespace mqttc::test {

/// Records the events as text, and lets a test act on them.
class Recorder : public ClientHandler {
  public:
    void on_connecting(Endpoint& endpoint) override {
        if (connecting) connecting(endpoint);
    }
    void on_connack(const Connack& packet) override {
        log += "connack " + std::to_string(packet.code) + "\n";
        if (connack && packet.code == 0) connack();
    }
    Accept on_publish(const Publish& message) override {
        const Accept given = answer;
        if (given == Accept::later) return given;
        log += "publish " + std::string(message.topic) + " " + std::to_string(message.payload.size()) + "\n";
        if (publish) publish(message);
        return given;
    }
    void on_delivered(PacketId, ReasonCode code, PropertiesView) override {
        log += "delivered " + std::to_string(code) + "\n";
        if (delivered) delivered();
    }
    void on_suback(const Suback&) override {
        if (suback) suback();
    }
    void on_opened() override {
        if (opened) opened();
    }
    void on_early_refused(const Error& error) override { log += "early refused: " + error.context + "\n"; }
    void on_turn_end() override {
        if (turn_end) turn_end();
    }
    void on_room() override {
        if (room) room();
    }
    bool on_peer_closed(bool has_unread) override {
        log += has_unread ? "peer closed, more unread\n" : "peer closed\n";
        if (peer_closed) peer_closed();
        return drop_when_closed;
    }
    void on_connection_lost(const Error& error, std::optional<Duration> retry_in) override {
        log += std::string(retry_in ? "retry" : "final") + ": " + error.context + "\n";
        if (lost) lost(retry_in);
    }

    std::string log;
    Accept answer = Accept::now;  ///< of on_publish
    bool drop_when_closed = false;
    std::function<void()> peer_closed;
    std::function<void(Endpoint&)> connecting;
    std::function<void()> opened;
    std::function<void()> connack;
    std::function<void()> suback;
    std::function<void(const Publish&)> publish;
    std::function<void()> delivered;
    std::function<void()> turn_end;
    std::function<void()> room;
    std::function<void(std::optional<Duration>)> lost;
};

/// Accepts one connection after another and calls `script` for each packet, after a dialogue as of a proxy.
class Peer {
  public:
    explicit Peer(ProtocolVersion speaks = ProtocolVersion::v311, const std::string& host = "127.0.0.1",
                  std::uint16_t wanted_port = 0)
        : listener(host, true, wanted_port), version(speaks) {}

    /// Call once, before the client runs.
    void join(Client& to) {
        client = &to;
        client->watch(listener.fd.get(), [this] { accept(); });
    }

    void send(const Packet& packet) {
        std::vector<std::uint8_t> bytes;
        REQUIRE(encode(packet, version, bytes));
        send(Bytes(bytes));
    }
    void send(Bytes bytes) {
        REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    void accept_client() { send(Connack{}); }
    void hang_up() {
        if (fd) client->unwatch(fd.get());
        fd = {};
        received.clear();
    }
    /// Closes so that the client sees a reset.
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        hang_up();
    }
    std::uint16_t port() const { return listener.port; }
    std::string name() const { return "127.0.0.1:" + std::to_string(listener.port); }

    Listener listener;
    ProtocolVersion version;
    Client* client = nullptr;
    Descriptor fd;
    std::vector<std::uint8_t> received;
    int connections = 0;
    bool saw_end = false;
    bool saw_reset = false;
    std::string log;
    std::function<void(const Packet&)> script;
    std::function<void()> ended;
    /// What the client says first on each connection, and the answers; MQTT follows.
    std::vector<std::pair<std::string, std::string>> proxy_dialogue;

  private:
    std::size_t proxy_step = 0;

    void accept() {
        hang_up();
        fd = listener.accept();
        if (!fd) return;
        ++connections;
        saw_end = saw_reset = false;
        proxy_step = 0;
        client->watch(fd.get(), [this] { read(); });
    }

    void read() {
        std::array<std::uint8_t, 65536> buffer;
        const auto count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            saw_end = count == 0;
            saw_reset = count < 0;
            hang_up();
            if (ended) ended();
            return;
        }
        received.insert(received.end(), buffer.begin(), buffer.begin() + count);
        for (; proxy_step < proxy_dialogue.size(); ++proxy_step) {
            const auto& [request, answer] = proxy_dialogue[proxy_step];
            if (received.size() < request.size()) return;
            const auto end = received.begin() + static_cast<std::ptrdiff_t>(request.size());
            REQUIRE(std::string(received.begin(), end) == request);
            received.erase(received.begin(), end);
            send(as_bytes(answer));
        }
        while (fd) {
            const auto frame = next_frame(received);
            REQUIRE(frame);
            if (!*frame) break;
            const auto size = (*frame)->size;
            const std::vector<std::uint8_t> bytes(received.begin(),
                                                  received.begin() + static_cast<std::ptrdiff_t>(size));
            received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(size));
            const auto packet = decode(*next_frame(bytes, size).value(), version);
            REQUIRE(packet);
            log += std::string(packet_type_name(type_of(*packet))) + " ";
            if (script) script(*packet);
        }
    }
};

/// Options for a client of this peer, with short times.
inline ClientOptions options_for(const Peer& peer) {
    ClientOptions options;
    options.endpoint.host = "127.0.0.1";
    options.endpoint.port = peer.port();
    options.session.version = peer.version;
    options.session.client_id = "tester";
    options.reconnect.min_delay = options.reconnect.max_delay = std::chrono::milliseconds(1);
    return options;
}

/// As Client::run, by poll(2) on the descriptor and turns, as in the loop of another program.
inline std::expected<void, Error> run_by_turns(Client& client) {
    const int fd = client.descriptor();
    REQUIRE(fd >= 0);
    for (;;) {
        const auto goes_on = client.turn();
        if (!goes_on) return std::unexpected(goes_on.error());
        if (!*goes_on) return {};
        int wait = -1;
        if (const auto due = client.deadline()) {
            const auto left = std::max(*due, Time()) - std::chrono::steady_clock::now();
            wait = static_cast<int>(
                std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0));
        }
        pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
        ::poll(&polled, 1, wait);
    }
}

/// Runs the client, at most for ten seconds. ctest starts the tests a second time, with MQTTC_TEST_TURNS.
inline std::expected<void, Error> run(Client& client) {
    bool late = false;
    const auto watchdog = client.at(std::chrono::steady_clock::now() + std::chrono::seconds(10), [&] {
        late = true;
        client.stop();
    });
    auto result = std::getenv("MQTTC_TEST_TURNS") != nullptr ? run_by_turns(client) : client.run();
    client.cancel(watchdog);
    CHECK_FALSE(late);
    return result;
}

}  // namespace mqttc::test
