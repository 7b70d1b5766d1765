// Tests of the WebSocket stream (websocket.cpp): frames in all shapes, on a stream without a socket.
#include "layers.hpp"

#include <doctest/doctest.h>

#include "scripted_stream.hpp"
#include "websocket_frame.hpp"
#include "websocket_handshake.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace mqttc::test;

namespace {

/// A frame as a server sends it.
std::string frame(int first_byte, std::string_view payload) {
    std::string text(1, static_cast<char>(first_byte));
    if (payload.size() < 126) {
        text += static_cast<char>(payload.size());
    } else if (payload.size() < 65'536) {
        text += '\x7e';
        text += static_cast<char>(payload.size() >> 8);
        text += static_cast<char>(payload.size() & 0xff);
    } else {
        text += '\x7f';
        for (int shift = 56; shift >= 0; shift -= 8)
            text += static_cast<char>(payload.size() >> shift & 0xff);
    }
    return text.append(payload);
}

constexpr int fin = 0x80;
constexpr int continuation = 0;
constexpr int text_frame = 1;
constexpr int binary = 2;
constexpr int closing = 8;
constexpr int ping = 9;
constexpr int pong = 10;

struct SentFrame {
    int first_byte = 0;
    std::string payload;
};

/// Takes the first frame off what a client wrote; checks that it is masked.
SentFrame take_frame(std::string& written) {
    REQUIRE(written.size() >= 2);
    SentFrame result{static_cast<std::uint8_t>(written[0]), {}};
    const auto second = static_cast<std::uint8_t>(written[1]);
    REQUIRE((second & 0x80) != 0);
    std::size_t size = second & 0x7f;
    std::size_t at = 2;
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) size = 0;
    for (; at < 2 + more; ++at) size = size << 8 | static_cast<std::uint8_t>(written[at]);
    const auto mask = written.substr(at, 4);
    at += 4;
    REQUIRE(written.size() >= at + size);
    result.payload = written.substr(at, size);
    for (std::size_t i = 0; i < size; ++i)
        result.payload[i] = static_cast<char>(result.payload[i] ^ mask[i % 4]);
    written.erase(0, at + size);
    return result;
}

/// A WebSocket whose upgrade has succeeded.
struct Open {
    /// `rest` arrives in the same piece as the answer.
    explicit Open(std::size_t piece = SIZE_MAX, const std::string& rest = {}) {
        endpoint.host = "broker.example";
        endpoint.websocket.emplace();
        auto made = make_websocket_stream(std::make_unique<ScriptedStream>(script), endpoint);
        REQUIRE(made);
        stream = std::move(*made);
        REQUIRE(stream->handshake() == false);
        const auto at = script.written.find("Sec-WebSocket-Key: ") + 19;
        const auto key = script.written.substr(at, 24);
        script.piece = piece;
        script.input =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            websocket_accept(key) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n" + rest;
        REQUIRE(stream->handshake() == true);
        script.written.clear();
    }

    /// Reads until nothing comes any more. A read that gives nothing is tried again while the descriptor, if
    /// there were one, would be readable.
    std::string read_all(std::size_t room_size = 1000) {
        std::string all;
        std::vector<std::uint8_t> room(room_size);
        for (bool readable = true; readable || stream->buffered();) {
            readable = !script.input.empty() || script.end || script.failure;
            const auto got = stream->read(room);
            if (!got) {
                error = got.error();
                return all;
            }
            ended = got->state == IoState::end;
            if (ended) break;
            all += as_text(Bytes(room).first(got->count));
        }
        return all;
    }

    Endpoint endpoint;
    Script script;
    StreamPtr stream;
    std::optional<Error> error;
    bool ended = false;
};

std::string numbered(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    return text;
}

}  // namespace

