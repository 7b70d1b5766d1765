// Tests of the receive buffer: how it grows, what it keeps.
#include "receive_buffer.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

using namespace mqttc;

namespace {

void put(ReceiveBuffer& buffer, std::string_view text, std::size_t needed = 0) {
    while (!text.empty()) {
        const auto room = buffer.room(needed);
        REQUIRE_FALSE(room.empty());
        const auto count = std::min(room.size(), text.size());
        std::copy_n(text.begin(), count, room.begin());
        buffer.added(count);
        text.remove_prefix(count);
    }
}

}  // namespace

TEST_CASE("bytes stay in order over consuming and refilling") {
    ReceiveBuffer buffer;
    std::string expected;
    std::string piece;
    for (int i = 0; i < 1000; ++i) {
        piece.assign(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
        put(buffer, piece);
        expected += piece;
        const auto taken = std::min<std::size_t>(expected.size(), 490);
        REQUIRE(as_text(buffer.bytes()) == expected);
        buffer.consume(taken);
        expected.erase(0, taken);
    }
}

TEST_CASE(
    "the buffer grows with what has arrived, never by more than doubling, up to what the packet needs") {
    ReceiveBuffer buffer;
    constexpr std::size_t needed = 100'000'000;
    put(buffer, std::string(10, 'x'));
    std::size_t arrived = 10;
    while (arrived < needed) {
        const auto room = buffer.room(needed);
        REQUIRE_FALSE(room.empty());
        CHECK(arrived + room.size() <= std::max(ReceiveBuffer::usual_size, 2 * arrived));
        CHECK(arrived + room.size() <= needed);
        arrived += room.size();
        buffer.added(room.size());
    }
    CHECK(buffer.big());
    buffer.consume(needed);
    CHECK(buffer.empty());
    buffer.shrink();
    CHECK_FALSE(buffer.big());
}

TEST_CASE("a read that fills the first buffer enlarges it to the usual size") {
    ReceiveBuffer buffer;
    CHECK(buffer.room(0).size() == ReceiveBuffer::first_size);
    buffer.added(ReceiveBuffer::first_size);
    buffer.consume(ReceiveBuffer::first_size - 3);
    CHECK(buffer.room(0).size() == ReceiveBuffer::usual_size - 3);
}

TEST_CASE("a buffer that is full has room for the next read") {
    ReceiveBuffer buffer;
    for (int i = 0; i < 10; ++i) {
        const auto room = buffer.room(0);
        REQUIRE_FALSE(room.empty());
        buffer.added(room.size());
    }
}

TEST_CASE("the end of one packet and the beginning of the next share the buffer") {
    ReceiveBuffer buffer;
    put(buffer, std::string(60'000, 'a') + std::string(5'000, 'b'));
    buffer.consume(60'000);
    put(buffer, std::string(95'000, 'b'), 100'000);
    CHECK(as_text(buffer.bytes()) == std::string(100'000, 'b'));
}

#ifndef MQTTC_SANITIZED  // whose shadow memory is larger than any limit
TEST_CASE("without memory there is no room, and what has arrived stays") {
    constexpr std::size_t needed = 1'000'000'000;
    ReceiveBuffer buffer;
    put(buffer, "start");
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    rlimit little = before;
    little.rlim_cur = 500'000'000;
    REQUIRE(setrlimit(RLIMIT_AS, &little) == 0);
    std::size_t arrived = buffer.bytes().size();
    for (auto room = buffer.room(needed); !room.empty() && arrived < needed; room = buffer.room(needed)) {
        arrived += room.size();
        buffer.added(room.size());
    }
    REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(arrived < needed);
    REQUIRE(buffer.bytes().size() == arrived);
    CHECK(as_text(buffer.bytes().first(5)) == "start");
}
#endif
