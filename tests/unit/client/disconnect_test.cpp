// Tests of the orderly end: nothing that was written is lost, and the client does not wait without need.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/un.h>

#include <thread>

#include "base/descriptor.hpp"
#include "mqttc/client.hpp"
#include "net/websocket_handshake.hpp"
#include "peer.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::chrono_literals;

namespace {

/// A broker in its own thread: answers CONNECT, sends `data` in the given number of rounds, and counts the bytes that it
/// receives after CONNECT.
std::size_t count_while_sending(const Listener& listener, Bytes data, std::size_t rounds) {
    pollfd waiting{.fd = listener.fd.get(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 5000);
    const Descriptor fd = listener.accept();
    const auto wait = [&](short events) {
        pollfd each{.fd = fd.get(), .events = events, .revents = 0};
        return ::poll(&each, 1, 5000) > 0;
    };
    std::vector<std::uint8_t> buffer(65536);
    wait(POLLIN);
    const auto connect = ::recv(fd.get(), buffer.data(), 2, 0);
    if (connect != 2) return 0;
    ::recv(fd.get(), buffer.data(), buffer[1], 0);
    const std::array<std::uint8_t, 4> connack{0x20, 2, 0, 0};
    ::send(fd.get(), connack.data(), connack.size(), MSG_NOSIGNAL);
    std::size_t total = 0;
    for (std::size_t round = 0;; ++round) {
        if (round < rounds) ::send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL);
        if (!wait(POLLIN)) return total;
        const auto count = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0) return total;
        total += static_cast<std::size_t>(count);
    }
}

}  // namespace

TEST_CASE("a big message before DISCONNECT arrives whole although the broker keeps sending") {
    const Listener listener;
    std::vector<std::uint8_t> data;
    Publish chatter;
    chatter.topic = "chatter";
    const std::string noise(200, 'n');
    chatter.payload = as_bytes(noise);
    REQUIRE(encode(chatter, ProtocolVersion::v311, data));

    for (const bool listening : {true, false}) {
        CAPTURE(listening);
        std::size_t total = 0;
        std::thread broker([&] { total = count_while_sending(listener, data, 1000); });
        Recorder handler;
        ClientOptions options;
        options.endpoint.host = "127.0.0.1";
        options.endpoint.port = listener.port;
        Client client(std::move(options), handler);
        const std::string payload(8'000'000, 'p');
        handler.connack = [&] {
            Publish big;
            big.topic = "big";
            big.payload = as_bytes(payload);
            REQUIRE(client.publish(big, PayloadMode::borrowed));
            if (!listening) client.pause(true);
            client.disconnect();
        };
        CHECK(run(client));
        broker.join();
        // Fixed header, topic, payload, DISCONNECT.
        CHECK(total == 1 + 4 + 2 + 3 + payload.size() + 2);
    }
}

namespace {

/// A broker on a unix socket, whose kernel takes the same number of bytes each time: it accepts the connection, reads
/// nothing more, and closes after `time`.
void accept_and_ignore(int listener, bool websocket, Duration time) {
    pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 5000);
    const Descriptor fd(::accept(listener, nullptr, nullptr));
    std::string request(4096, '\0');
    pollfd readable{.fd = fd.get(), .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, 5000);
    request.resize(static_cast<std::size_t>(
        std::max<ssize_t>(::recv(fd.get(), request.data(), websocket ? 4096 : 14, 0), 0)));
    std::string answer("\x20\x02\0\0", 4);
    if (websocket) {
        constexpr std::string_view name = "Sec-WebSocket-Key: ";
        const std::size_t key = request.find(name) + name.size();
        answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " +
            net::websocket_accept(request.substr(key, request.find('\r', key) - key)) + "\r\n\r\n\x82\x04" +
            answer;
    }
    if (websocket) {
        // CONNECT comes first, or CONNACK would be a protocol error.
        const std::size_t head = answer.find("\r\n\r\n") + 4;
        ::send(fd.get(), answer.data(), head, MSG_NOSIGNAL);
        answer.erase(0, head);
        ::poll(&readable, 1, 5000);
    }
    ::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    std::this_thread::sleep_for(time);
}

}  // namespace