TEST_CASE("messages of every size arrive, in pieces of every size") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{125}, std::size_t{126}, std::size_t{4096},
          std::size_t{65'535}, std::size_t{65'536}, std::size_t{300'000}}) {
        const auto payload = numbered(size);
        for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, SIZE_MAX}) {
            if (piece == 1 && size > 70'000) continue;
            CAPTURE(size);
            CAPTURE(piece);
            Open socket(piece);
            socket.script.input = frame(fin | binary, payload) + frame(fin | binary, "end");
            CHECK((socket.read_all(997) == payload + "end"));
            CHECK_FALSE(socket.error);
            CHECK_FALSE(socket.stream->buffered());
        }
    }
}

TEST_CASE("fragments with control frames between them are one stream of bytes") {
    Open socket(1);
    socket.script.input = frame(binary, "ab") + frame(fin | ping, "1") + frame(continuation, "") +
                          frame(fin | pong, "unasked") + frame(continuation, "cd") +
                          frame(fin | continuation, "ef") + frame(fin | binary, "gh");
    CHECK(socket.read_all() == "abcdefgh");
    CHECK_FALSE(socket.error);
    const auto answer = take_frame(socket.script.written);
    CHECK(answer.first_byte == (fin | pong));
    CHECK(answer.payload == "1");
    CHECK(socket.script.written.empty());
}

TEST_CASE("data received together with the answer to the upgrade is not lost") {
    Open socket(SIZE_MAX, frame(fin | binary, "early"));
    CHECK(socket.stream->buffered());
    CHECK(socket.read_all() == "early");
    CHECK_FALSE(socket.stream->buffered());
}

