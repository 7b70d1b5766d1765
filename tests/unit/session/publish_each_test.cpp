// Many payloads for one topic: the same bytes as one by one, the same limits, and the same account.
#include <doctest/doctest.h>

#include <initializer_list>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

/// publish_each() with these payloads.
std::expected<std::size_t, Error> each(Dialogue& d, const Publish& common,
                                       std::initializer_list<std::string_view> payloads) {
    std::vector<Bytes> bytes;
    for (const std::string_view payload : payloads) bytes.push_back(as_bytes(payload));
    return d.session.publish_each(common, bytes, d.now);
}

std::vector<Bytes> views_of(const std::vector<std::string>& payloads) {
    std::vector<Bytes> views;
    for (const std::string& payload : payloads) views.push_back(as_bytes(payload));
    return views;
}

TEST_CASE("each payload becomes the packet that publish() makes of it") {
    std::vector<std::string> payloads;
    // Around each size at which the remaining length takes one more byte, and where a payload is no longer copied.
    for (const std::size_t size : std::initializer_list<std::size_t>{
             0, 1, 32, 100, 127, 128, 129, 16'370, 16'384, 16'400, 65'535, 65'536, 70'000, 3})
        payloads.emplace_back(size, static_cast<char>('a' + payloads.size()));
    Properties properties;
    REQUIRE(properties.add_user_property("k", "v").has_value());
    for (const auto version : {v31, v311, v5}) {
        for (const bool retain : {false, true}) {
            Publish common = message("some/topic", "not looked at", qos0, retain);
            if (version == v5) common.properties = properties.view();
            Dialogue together = connected(version);
            Dialogue alone = connected(version);
            REQUIRE(together.session.publish_each(common, views_of(payloads), together.now) ==
                    payloads.size());
            for (const std::string& payload : payloads) {
                common.payload = as_bytes(payload);
                REQUIRE(alone.session.publish(common, alone.now).has_value());
            }
            CHECK(together.session.counters().published == payloads.size());
            CHECK((together.written() == alone.written()));
        }
    }
}

TEST_CASE("at QoS 1 and 2, too, also what is sent again after a reconnect") {
    std::vector<std::string> payloads;
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 115, 116, 117, 127, 128, 16'370, 65'536, 3})
        payloads.emplace_back(size, static_cast<char>('a' + payloads.size()));
    Properties properties;
    REQUIRE(properties.add_user_property("k", "v").has_value());
    for (const auto version : {v31, v311, v5}) {
        // With a topic alias, a window smaller than the block, and neither.
        for (const std::string_view limits : {"22 0004", "21 0004", ""}) {
            for (const Qos qos : {qos1, qos2}) {
                CAPTURE(limits);
                Publish common = message("some/topic", "not looked at", qos, true);
                if (version == v5) common.properties = properties.view();
                if (version != v5 && !limits.empty()) continue;
                SessionOptions options = persistent(version);
                Dialogue together(options);
                Dialogue alone(options);
                for (Dialogue* d : {&together, &alone}) d->connect(false, limits);
                const auto taken =
                    together.session.publish_each(common, views_of(payloads), together.now).value_or(0);
                std::size_t published = 0;
                for (const std::string& payload : payloads) {
                    common.payload = as_bytes(payload);
                    if (!alone.session.publish(common, alone.now)) break;
                    ++published;
                }
                CHECK(taken == published);
                CHECK(taken == (limits.starts_with("21") ? 4 : payloads.size()));
                CHECK((together.written() == alone.written()));
                for (Dialogue* d : {&together, &alone}) {
                    d->answer_to(qos == qos1 ? "40 02 0001" : "50 02 0001");
                    if (qos == qos2) d->answer_to("70 02 0001");
                    d->reconnect(true, limits);
                }
                CHECK((together.written() == alone.written()));
                CHECK(together.events() == alone.events());
                CHECK(together.session.inflight() == alone.session.inflight());
            }
        }
    }
}

TEST_CASE("an empty block publishes nothing") {
    Dialogue d = connected(v311);
    CHECK(each(d, message("t", ""), {}) == 0);
    CHECK(d.written().empty());
}

TEST_CASE("a full output buffer takes no more, and the rest can be published when there is room") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 30'000;
    Dialogue d(options);
    d.connect();
    const std::vector<std::string> payloads(500, std::string(95, 'p'));
    const std::vector<Bytes> views = views_of(payloads);
    // Packets of 100 bytes: as publish() does, one more than fits is taken.
    CHECK(d.session.publish_each(message("t", ""), views, d.now) == 301);
    CHECK(d.session.pending_bytes() == 30'100);
    const auto full = d.session.publish_each(message("t", ""), views, d.now);
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code == ErrorCode::buffer_full);
    CHECK(d.session.pending_bytes() == 30'100);
    d.session.sent(200, d.now);
    CHECK(d.session.publish_each(message("t", ""), views, d.now) == 2);
    d.written();
    CHECK(d.session.publish_each(message("t", ""), std::span(views).subspan(303), d.now) == 197);
    CHECK(d.session.counters().published == 500);
}

