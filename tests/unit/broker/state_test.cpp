// The state that survives a restart: its form in a file, and the way out of one broker and into the next.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include "broker.hpp"
#include "state.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using test::TempDir;

namespace {

const Moment moment{.steady = Time(std::chrono::hours(5)), .wall = 1'750'000'000'000};

MessagePtr message(std::string_view topic, std::string_view payload, Qos qos, bool retain = false,
                   PropertiesView properties = {}) {
    return make_message({.topic = topic,
                         .payload = as_bytes(payload),
                         .qos = qos,
                         .retain = retain,
                         .properties = properties},
                        topic, "publisher", nullptr, moment.steady);
}

Outgoing delivery(MessagePtr what, Qos qos, PacketId id = 0, bool released = false) {
    return {
        .message = std::move(what), .qos = qos, .identifiers = {3}, .packet_id = id, .released = released};
}

SavedSession session_of(const char* client_id, std::uint32_t expiry) {
    SavedSession session;
    session.client_id = client_id;
    session.expiry = expiry;
    return session;
}

State sample() {
    Properties properties;
    REQUIRE(properties.add(PropertyId::message_expiry_interval, 60U));
    REQUIRE(properties.add(PropertyId::content_type, "text/plain"));
    REQUIRE(properties.add_user_property("room", "salon"));
    State state;
    state.retained = {
        message("a", "1", Qos::at_most_once, true),
        message("maison/été", std::string(1000, '\0'), Qos::exactly_once, true, properties.view())};
    const auto both = message("b", "shared by two", Qos::exactly_once);
    auto first = session_of("first", 100);
    first.version = ProtocolVersion::v5;
    first.ends = moment.steady + std::chrono::seconds(40);
    first.subscriptions = {{"maison/#", {.qos = Qos::exactly_once, .no_local = true, .identifier = 7}},
                           {"$share/g/b", {.qos = Qos::at_least_once, .retain_as_published = true}}};
    first.received = {1, 65'535};
    first.in_flight = {delivery(both, Qos::exactly_once, 9, true),
                       delivery(state.retained[1], Qos::at_least_once, 10)};
    first.queued = {delivery(both, Qos::at_least_once),
                    delivery(message("c", "", Qos::at_least_once), Qos::at_least_once)};
    first.last_id = 10;
    auto second = session_of("second", never_expires);
    second.queued = {delivery(both, Qos::at_least_once)};
    state.sessions = {first, second};
    return state;
}

}  // namespace

TEST_CASE("a state comes back from its file form as it was") {
    const auto bytes = encode_state(sample(), moment);
    const auto state = parse_state(bytes, moment);
    REQUIRE_MESSAGE(state.has_value(), (state ? "" : state.error()));
    CHECK((encode_state(*state, moment) == bytes));
    REQUIRE(state->retained.size() == 2);
    const auto& kept = *state->retained[1];
    CHECK(kept.topic == "maison/été");
    CHECK(kept.from == "publisher");
    CHECK((as_text(kept.payload) == std::string(1000, '\0')));
    CHECK(kept.qos == Qos::exactly_once);
    CHECK((kept.expires == moment.steady + std::chrono::seconds(60)));
    CHECK(kept.properties.view().text_or_empty(PropertyId::content_type) == "text/plain");
    REQUIRE(state->sessions.size() == 2);
    const auto& first = state->sessions[0];
    CHECK((first.ends == moment.steady + std::chrono::seconds(40)));
    CHECK(first.subscriptions.at("maison/#").no_local);
    CHECK(first.subscriptions.at("maison/#").identifier == 7);
    CHECK(first.received == std::vector<PacketId>{1, 65'535});
    CHECK(first.in_flight[0].released);
    CHECK(first.in_flight[0].packet_id == 9);
    CHECK(first.in_flight[0].message == state->sessions[1].queued[0].message);
    CHECK(first.queued[0].identifiers == std::vector<std::uint32_t>{3});
    CHECK_FALSE(state->sessions[1].ends);
}

TEST_CASE("times go on while the broker is away") {
    const auto bytes = encode_state(sample(), moment);
    const Moment later{.steady = Time(std::chrono::seconds(1)), .wall = moment.wall + 30'000};
    const auto state = parse_state(bytes, later);
    REQUIRE(state);
    CHECK((state->sessions[0].ends == later.steady + std::chrono::seconds(10)));
    CHECK((state->retained[1]->expires == later.steady + std::chrono::seconds(30)));
}

TEST_CASE("a damaged state is refused, or is another state; never less than whole") {
    const auto bytes = encode_state(sample(), moment);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(parse_state(std::string_view(bytes).substr(0, size), moment));
    CHECK(parse_state(bytes + "x", moment).error() ==
          "more than a state at byte " + std::to_string(bytes.size()));
    CHECK(parse_state("", moment).error() == "not a state file of mqtt_testbroker");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const int flip : {1, 4, 0x80, 0xff}) {
            auto damaged = bytes;
            damaged[at] = static_cast<char>(damaged[at] ^ flip);
            const auto state = parse_state(damaged, moment);
            if (!state) continue;
            const auto again = encode_state(*state, moment);
            const auto second = parse_state(again, moment);
            REQUIRE(second.has_value());
            REQUIRE((encode_state(*second, moment) == again));
        }
    }
}

TEST_CASE("what no broker could have had is refused") {
    const auto wrong = [](const std::function<void(State&)>& change) {
        auto state = sample();
        change(state);
        const auto parsed = parse_state(encode_state(state, moment), moment);
        const std::string text = parsed ? "accepted" : parsed.error();
        return text.substr(0, text.find(" at byte"));
    };
    CHECK(wrong([](State& it) { it.sessions[1].client_id = "first"; }) == "a client identifier twice");
    CHECK(wrong([](State& it) { it.sessions[1].client_id = ""; }) == "no client identifier");
    CHECK(wrong([](State& it) { it.sessions[0].expiry = 0; }) == "a session that has ended");
    CHECK(wrong([](State& it) { it.sessions[0].in_flight[1].packet_id = 9; }) == "a packet identifier twice");
    CHECK(wrong([](State& it) { it.sessions[0].in_flight[1].packet_id = 0; }) == "a packet identifier twice");
    CHECK(wrong([](State& it) { it.sessions[0].in_flight[1].released = true; }) == "a release at QoS 1");
    CHECK(wrong([](State& it) { it.sessions[0].queued[0].packet_id = 5; }) == "a queued message under way");
    CHECK(wrong([](State& it) { it.sessions[0].queued[0].qos = Qos::at_most_once; }) ==
          "a delivery at QoS 0");
    CHECK(wrong([](State& it) { it.sessions[0].subscriptions["a#"] = {}; }) == "not a topic filter");
    CHECK(wrong([](State& it) { it.sessions[0].received = {5, 5}; }) == "packet identifiers out of order");
    CHECK(wrong([](State& it) { it.retained.push_back(it.retained[0]); }) == "a retained topic twice");
    CHECK(wrong([](State& it) { it.retained[0] = it.sessions[0].queued[0].message; }) ==
          "not a retained message");
    CHECK(wrong([](State& it) { it.retained[0] = message("a/+", "x", Qos::at_most_once, true); }) ==
          "not a topic");
    CHECK(wrong([](State& it) { it.sessions[0].ends = Time(std::chrono::hours(24 * 366 * 200)); }) ==
          "a time out of range");
}

TEST_CASE("one broker's state goes into the next") {
    Broker before({});
    REQUIRE(before.start());
    before.publish("kept", "1", Qos::at_least_once, true);
    auto& session = before.sessions().create("client");
    session.expiry = never_expires;
    session.received.insert(4);
    before.sessions().subscribe(session, "a/+", {.qos = Qos::exactly_once});
    before.publish("a/1", "first", Qos::exactly_once);
    before.publish("a/2", "second", Qos::at_least_once);
    REQUIRE(session.start_next(10, before.loop().now()) != nullptr);
    REQUIRE(session.pubrec(1, false) == Session::Found::yes);
    before.sessions().create("fleeting").expiry = 0;
    auto& over = before.sessions().create("over");
    over.expiry = 1;
    over.ends = before.loop().now() - std::chrono::seconds(1);

    const auto bytes = encode_state(before.state(), Moment::now());
    auto state = parse_state(bytes, Moment::now());
    REQUIRE(state);
    Broker after({});
    REQUIRE(after.start());
    after.restore(std::move(*state));
    CHECK(as_text(after.retained().find("kept")->payload) == "1");
    CHECK(after.sessions().size() == 1);
    auto* restored = after.sessions().find("client");
    REQUIRE(restored != nullptr);
    CHECK(restored->received.contains(4));
    REQUIRE(restored->in_flight().size() == 1);
    CHECK(restored->in_flight()[0].released);
    after.publish("a/3", "third", Qos::at_least_once);
    CHECK(restored->queued_messages() == 2);
    restored->reconnected();
    CHECK(restored->pubcomp(1) == Session::Found::yes);
    const auto* next = restored->start_next(10, after.loop().now());
    REQUIRE(next != nullptr);
    CHECK(as_text(next->message->payload) == "second");
    CHECK(next->packet_id == 2);
}

TEST_CASE("a restored session expires when its time is over") {
    Broker broker({});
    REQUIRE(broker.start());
    State state;
    state.sessions.push_back(session_of("client", 10));
    state.sessions[0].ends = broker.loop().now() + std::chrono::milliseconds(20);
    broker.restore(std::move(state));
    REQUIRE(broker.sessions().size() == 1);
    const auto patience = broker.loop().now() + std::chrono::seconds(10);
    while (broker.sessions().size() == 1 && broker.loop().now() < patience) broker.turn(patience);
    CHECK(broker.sessions().size() == 0);
}

TEST_CASE("a state file is replaced whole, and errors name it") {
    const TempDir dir;
    const auto path = dir.file("state");
    const auto missing = read_state_file(path);
    REQUIRE(missing);
    CHECK_FALSE(*missing);
    REQUIRE(write_state_file(path, "one"));
    REQUIRE(write_state_file(path, "two"));
    CHECK(read_state_file(path).value() == "two");
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
    CHECK(write_state_file(dir.file("none/state"), "x").error().context ==
          "cannot write " + dir.file("none/state.new") + ": No such file or directory");
    CHECK(read_state_file(dir.path().string()).error().context ==
          "cannot read " + dir.path().string() + ": Is a directory");
}