TEST_CASE("of many pings only the newest is answered once there is room, and nothing gathers") {
    Open socket;
    socket.script.room = 0;
    for (int i = 0; i < 10'000; ++i) socket.script.input += frame(fin | ping, std::to_string(i));
    CHECK(socket.read_all().empty());
    CHECK(socket.stream->unsent());
    CHECK(socket.stream->wants({.read = true, .write = false}).write);
    socket.script.room = SIZE_MAX;
    REQUIRE(socket.stream->write({}));
    CHECK_FALSE(socket.stream->unsent());
    std::size_t answers = 0;
    std::string last;
    for (; !socket.script.written.empty(); ++answers) last = take_frame(socket.script.written).payload;
    CHECK(answers <= 2);
    CHECK(last == "9999");
}

TEST_CASE("a peer that sends pings without end does not hold a read") {
    Open socket;
    for (int i = 0; i < 1'000'000; ++i) socket.script.input += frame(fin | ping, "");
    std::uint8_t room[16];
    const auto got = socket.stream->read(room);
    REQUIRE(got);
    CHECK(got->state == IoState::would_block);
    CHECK(socket.stream->buffered());
    CHECK_FALSE(socket.script.input.empty());
}

TEST_CASE("data is written in masked binary frames, of at most 64 KiB") {
    Open socket;
    const auto payload = numbered(200'000);
    Bytes rest = as_bytes(payload);
    while (!rest.empty()) {
        const auto result = socket.stream->write(rest);
        REQUIRE(result);
        REQUIRE(result->state == IoState::ready);
        rest = rest.subspan(result->count);
    }
    std::string all;
    while (!socket.script.written.empty()) {
        const auto sent = take_frame(socket.script.written);
        CHECK(sent.first_byte == (fin | binary));
        CHECK(sent.payload.size() <= 65'536);
        all += sent.payload;
    }
    CHECK((all == payload));
}

TEST_CASE("the length of a frame is written in its shortest form") {
    for (const std::size_t size : {1U, 125U, 126U, 65'535U, 65'536U}) {
        Open socket;
        const auto payload = numbered(size);
        REQUIRE(socket.stream->write(as_bytes(payload)));
        const auto head = parse_frame_head(as_bytes(socket.script.written));
        REQUIRE(head);
        CHECK(head->length == size);
        CHECK(head->shortest_length);
    }
}

TEST_CASE("masks differ from frame to frame") {
    Open socket;
    std::string masks;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(socket.stream->write(as_bytes("x")));
        masks = socket.script.written.substr(2, 4);
        CHECK(take_frame(socket.script.written).payload == "x");
        REQUIRE(socket.stream->write(as_bytes("x")));
        CHECK(socket.script.written.substr(2, 4) != masks);
        CHECK(take_frame(socket.script.written).payload == "x");
    }
}

TEST_CASE("a transport that takes few bytes bounds what is kept, and loses nothing") {
    Open socket;
    socket.script.room = 0;
    const auto payload = numbered(1'000'000);
    Bytes rest = as_bytes(payload);
    std::size_t taken = 0;
    while (true) {
        const auto result = socket.stream->write(rest);
        REQUIRE(result);
        if (result->state != IoState::ready) break;
        taken += result->count;
        rest = rest.subspan(result->count);
    }
    CHECK(taken > 0);
    CHECK(taken <= 131'072);
    CHECK(socket.stream->unsent());
    while (!rest.empty() || socket.stream->unsent()) {
        socket.script.room = 999;
        const auto result = socket.stream->write(rest);
        REQUIRE(result);
        rest = rest.subspan(result->count);
    }
    std::string all;
    while (!socket.script.written.empty()) all += take_frame(socket.script.written).payload;
    CHECK((all == payload));
}

TEST_CASE("what the layer below holds is unsent, and pushed on when it takes bytes again") {
    Open socket;
    socket.script.held = 5;
    socket.script.room = 0;
    CHECK(socket.stream->unsent() == 5);
    CHECK(socket.stream->write({})->state == IoState::would_block);
    socket.script.room = SIZE_MAX;
    CHECK(socket.stream->write({})->state == IoState::ready);
    CHECK(socket.stream->unsent() == 0);
}

TEST_CASE("what the layer below has buffered is read without waiting for the descriptor") {
    Open socket(3);
    socket.script.buffered = true;
    socket.script.input = frame(fin | binary, "some") + frame(fin | binary, "more");
    std::uint8_t room[16];
    const auto got = socket.stream->read(room);
    REQUIRE(got);
    CHECK(as_text(Bytes(room).first(got->count)) == "somemore");
}

TEST_CASE("an orderly close is the end") {
    for (const std::string& payload :
         {std::string(), std::string("\x03\xe8", 2), std::string("\x03\xe8 bye", 6)}) {
        Open socket;
        socket.script.input =
            frame(fin | binary, "last") + frame(fin | closing, payload) + frame(fin | binary, "no");
        CHECK(socket.read_all() == "last");
        CHECK(socket.ended);
        CHECK_FALSE(socket.error);
    }
}

TEST_CASE("a close with a reason is reported, after the data before it") {
    Open socket;
    socket.script.input = frame(fin | binary, "last") + frame(fin | closing, "\x03\xf1 too \x1b big");
    CHECK(socket.read_all() == "last");
    REQUIRE(socket.error);
    CHECK(socket.error->code == ErrorCode::closed_by_peer);
    CHECK(socket.error->context ==
          "the broker closed the WebSocket with code 1009 (message too big):  too \\x1b big");
    socket.error.reset();
    CHECK(socket.read_all().empty());
    CHECK(socket.error);
}

TEST_CASE("the end of the transport is the end, also in the middle of a frame") {
    Open socket;
    socket.script.input = frame(fin | binary, "abcdef").substr(0, 5);
    socket.script.end = true;
    CHECK(socket.read_all() == "abc");
    CHECK(socket.ended);
}

TEST_CASE("breaches of the protocol are named and answered with 1002") {
    struct Breach {
        std::string bytes;
        const char* name;
    };
    const Breach breaches[] = {
        {frame(fin | text_frame, "hello"), "a text frame"},
        {frame(fin | 3, "x"), "unknown kind"},
        {frame(fin | 11, "x"), "unknown kind"},
        {frame(fin | continuation, "x"), "a continuation frame outside a message"},
        {frame(binary, "x") + frame(fin | binary, "y"), "inside another"},
        {frame(fin | 0x40 | binary, "x"), "reserved bit"},
        {std::string("\x82\x81mask\x01", 7), "masked"},
        {std::string("\x89\x7e\x00\x7e", 4) + std::string(126, 'x'), "control frame that is too long"},
        {frame(ping, "x"), "control frame that is too long or in fragments"},
        {std::string("\x82\x7e\x00\x01x", 5), "not in its shortest form"},
        {std::string("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10), "not in its shortest form"},
        {std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10), "not in its shortest form"},
        {frame(fin | closing, "x"), "a close frame of one byte"},
    };
    for (const auto& breach : breaches) {
        for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
            CAPTURE(breach.name);
            Open socket(piece);
            socket.script.input = breach.bytes;
            static_cast<void>(socket.read_all());
            REQUIRE(socket.error);
            CHECK(socket.error->code == ErrorCode::protocol_error);
            CHECK(socket.error->context.find(breach.name) != std::string::npos);
            socket.stream->shutdown();
            const auto close_frame = take_frame(socket.script.written);
            CHECK(close_frame.first_byte == (fin | closing));
            CHECK(close_frame.payload == "\x03\xea");
        }
    }
}

TEST_CASE("shutdown sends a close frame after what was written") {
    Open socket;
    REQUIRE(socket.stream->write(as_bytes("\xe0")));
    socket.stream->shutdown();
    CHECK(take_frame(socket.script.written).payload == "\xe0");
    const auto close_frame = take_frame(socket.script.written);
    CHECK(close_frame.first_byte == (fin | closing));
    CHECK(close_frame.payload == "\x03\xe8");
    CHECK(socket.script.shut_down);
}

TEST_CASE("the upgrade succeeds however little the transport moves at a time") {
    Endpoint endpoint;
    endpoint.websocket.emplace();
    Script script;
    script.room = 0;
    auto stream = make_websocket_stream(std::make_unique<ScriptedStream>(script), endpoint);
    REQUIRE(stream);
    for (;; script.room = 1) {
        REQUIRE((*stream)->handshake() == false);
        if (script.written.ends_with("\r\n\r\n")) break;
        CHECK((*stream)->wants({}).write);
    }
    script.room = SIZE_MAX;
    REQUIRE((*stream)->handshake() == false);
    CHECK((*stream)->wants({}).read);
    CHECK_FALSE((*stream)->wants({}).write);
    const auto key = script.written.substr(script.written.find("Key: ") + 5, 24);
    const auto answer =
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        websocket_accept(key) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    for (std::size_t i = 0; i < answer.size(); ++i) {
        script.input = answer.substr(i, 1);
        CHECK((*stream)->handshake() == (i + 1 == answer.size()));
    }
}

TEST_CASE("an upgrade that breaks off says where") {
    const auto failure = [](const std::string& answer, std::optional<Error> lost = {}) {
        Endpoint endpoint;
        endpoint.websocket.emplace();
        Script script{.input = answer, .end = true, .failure = std::move(lost)};
        auto stream = make_websocket_stream(std::make_unique<ScriptedStream>(script), endpoint);
        const auto result = (*stream)->handshake();
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::websocket_failed);
        // The client closes a connection that failed.
        (*stream)->shutdown();
        CHECK(script.shut_down);
        return result.error().context;
    };
    CHECK(failure("").find("closed without an answer (a port for plain MQTT, or one that requires TLS?)") !=
          std::string::npos);
    CHECK(
        failure("", Error{ErrorCode::connection_lost, 104, "connection reset by peer"}).find("plain MQTT") !=
        std::string::npos);
    CHECK(failure("HTTP/1.1 101 Swi").ends_with("closed in the middle of the answer"));
    CHECK(failure(" \x02\x00\x00").ends_with("not HTTP (is it a WebSocket listener?)"));
    CHECK(failure("HTTP/1.1 200 OK\r\n" + std::string(70'000, 'x')).ends_with("longer than 16384 bytes"));
}
