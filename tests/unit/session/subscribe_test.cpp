// Subscriptions: requested, answered, remembered and repeated.
#include <doctest/doctest.h>

#include "dialogue.hpp"

namespace mqttc::test {
namespace {

PacketId subscribe(Dialogue& d, std::initializer_list<std::string_view> filters) {
    std::vector<Subscription> subscriptions;
    for (const auto filter : filters) subscriptions.push_back({.filter = filter});
    const auto id = d.session.subscribe(subscriptions, {}, d.now);
    REQUIRE(id.has_value());
    return *id;
}

PacketId unsubscribe(Dialogue& d, std::string_view filter) {
    const auto id = d.session.unsubscribe(std::span(&filter, 1), {}, d.now);
    REQUIRE(id.has_value());
    return *id;
}

TEST_CASE("SUBSCRIBE and SUBACK, UNSUBSCRIBE and UNSUBACK") {
    Dialogue d = connected_persistent(v311);
    CHECK(subscribe(d, {"a", "b/#"}) == 1);
    CHECK(d.written() == wire("82 0c 0001 0001'a' 00 0003'b/#' 00"));
    d.answer_to("90 04 0001 00 80");
    CHECK(d.events() == "suback 1 codes 00 80");
    CHECK(unsubscribe(d, "a") == 2);
    CHECK(d.written() == wire("a2 05 0002 0001'a'"));
    d.answer_to("b0 02 0002");
    CHECK(d.events() == "unsuback 2 codes ");
}

TEST_CASE("MQTT 5 subscription options and properties are sent") {
    Dialogue d = connected_persistent(v5);
    Properties properties;
    REQUIRE(properties.add(PropertyId::subscription_identifier, 5).has_value());
    const Subscription one{.filter = "a",
                           .qos = Qos::exactly_once,
                           .no_local = true,
                           .retain_as_published = true,
                           .retain_handling = RetainHandling::send_never};
    REQUIRE(d.session.subscribe(std::span(&one, 1), properties.view(), d.now).has_value());
    CHECK(d.written() == wire("82 09 0001 02 0b 05 0001'a' 2e"));
}

TEST_CASE("an invalid filter is refused with the valid form") {
    Dialogue d = connected_persistent(v311);
    const Subscription one{.filter = "home/+temp"};
    const auto result = d.session.subscribe(std::span(&one, 1), {}, d.now);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == ErrorCode::usage);
    CHECK(result.error().context.find("home/+/temp") != std::string::npos);
    CHECK(d.session.subscribe({}, {}, d.now).error().code == ErrorCode::usage);
    CHECK(d.written().empty());
}

TEST_CASE("answers that do not match the request are protocol errors, unknown ones are ignored") {
    for (const std::string_view wrong : {"90 05 0001 00 00 00", "b0 04 0001 00 00"}) {
        CAPTURE(wrong);
        Dialogue d = connected_persistent(v5);
        subscribe(d, {"a"});
        d.written();
        CHECK(d.error_of(wrong).code == ErrorCode::protocol_error);
        CHECK(d.written() == wire("e0 01 82"));
        CHECK(d.events().empty());
    }
    Dialogue d = connected_persistent(v5);
    d.answer_to("90 04 0009 00 00");
    d.answer_to("b0 04 0009 00 00");
    CHECK(d.events().empty());
}

TEST_CASE("subscriptions are repeated as requested when the broker has lost the session") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"a", "b"});
    subscribe(d, {"c"});
    d.written();
    d.answer_to("90 04 0001 00 00 90 03 0002 00");
    d.events();
    d.reconnect(true);
    CHECK(d.written().empty());
    d.reconnect(false);
    CHECK(d.written() == wire("82 0a 0001 0001'a' 00 0001'b' 00 82 06 0002 0001'c' 00"));
    d.answer_to("90 04 0001 00 00 90 03 0002 00");
    CHECK(d.events() == "suback 1 codes 00 00; suback 2 codes 00");
}

TEST_CASE("subscriptions are repeated when the session present may be younger than they are") {
    for (const auto version : {v311, v5}) {
        CAPTURE(static_cast<int>(version));
        const std::string none = version == v5 ? " 00" : "";
        const std::string subscribe_a = (version == v5 ? "82 07 0001" : "82 06 0001") + none + " 0001'a' 00";
        Dialogue d = connected_persistent(version);
        subscribe(d, {"a"});
        CHECK(d.written() == wire(subscribe_a));
        d.answer_to(version == v5 ? "90 04 0001 00 00" : "90 03 0001 00");
        d.reconnect(true);
        CHECK(d.written().empty());
        // The broker forgets all, answers a CONNECT with a new session, and its CONNACK is lost on the way.
        d.session.closed();
        d.open();
        d.reconnect(true);
        CHECK(d.written() == wire(subscribe_a));
        d.answer_to(version == v5 ? "90 04 0001 00 00" : "90 03 0001 00");
        d.reconnect(true);
        CHECK(d.written().empty());
    }
}

TEST_CASE("shared subscriptions are repeated although the session is present") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"$share/g/a"});
    subscribe(d, {"b"});
    d.written();
    d.answer_to("90 03 0001 00 90 03 0002 00");
    d.events();
    d.reconnect(true);
    // Not the other one: the broker would send its retained messages again.
    CHECK(d.written() == wire("82 0f 0001 000a'$share/g/a' 00"));
    d.answer_to("90 03 0001 00");
    CHECK(d.events() == "suback 1 codes 00");
    unsubscribe(d, "$share/g/a");
    d.written();
    d.answer_to("b0 02 0003");
    d.reconnect(true);
    CHECK(d.written().empty());
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 0002 0001'b' 00"));
}

