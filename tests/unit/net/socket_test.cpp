// Tests of the stream on a plain socket.
#include "socket.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

using namespace mqttc;
using namespace mqttc::net;

namespace {

struct Streams {
    Streams() {
        int fds[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        here = make_socket_stream(fds[0]);
        there = make_socket_stream(fds[1]);
    }
    StreamPtr here;
    StreamPtr there;
};

}  // namespace

TEST_CASE("a socket stream is open at once and moves bytes both ways") {
    Streams streams;
    CHECK(streams.here->handshake().value());
    std::array<std::uint8_t, 8> buffer{};
    CHECK(streams.here->read(buffer)->state == IoState::would_block);
    CHECK(streams.there->write(as_bytes("abc"))->count == 3);
    const auto got = streams.here->read(buffer);
    CHECK(got->state == IoState::ready);
    CHECK(as_text(Bytes(buffer).first(got->count)) == "abc");
}

TEST_CASE("a full socket would block and takes more once the peer has read") {
    Streams streams;
    const std::vector<std::uint8_t> block(1 << 20);
    std::size_t written = 0;
    for (;;) {
        const auto result = streams.here->write(block);
        REQUIRE(result);
        if (result->state == IoState::would_block) break;
        written += result->count;
    }
    CHECK(written > 0);
    CHECK(unacknowledged(streams.here->descriptor()) > 0);
    std::vector<std::uint8_t> scratch(65536);
    CHECK(drain(streams.there->descriptor(), scratch).count == written);
    CHECK(streams.here->write(block)->count > 0);
}

TEST_CASE("shutdown lets the peer read to the end and still answer") {
    Streams streams;
    std::array<std::uint8_t, 8> buffer{};
    REQUIRE(streams.here->write(as_bytes("bye")));
    streams.here->shutdown();
    CHECK(streams.there->read(buffer)->count == 3);
    CHECK(streams.there->read(buffer)->state == IoState::end);
    CHECK(streams.there->write(as_bytes("x"))->count == 1);
    CHECK(streams.here->read(buffer)->count == 1);
}

TEST_CASE("writing to a side that has closed is an error with its errno, not a signal") {
    Streams streams;
    streams.there.reset();
    const auto result = streams.here->write(as_bytes("x"));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::connection_lost);
    CHECK(result.error().reason == EPIPE);
    CHECK(result.error().context == "broken pipe");
}

TEST_CASE("bytes of a file that was truncated after it was mapped are an error with its cause") {
    std::FILE* file = std::tmpfile();
    REQUIRE(::ftruncate(::fileno(file), 4096) == 0);
    const void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, ::fileno(file), 0);
    REQUIRE(map != MAP_FAILED);
    REQUIRE(::ftruncate(::fileno(file), 0) == 0);
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    const auto stream = make_socket_stream(fds[0]);
    const auto written = stream->write({static_cast<const std::uint8_t*>(map), 4096});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::io_error);
    CHECK(written.error().context == "the file was truncated while it was sent");
    ::close(fds[1]);
    ::munmap(const_cast<void*>(map), 4096);
    std::fclose(file);
}
