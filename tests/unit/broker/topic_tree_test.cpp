// The broker's topic tree.
#include "topic_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "session.hpp"

using namespace mqttc;
using namespace mqttc::broker;

namespace {

struct Fixture {
    TopicTree tree;
    Session a{"a"};
    Session b{"b"};

    /// Client identifiers and QoS of all matches, sorted: "a0 b1".
    std::string matches(std::string_view topic) {
        std::vector<std::string> found;
        tree.match(topic, [&](Session& session, const SubscriptionOptions& options) {
            found.push_back(session.client_id() + std::to_string(static_cast<int>(options.qos)));
        });
        std::sort(found.begin(), found.end());
        std::string text;
        for (const auto& each : found) text += (text.empty() ? "" : " ") + each;
        return text;
    }
    bool add(std::string_view filter, Session& session, Qos qos = Qos::at_most_once) {
        return tree.add(filter, session, {.qos = qos});
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "+ matches exactly one level") {
    add("maison/+/temp", a);
    CHECK(matches("maison/salon/temp") == "a0");
    CHECK(matches("maison//temp") == "a0");
    CHECK(matches("maison/salon/hum") == "");
    CHECK(matches("jardin/temp") == "");
    CHECK(matches("maison/rdc/salon/temp") == "");
}

TEST_CASE_FIXTURE(Fixture, "# matches any number of levels, including the parent") {
    add("maison/#", a);
    CHECK(matches("maison") == "a0");
    CHECK(matches("maison/") == "a0");
    CHECK(matches("maison/rdc/salon/hum") == "a0");
    CHECK(matches("jardin/temp") == "");
    CHECK(matches("maisons") == "");
}

TEST_CASE_FIXTURE(Fixture, "a wildcard at the start matches no topic that begins with $") {
    add("#", a);
    add("+/broker/version", b);
    CHECK(matches("$SYS/broker/version") == "");
    CHECK(matches("x/broker/version") == "a0 b0");
    add("$SYS/#", b);
    add("$SYS/+/version", a);
    CHECK(matches("$SYS/broker/version") == "a0 b0");
}

TEST_CASE_FIXTURE(Fixture, "empty levels are levels") {
    add("/a", a);
    add("+/a/", b);
    CHECK(matches("/a") == "a0");
    CHECK(matches("a") == "");
    CHECK(matches("/a/") == "b0");
}

TEST_CASE_FIXTURE(Fixture, "a second subscription with the same filter replaces the first") {
    CHECK(add("x", a, Qos::at_most_once));
    CHECK_FALSE(add("x", a, Qos::exactly_once));
    CHECK(tree.size() == 1);
    CHECK(matches("x") == "a2");
}

TEST_CASE_FIXTURE(Fixture, "removing a subscription keeps the others") {
    add("x/+", a);
    add("x/+", b);
    add("x/y/z", a);
    CHECK(tree.remove("x/+", a));
    CHECK_FALSE(tree.remove("x/+", a));
    CHECK_FALSE(tree.remove("x", a));
    CHECK_FALSE(tree.remove("$share/g/x/+", b));
    CHECK(matches("x/y") == "b0");
    CHECK(matches("x/y/z") == "a0");
    CHECK(tree.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "members of a group take turns, separately for each group") {
    add("$share/g/x", a);
    add("$share/g/x", b, Qos::at_least_once);
    add("$share/h/x", a, Qos::exactly_once);
    CHECK(matches("x") == "a0 a2");
    CHECK(matches("x") == "a2 b1");
    CHECK(matches("x") == "a0 a2");
    CHECK(tree.remove("$share/g/x", a));
    CHECK(matches("x") == "a2 b1");
    CHECK(tree.remove("$share/g/x", b));
    CHECK(matches("x") == "a2");
}

TEST_CASE_FIXTURE(Fixture, "messages to a group are delivered to a connected member if possible") {
    add("$share/g/x", a);
    add("$share/g/x", b);
    alignas(std::max_align_t) static unsigned char somewhere = 0;
    b.connection = reinterpret_cast<Connection*>(&somewhere);
    for (int i = 0; i < 3; ++i) CHECK(matches("x") == "b0");
}