TEST_CASE("an unanswered SUBSCRIBE or UNSUBSCRIBE is repeated even if the session is present") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"a"});
    d.written();
    d.answer_to("90 03 0001 00");
    subscribe(d, {"b"});
    unsubscribe(d, "a");
    d.written();
    d.reconnect(true);
    CHECK(d.written() == wire("82 06 0002 0001'b' 00 a2 05 0003 0001'a'"));
    d.answer_to("90 03 0002 00 b0 02 0003");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 0002 0001'b' 00"));
}

TEST_CASE("an ended subscription is not repeated, others of its packet are") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"a", "b"});
    d.written();
    d.answer_to("90 04 0001 00 00");
    unsubscribe(d, "a");
    d.written();
    d.answer_to("b0 02 0002");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 0001 0001'b' 00"));
    d.answer_to("90 03 0001 00");
    unsubscribe(d, "b");
    d.written();
    d.answer_to("b0 02 0003");
    // Once more, although there is nothing to end.
    unsubscribe(d, "b");
    d.written();
    d.answer_to("b0 02 0004");
    d.reconnect(false);
    CHECK(d.written().empty());
}

TEST_CASE("an UNSUBSCRIBE without an answer is repeated after the SUBSCRIBE that it ends") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"a"});
    d.written();
    d.answer_to("90 03 0001 00");
    unsubscribe(d, "a");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 0001 0001'a' 00 a2 05 0002 0001'a'"));
}

TEST_CASE("a subscription that the broker refuses to end is repeated") {
    Dialogue d = connected_persistent(v5);
    subscribe(d, {"a"});
    subscribe(d, {"b"});
    d.written();
    d.answer_to("90 04 0001 00 00 90 04 0002 00 00");
    const std::string_view filters[] = {"a", "b"};
    REQUIRE(d.session.unsubscribe(filters, {}, d.now).has_value());
    d.written();
    d.answer_to("b0 05 0003 00 87 11");
    CHECK(d.events().ends_with("unsuback 3 codes 87 11"));
    d.reconnect(false);
    CHECK(d.written() == wire("82 07 0001 00 0001'a' 00"));
}

TEST_CASE("MQTT 3.1.1 has no shared subscriptions, so their rules do not apply") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"$share/a"});
    CHECK(d.written() == wire("82 0d 0001 0008'$share/a' 00"));
    unsubscribe(d, "$share/a");
    CHECK(d.written() == wire("a2 0c 0002 0008'$share/a'"));
    const Subscription one{.filter = "$share/a"};
    Dialogue five = connected_persistent(v5);
    CHECK(five.session.subscribe(std::span(&one, 1), {}, five.now).error().code == ErrorCode::usage);
}

TEST_CASE("a filter subscribed to again replaces the older subscription") {
    Dialogue d = connected_persistent(v311);
    subscribe(d, {"a", "b"});
    d.subscribe("a", Qos::at_least_once);
    d.written();
    d.answer_to("90 04 0001 00 00 90 03 0002 01");
    d.reconnect(false);
    CHECK(d.written() == wire("82 06 0001 0001'b' 00 82 06 0002 0001'a' 01"));
}

TEST_CASE("an identifier is free again when its subscription is forgotten") {
    Dialogue d = connected_persistent(v311);
    for (unsigned i = 0; i < 70'000; ++i) {
        const PacketId id = subscribe(d, {"a"});
        d.written();
        const std::uint8_t suback[] = {0x90, 3, static_cast<std::uint8_t>(id >> 8U),
                                       static_cast<std::uint8_t>(id), 0};
        REQUIRE(d.session.receive(suback, d.now, d.recorder).has_value());
        d.recorder.events.clear();
    }
    d.reconnect(false);
    CHECK(d.written().size() == 3 * 8 - 1);
}

TEST_CASE("a repeated subscription that the new broker does not support is answered by the session") {
    Dialogue d = connected_persistent(v5);
    subscribe(d, {"a/#", "b"});
    subscribe(d, {"c"});
    d.written();
    d.answer_to("90 05 0001 00 00 00 90 04 0002 00 00");
    d.events();
    d.reconnect(false, "28 00");
    CHECK(d.written() == wire("82 07 0002 00 0001'c' 00"));
    CHECK(d.events() == "suback 1 codes a2 a2");
}

TEST_CASE("subscriptions and messages share the identifiers, and can_publish reports it") {
    SessionOptions options = options_of(v311);
    options.max_inflight = 65'000;
    options.max_output_bytes = 64 * 1024 * 1024;
    Dialogue d(options);
    d.connect();
    for (int i = 0; i < 50'000; ++i) d.subscribe(std::to_string(i));
    const std::string_view filter = "a";
    CHECK(d.session.unsubscribe(std::span(&filter, 1), {}, d.now).error().code == ErrorCode::window_full);
    d.written();
    int published = 0;
    while (d.session.can_publish(Qos::at_least_once)) {
        d.publish("t", "", Qos::at_least_once);
        ++published;
    }
    CHECK(published == 15'535);
    const auto refused = d.session.publish(message("t", "", Qos::at_least_once), d.now);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::window_full);
    CHECK(d.session.can_publish(Qos::at_most_once));
}

}  // namespace
}  // namespace mqttc::test