TEST_CASE("what WebSocket still holds at the end was not sent, whether the broker hangs or closes") {
    const TempDir directory;
    const std::string path = (directory.path() / "s").string();
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    for (const bool websocket : {false, true}) {
        for (const bool closes : {false, true}) {
            for (std::size_t size = 240'000; size < 400'000; size += 20'000) {
                CAPTURE(websocket);
                CAPTURE(closes);
                CAPTURE(size);
                std::thread broker(
                    [&] { accept_and_ignore(listener.get(), websocket, closes ? 20ms : 200ms); });
                Recorder handler;
                ClientOptions options;
                options.endpoint.unix_path = path;
                if (websocket) options.endpoint.websocket.emplace();
                options.disconnect_timeout = closes ? Duration(5s) : Duration(50ms);
                Client client(std::move(options), handler);
                const std::string payload(size, 'p');
                handler.connack = [&] {
                    Publish big;
                    big.topic = "big";
                    big.payload = as_bytes(payload);
                    REQUIRE(client.publish(big, PayloadMode::borrowed));
                    client.disconnect();
                };
                const auto result = run(client);
                broker.join();
                CHECK_FALSE((result && client.session().counters().dropped == 0));
            }
        }
    }
}

TEST_CASE("a broker that neither reads nor closes is not waited for longer than disconnect_timeout") {
    for (const bool when_delivered : {false, true}) {
        CAPTURE(when_delivered);
        Peer peer;
        Recorder handler;
        auto options = options_for(peer);
        options.disconnect_timeout = 300ms;
        Client client(std::move(options), handler);
        peer.join(client);
        const std::string payload(30'000'000, 'p');
        Time start;
        peer.script = [&](const Packet&) { peer.accept_client(); };
        handler.connack = [&] {
            client.unwatch(peer.fd.get());
            Publish big;
            big.topic = "big";
            big.payload = as_bytes(payload);
            REQUIRE(client.publish(big, PayloadMode::borrowed));
            when_delivered ? client.disconnect_when_delivered(0s) : client.disconnect();
            start = client.now();
        };
        const auto result = run(client);
        CHECK(client.now() - start < 500ms);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::connection_lost);
        CHECK(result.error().context.ends_with(": the broker has not read them within 0.3 s"));
    }
}

