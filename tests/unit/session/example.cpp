// The example at the top of mqttc/session.hpp, compiled and run: a session on a pipe to a broker of a few
// lines.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

TEST_CASE("the example of the header runs on a real descriptor") {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    const int fd = ends[0];
    Recorder handler;
    const SessionOptions options = options_of(ProtocolVersion::v311);
    Time now = at(0);
    std::vector<std::uint8_t> buffer;

    Session session(options);
    session.opened(now);

    const auto write_pending = [&] {
        while (!session.pending().empty()) {
            const auto out = session.pending();
            const auto written = write(fd, out.data(), out.size());
            REQUIRE(written > 0);
            session.sent(static_cast<std::size_t>(written), now);
        }
    };
    const auto read_some = [&] {
        std::uint8_t bytes[256];
        const auto got = read(fd, bytes, sizeof bytes);
        REQUIRE(got > 0);
        buffer.insert(buffer.end(), bytes, bytes + got);
        const auto used = session.receive(buffer, now, handler);
        REQUIRE(used.has_value());
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*used));
    };

    write_pending();
    const auto connack_and_publish = hex("20 02 00 00 30 06 00 01 't' 'yes'");
    REQUIRE(write(ends[1], connack_and_publish.data(), connack_and_publish.size()) > 0);
    read_some();
    CHECK(buffer.empty());
    CHECK(session.connected());
    REQUIRE(session.publish(message("t", "hello", Qos::at_least_once), now).has_value());
    write_pending();
    const auto puback = hex("40 02 00 01");
    REQUIRE(write(ends[1], puback.data(), puback.size()) > 0);
    read_some();
    CHECK(handler.events == std::vector<std::string>{"connack 0", "message t=yes", "delivered 1"});

    now = *session.deadline();
    REQUIRE(session.tick(now).has_value());
    write_pending();
    std::uint8_t seen[256];
    const auto got = read(ends[1], seen, sizeof seen);
    REQUIRE(got > 2);
    CHECK(to_hex(Bytes(seen, static_cast<std::size_t>(got)).last(2)) == "c0 00");

    session.closed();
    CHECK_FALSE(session.connected());
    close(ends[0]);
    close(ends[1]);
}

}  // namespace
}  // namespace mqttc::test
