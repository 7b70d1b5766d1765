// The parts of a session by themselves: identifiers, the store of messages, the output queue, requests.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "inflight.hpp"
#include "mqttc/codec.hpp"
#include "output.hpp"
#include "packet_ids.hpp"
#include "qos0_in_transit.hpp"
#include "requests.hpp"
#include "support/hex.hpp"

namespace mqttc::test {
namespace {

TEST_CASE("identifiers are given in turn, and none when all are in use") {
    PacketIds ids;
    CHECK(ids.owner(1) == PacketIds::unowned);
    for (unsigned i = 1; i <= 65'535; ++i) REQUIRE(ids.take(7) == i);
    CHECK(ids.take(7) == 0);
    ids.release(500);
    ids.release(500);
    CHECK(ids.owner(500) == PacketIds::unowned);
    CHECK(ids.take(8) == 500);
    CHECK(ids.owner(500) == 8);
    CHECK(ids.take(7) == 0);
}

TEST_CASE("the first identifiers in use take no memory of their own, and further ones change no value") {
    // Eight are kept in the table itself, more in pages: both must do what a map does.
    for (const std::uint32_t most : {4U, 8U, 9U, 40U}) {
        IdTable<std::uint16_t> table;
        std::map<PacketId, std::uint16_t> expected;
        std::uint32_t random = most;
        for (int i = 0; i < 20'000; ++i) {
            random = random * 1'664'525 + 1'013'904'223;
            const auto id = static_cast<PacketId>((random >> 16U) % most * 1000);
            const auto value = static_cast<std::uint16_t>((random >> 8U) % 3);
            REQUIRE(table.set(id, value) == expected[id]);
            expected[id] = value;
            if (random >> 24U == 0) {
                table.clear();
                expected.clear();
            }
            REQUIRE(table.get(id) == expected[id]);
        }
        for (const auto& [id, value] : expected) CHECK(table.get(id) == value);
    }
}

TEST_CASE("a set of identifiers") {
    IdSet set;
    CHECK(set.empty());
    CHECK_FALSE(set.contains(3));
    CHECK_FALSE(set.erase(3));
    set.insert(3);
    set.insert(3);
    set.insert(65'535);
    CHECK(set.contains(65'535));
    CHECK(set.erase(3));
    CHECK_FALSE(set.erase(3));
    CHECK_FALSE(set.empty());
    set.clear();
    CHECK(set.empty());
    CHECK_FALSE(set.contains(65'535));
}

TEST_CASE("messages keep their order over a lost connection") {
    PacketIds ids;
    Inflight inflight;
    OutgoingMessage* messages[4];
    for (auto*& message : messages) message = inflight.add(ids);
    CHECK(inflight.size() == 4);
    for (int i = 0; i < 3; ++i) {
        messages[i]->begin = static_cast<std::uint64_t>(10 * i);
        inflight.move_to_sent(*messages[i]);
    }
    inflight.move_to_sent(*messages[0]);  // its PUBREL
    CHECK(inflight.sent().front() == messages[1]);
    inflight.finish(*messages[1], ids);
    CHECK(inflight.find(ids, 2) == nullptr);
    inflight.closed(15);
    CHECK(inflight.sent().empty());
    const OutgoingMessage* next = inflight.waiting().front();
    for (const auto* expected : {messages[2], messages[0], messages[3]}) {
        REQUIRE(next == expected);
        next = next->next;
    }
    CHECK(next == nullptr);
    CHECK(messages[0]->attempted);
    CHECK_FALSE(messages[2]->attempted);
    CHECK_FALSE(messages[3]->attempted);
}

TEST_CASE("a slot keeps a small buffer and frees a large one") {
    PacketIds ids;
    Inflight inflight;
    OutgoingMessage* message = inflight.add(ids);
    message->packet.resize(100);
    inflight.finish(*message, ids);
    CHECK(inflight.add(ids) == message);
    CHECK(message->packet.capacity() >= 100);
    CHECK(message->id == 2);
    message->packet.resize(100'000);
    inflight.finish(*message, ids);
    CHECK(message->packet.capacity() <= 4096);
}

/// A PUBLISH of the given size in all, at QoS 0.
std::vector<std::uint8_t> packet_of(std::size_t size) {
    const std::string payload(size - (size > 129 ? 6 : 5), 'p');
    Publish publish;
    publish.topic = "t";
    publish.payload = as_bytes(payload);
    std::vector<std::uint8_t> bytes;
    REQUIRE(encode_publish(publish, ProtocolVersion::v311, bytes).has_value());
    REQUIRE(bytes.size() == size);
    return bytes;
}

TEST_CASE("QoS 0 messages of any sizes are counted by where they end") {
    const std::uint64_t sizes[] = {5, 127, 128, 1, 300'000'000, 16'383, 16'384, 2, 2, 4};
    std::vector<std::uint64_t> ends;
    Qos0InTransit transit;
    CHECK(transit.sent(1000) == 0);
    CHECK(transit.sent_after(0) == 0);
    for (const std::uint64_t size : sizes) {
        transit.reserve(1);
        ends.push_back((ends.empty() ? 0 : ends.back()) + size);
        transit.add(ends.back());
    }
    const auto ended = [&](std::uint64_t from, std::uint64_t to) {
        return static_cast<std::uint64_t>(
            std::ranges::count_if(ends, [=](std::uint64_t end) { return end > from && end <= to; }));
    };
    std::uint64_t counted = 0;
    for (const std::uint64_t end : ends) {
        for (const std::uint64_t position : {end - 1, end}) {
            CAPTURE(position);
            counted += transit.sent(position);
            CHECK(counted == ended(0, position));
            for (const std::uint64_t from : ends) CHECK(transit.sent_after(from) == ended(from, position));
        }
    }
}

TEST_CASE("of very many QoS 0 messages the newest sent ones and all unsent ones are remembered") {
    Qos0InTransit transit;
    constexpr std::uint64_t many = 2'000'000;
    for (std::uint64_t i = 1; i <= many; ++i) {
        transit.reserve(1);
        transit.add(i * 100);
        CHECK(transit.sent(i * 100) == 1);
    }
    CHECK(transit.sent_after((many - 400'000) * 100) == 400'000);
    CHECK(transit.sent_after(0) < 600'000);
    for (std::uint64_t i = many + 1; i <= 2 * many; ++i) {
        transit.reserve(1);
        transit.add(i * 100);
    }
    CHECK(transit.sent((2 * many - 1) * 100) == many - 1);
    CHECK(transit.sent_after(many * 100) == many - 1);
}

TEST_CASE("an output that is never empty does not grow, and finds its packets") {
    Output output;
    const auto packet = packet_of(1000);
    for (int i = 0; i < 10; ++i) output.append(packet);
    for (int i = 0; i < 1000; ++i) {
        output.append(packet);
        for (std::size_t left = 1000; left > 0;) {
            const std::size_t n = std::min(left, output.pending().size());
            output.sent(n);
            left -= n;
        }
    }
    CHECK(output.buffered() == 10'000);
    CHECK(output.buffer().capacity() < 400'000);
    CHECK(output.sent_position() == 1'000'000);
    CHECK(output.end_position() == 1'010'000);
    output.sent(999);
    int whole = 0;
    int partly = 0;
    output.for_each_packet([&](const Output::Packet& one) {
        CHECK(one.inline_bytes.size() == 1000);
        ++(one.partly_sent ? partly : whole);
    });
    CHECK(whole == 9);
    CHECK(partly == 1);
}

TEST_CASE("not more can be sent than is pending") {
    Output output;
    output.append(packet_of(100));
    output.sent(1000);
    CHECK(output.empty());
    CHECK(output.sent_position() == 100);
    CHECK(output.pending().empty());
}

TEST_CASE("an output finds its packets between external payloads") {
    const std::string text(10'000, 'x');
    Publish publish;
    publish.topic = "t";
    publish.payload = as_bytes(text);
    Output output;
    for (int i = 0; i < 40; ++i) {
        output.append(packet_of(4000));
        REQUIRE(encode_publish_header(publish, ProtocolVersion::v311, output.buffer()).has_value());
        output.append_payload({as_bytes(text), nullptr});
    }
    const std::size_t pair = 4000 + 6 + 10'000;
    CHECK(output.size() == 40 * pair);
    std::size_t sent = 0;
    for (const std::size_t goal :
         {std::size_t{0}, std::size_t{1}, std::size_t{4000}, std::size_t{4003}, std::size_t{4006},
          std::size_t{9000}, pair, pair + 1, 30 * pair, 30 * pair + 4500}) {
        CAPTURE(goal);
        while (sent < goal) {
            const std::size_t n = std::min(goal - sent, output.pending().size());
            output.sent(n);
            sent += n;
        }
        static_cast<void>(output.buffer());  // may move what is left to the front
        std::size_t left = 0;
        std::size_t packets = 0;
        std::size_t partly = 0;
        output.for_each_packet([&](const Output::Packet& one) {
            ++packets;
            left += one.inline_bytes.size() + (one.payload != nullptr ? one.payload->bytes.size() : 0);
            partly += one.partly_sent ? 1 : 0;
        });
        const std::size_t in_pair = goal % pair;
        CHECK(packets == 80 - 2 * (goal / pair) - (in_pair >= 4000 ? 1 : 0));
        CHECK(partly == (in_pair == 0 || in_pair == 4000 ? 0 : 1));
        const std::size_t partly_sent_bytes = in_pair == 0 || in_pair == 4000 ? 0
                                              : in_pair < 4000                ? in_pair
                                                                              : in_pair - 4000;
        CHECK(left == output.size() + partly_sent_bytes);
    }
}

TEST_CASE("what is left of a message whose external payload is partly sent keeps its start") {
    const std::string text(100, 'x');
    const Publish publish{.topic = "t", .payload = as_bytes(text)};
    Output output;
    for (int i = 0; i < 10; ++i) output.append(packet_of(10'000));
    REQUIRE(encode_publish_header(publish, ProtocolVersion::v311, output.buffer()).has_value());
    output.append_payload({as_bytes(text), nullptr});
    output.sent(100'000 + 5 + 50);
    output.append(packet_of(5));
    std::vector<std::size_t> sizes;
    output.for_each_packet([&](const Output::Packet& one) { sizes.push_back(one.size()); });
    CHECK(sizes == std::vector<std::size_t>{105, 5});
}

TEST_CASE("a secret is overwritten after it was sent") {
    Output output;
    output.append(packet_of(100));
    output.mark_secret();
    output.append(packet_of(50));
    const std::uint8_t* memory = output.pending().data();
    output.sent(99);
    CHECK(memory[0] == 0x30);
    output.sent(1);
    CHECK(std::count(memory, memory + 100, 0) == 100);
    CHECK(output.size() == 50);
    int packets = 0;
    output.for_each_packet([&](const Output::Packet& one) {
        CHECK(one.inline_bytes.size() == 50);
        ++packets;
    });
    CHECK(packets == 1);
}

TEST_CASE("requests are found by identifier until they are answered") {
    PacketIds ids;
    Requests requests(ProtocolVersion::v311);
    Request request;
    request.id = ids.take(Requests::owner);
    request.filters = 1;
    request.packet = hex("82 06 0001 0001'a' 00");
    requests.add(request);
    REQUIRE(requests.find(1) != nullptr);
    CHECK(requests.find(2) == nullptr);
    requests.answered(*requests.find(1), {}, ids);
    CHECK(requests.find(1) == nullptr);
    CHECK(requests.unanswered().empty());
    CHECK_FALSE(requests.empty());
    requests.broker_lost_session();
    CHECK(requests.find(1) != nullptr);
}

}  // namespace
}  // namespace mqttc::test