TEST_CASE("what publish() refuses is refused in its place, with the same error") {
    Dialogue d = connected(v5, "25 00 27 00000014");
    CHECK(each(d, message("t", ""), {"0123456789abcd", "", "0123456789abcde", "x"}) == 2);
    CHECK(d.written() == wire("30 12 0001't' 00 '0123456789abcd' 30 04 0001't' 00"));
    const auto too_large = each(d, message("t", ""), {"0123456789abcde", "x"});
    REQUIRE_FALSE(too_large.has_value());
    CHECK(too_large.error().code == ErrorCode::limit_exceeded);
    CHECK(too_large.error().context ==
          "the packet has 21 bytes; the broker accepts at most 20: send smaller messages");
    const auto retained = each(d, message("t", "", qos0, true), {"a", "b"});
    REQUIRE_FALSE(retained.has_value());
    CHECK(retained.error().context ==
          "the broker does not support retained messages: publish without retain");
    for (const std::string_view topic : {"", "a/+", "\xff"}) {
        const auto wrong = each(d, message(topic, ""), {"a", "b"});
        REQUIRE_FALSE(wrong.has_value());
        CHECK(wrong.error().code == ErrorCode::usage);
    }
    Properties properties;
    REQUIRE(properties.add(PropertyId::subscription_identifier, 1).has_value());
    Publish common = message("t", "");
    common.properties = properties.view();
    CHECK_FALSE(each(d, common, {"a", "b"}).has_value());
    CHECK(d.written().empty());
    CHECK(d.session.counters().published == 2);
}

TEST_CASE("a topic of many payloads has its alias from the first packet on, where the broker allows one") {
    Dialogue d = connected(v5, "22 0001");
    CHECK(each(d, message("topic1", ""), {"a", "b", "c"}) == 3);
    CHECK(d.written() ==
          wire("30 0d 0006'topic1' 03 23 0001 'a' 30 07 0000 03 23 0001 'b' 30 07 0000 03 23 0001 'c'"));
    CHECK(each(d, message("topic2", ""), {"a", "b"}) == 2);
    CHECK(d.written() == wire("30 0a 0006'topic2' 00 'a' 30 0a 0006'topic2' 00 'b'"));
    // Aliases end with the connection; the messages that wait have their topic.
    CHECK(each(d, message("topic1", ""), {"a", "b"}) == 2);
    d.reconnect(false);
    CHECK(d.written() == wire("30 0a 0006'topic1' 00 'a' 30 0a 0006'topic1' 00 'b'"));

    Dialogue tight = connected(v5, "22 0001 27 0000000c");
    CHECK(each(tight, message("topic1", ""), {"a", "b", "c"}) == 3);
    CHECK(tight.written() ==
          wire("30 0a 0006'topic1' 00 'a' 30 0a 0006'topic1' 00 'b' 30 0a 0006'topic1' 00 'c'"));
}

TEST_CASE("an alias of the user is used for each payload") {
    Properties properties;
    REQUIRE(properties.add(PropertyId::topic_alias, 2).has_value());
    Publish common = message("t", "");
    common.properties = properties.view();
    Dialogue d = connected(v5, "22 0002");
    CHECK(each(d, common, {"a", "b"}) == 2);
    CHECK(d.written() == wire("30 08 0001't' 03 23 0002 'a' 30 08 0001't' 03 23 0002 'b'"));
}

TEST_CASE("without a connection payloads wait for the next one, as many as the buffer holds") {
    SessionOptions options = options_of(v311);
    options.max_output_bytes = 20;
    Dialogue d(options);
    CHECK(each(d, message("t", ""), {"0123456789", "0123456789", "0123456789"}) == 2);
    d.connect();
    CHECK(d.written() == wire("30 0d 0001't' '0123456789' 30 0d 0001't' '0123456789'"));
    CHECK(d.session.counters().dropped == 0);
}

TEST_CASE("after a broken connection unsent messages are kept and the others counted") {
    Dialogue d = connected(v311);
    const std::vector<std::string> payloads(1000, std::string(95, 'p'));
    REQUIRE(d.session.publish_each(message("t", ""), views_of(payloads), d.now) == 1000);
    // 300 packets and a half went, the last 100 of them never arrived.
    d.session.sent(30'050, d.now);
    d.session.closed(10'050);
    CHECK(d.session.counters().dropped == 101);
    CHECK(d.session.pending_bytes() == 69'900);
    CHECK(d.session.unsent() == 699);
}

TEST_CASE("the trace sees each packet of a block") {
    struct Counting : PacketTrace {
        void sent(const Packet& packet) override { seen += std::holds_alternative<Publish>(packet) ? 1 : 0; }
        void received(const Packet&) override {}
        int seen = 0;
    } trace;
    SessionOptions options = options_of(v311);
    options.trace = &trace;
    Dialogue d(options);
    d.connect();
    CHECK(each(d, message("t", ""), {"a", "b", "c"}) == 3);
    CHECK(trace.seen == 3);
}

TEST_CASE("at QoS 1 the window limits a block") {
    SessionOptions options = options_of(v311);
    options.max_inflight = 2;
    Dialogue d(options);
    d.connect();
    CHECK(each(d, message("t", "", qos1), {"a", "b", "c"}) == 2);
    CHECK(d.written() == wire("32 06 0001't' 0001 'a' 32 06 0001't' 0002 'b'"));
    const auto full = each(d, message("t", "", qos1), {"c"});
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error().code == ErrorCode::window_full);
    d.answer_to("40 02 0001");
    CHECK(each(d, message("t", "", qos1), {"c"}) == 1);
}

TEST_CASE("a block of payloads postpones PINGREQ") {
    Dialogue d = connected(v311);
    d.written();
    d.wait(50);
    CHECK(each(d, message("t", ""), {"a", "b"}) == 2);
    d.written();
    // The other half of the keep-alive is what was received.
    d.answer_to("30 03 0001't'");
    CHECK(d.session.deadline() == d.now + std::chrono::seconds(60));
}

}  // namespace
}  // namespace mqttc::test
