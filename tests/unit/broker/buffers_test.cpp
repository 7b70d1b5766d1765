// The broker's input buffer and output queue.
#include "buffers.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <string>

using namespace mqttc;
using namespace mqttc::broker;

namespace {

void feed(InputBuffer& input, std::string_view text) {
    while (!text.empty()) {
        const auto room = input.room();
        REQUIRE_FALSE(room.empty());
        const auto count = std::min(room.size(), text.size());
        std::memcpy(room.data(), text.data(), count);
        input.added(count);
        text.remove_prefix(count);
    }
}

MessagePtr message_of(const std::string& payload) {
    Publish publish;
    publish.payload = as_bytes(payload);
    return make_message(publish, "t", "me", nullptr, {});
}

std::string drain(OutputQueue& output, std::size_t step) {
    std::string all;
    while (!output.empty()) {
        const auto part = output.front().first(std::min(step, output.front().size()));
        all += as_text(part);
        output.sent(part.size());
    }
    return all;
}

}  // namespace

TEST_CASE("small packets share one buffer and move to its start when it is full") {
    InputBuffer input;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        const std::string packet(3001, static_cast<char>('a' + i % 26));
        feed(input, packet);
        input.expect(packet.size());
        CHECK(as_text(input.bytes()) == packet);
        CHECK(input.own_block() == nullptr);
        input.consumed(2000);
        input.consumed(1001);
    }
}

TEST_CASE("a large packet gets its own block, which outlives the buffer") {
    InputBuffer input;
    const std::string start(1000, 's');
    const std::string large(shared_block_size * 3, 'L');
    feed(input, start + large.substr(0, 500));
    input.consumed(start.size());
    input.expect(large.size());
    CHECK(input.room().size() == large.size() - 500);
    feed(input, large.substr(500));
    const auto block = input.own_block();
    REQUIRE(block != nullptr);
    input.consumed(large.size());
    feed(input, "next");
    CHECK(as_text(input.bytes()) == "next");
    CHECK(input.own_block() == nullptr);
    CHECK(std::string_view(reinterpret_cast<const char*>(block.get()), large.size()) == large);
}

TEST_CASE("the output queue returns the bytes in order, in pieces of any size") {
    for (const std::size_t step : {1UL, 7UL, 100'000UL}) {
        OutputQueue output;
        std::string expected;
        for (const std::size_t size : {0UL, 10UL, 8192UL, 8193UL, 20'000UL}) {
            const std::string header = "header" + std::to_string(size);
            const std::string payload(size, 'p');
            output.append(as_bytes(header));
            output.append_payload(message_of(payload));
            expected += header + payload;
        }
        CHECK(output.size() == expected.size());
        CHECK(drain(output, step) == expected);
        CHECK(output.size() == 0);
    }
}

TEST_CASE("large payloads are referenced, not copied") {
    OutputQueue output;
    const auto message = message_of(std::string(100'000, 'x'));
    output.append_payload(message);
    CHECK(output.front().data() == message->payload.data());
}