TEST_CASE("a broker that reads slowly is waited for longer than disconnect_timeout") {
    Peer peer;
    const int room = 128 * 1024;
    REQUIRE(::setsockopt(peer.listener.fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    Recorder handler;
    auto options = options_for(peer);
    options.disconnect_timeout = 200ms;
    Client client(std::move(options), handler);
    peer.join(client);
    const std::string payload(6'000'000, 'p');  // more than the kernel takes
    std::vector<std::uint8_t> part(100'000);
    std::function<void()> read_slowly = [&] {
        static_cast<void>(::recv(peer.fd.get(), part.data(), part.size(), 0));
        client.at(client.now() + 20ms, read_slowly);
    };
    peer.script = [&](const Packet&) {
        peer.accept_client();
        client.unwatch(peer.fd.get());
        read_slowly();
    };
    handler.connack = [&] {
        REQUIRE(client.publish({.topic = "big", .payload = as_bytes(payload)}, PayloadMode::borrowed));
        client.disconnect();
    };
    CHECK(run(client));
}

namespace {

// How long disconnect() takes after a message, with a broker that does not close.
Duration time_to_end(const std::function<void(ClientOptions&, Publish&)>& change, bool publishes = false) {
    Peer peer;
    Recorder handler;
    auto options = options_for(peer);
    Publish publish;
    publish.topic = "a";
    change(options, publish);
    Client client(options, handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (std::holds_alternative<Publish>(packet) == publishes) peer.send(publish);
    };
    handler.connack = [&] {
        if (publishes) REQUIRE(client.publish({.topic = "b"}));
    };
    Time start;
    handler.publish = [&](const Publish&) {
        client.unwatch(peer.fd.get());
        start = client.now();
        client.disconnect();
    };
    CHECK(run(client));
    return client.now() - start;
}

}  // namespace

TEST_CASE("a broker that has sent messages is waited for 50 ms, if the end of the connection matters") {
    const auto with_will =
        time_to_end([](auto& options, auto&) { options.session.will.emplace().topic = "gone"; });
    CHECK(with_will >= 50ms);
    CHECK(with_will < 1s);  // far less than disconnect_timeout
    CHECK(time_to_end([](auto&, auto& publish) {
              publish.qos = Qos::at_least_once;
              publish.packet_id = 1;
          }) >= 50ms);
    CHECK(time_to_end([](auto&, auto&) {}, true) >= 50ms);
    CHECK(time_to_end([](auto&, auto&) {}) < with_will);
}

TEST_CASE("disconnect without a connection ends the run at once, and before CONNACK too") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { client.disconnect(); };
    CHECK(run(client));
    CHECK(handler.log.empty());
    client.disconnect();
    CHECK(run(client));
}

TEST_CASE("a broker that closes as soon as it has everything is not a failure") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        if (const auto* publish = std::get_if<Publish>(&packet)) {
            peer.send(Ack{PacketType::puback, publish->packet_id});
            peer.hang_up();
        }
    };
    handler.connack = [&] {
        Publish publish;
        publish.topic = "a";
        publish.qos = Qos::at_least_once;
        REQUIRE(client.publish(publish));
    };
    handler.delivered = [&] { client.disconnect(); };
    CHECK(run(client));
    CHECK(handler.log == "connack 0\ndelivered 0\n");
}

TEST_CASE("a connection that fails in the turn of disconnect() is a failure if a message was not sent") {
    Peer peer;
    Recorder handler;
    Client client(options_for(peer), handler);
    peer.join(client);
    peer.script = [&](const Packet& packet) {
        if (std::holds_alternative<Connect>(packet)) peer.accept_client();
        // PUBACK, and bytes that are not MQTT.
        if (std::holds_alternative<Publish>(packet))
            peer.send(as_bytes(std::string_view("\x40\x02\0\1\0", 5)));
    };
    const std::string large(16 * 1024 * 1024, 'x');
    handler.connack = [&] { REQUIRE(client.publish(Publish{.topic = "a", .qos = Qos::at_least_once})); };
    handler.delivered = [&] {
        REQUIRE(client.publish(Publish{.topic = "a", .payload = as_bytes(large)}, PayloadMode::borrowed));
        client.disconnect();
    };
    const auto result = run(client);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::protocol_error);
}

TEST_CASE("DISCONNECT contains the requested reason and properties") {
    Peer peer(ProtocolVersion::v5);
    Recorder handler;
    auto options = options_for(peer);
    options.session.session_expiry = 0;
    Client client(std::move(options), handler);
    peer.join(client);
    peer.script = [&](const Packet&) { peer.accept_client(); };
    handler.connack = [&] {
        Properties properties;
        REQUIRE(properties.add(PropertyId::reason_string, "enough"));
        client.disconnect(reason::disconnect_with_will, properties.view());
    };
    CHECK(run(client));
    std::array<std::uint8_t, 32> rest{};
    const auto count = ::recv(peer.fd.get(), rest.data(), rest.size(), 0);
    CHECK(as_text(Bytes(rest).first(static_cast<std::size_t>(count))) ==
          std::string_view("\xe0\x0b\x04\x09\x1f\0\x06"
                           "enough",
                           13));
}
