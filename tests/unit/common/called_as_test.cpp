// The names of Mosquitto's programs: configuration files, exit codes, and what differs with them.
#include "called_as.hpp"

#include <doctest/doctest.h>

#include <ranges>
#include <string>

#include "exit_code.hpp"
#include "generate.hpp"
#include "option_fixture.hpp"
#include "option_rows.hpp"

using namespace mqttc::app;
using namespace mqttc::test;

namespace {

template <typename Fixture>
auto parse_as(const Fixture& fixture, const char* name, std::string_view line) {
    return fixture.parse(line, called_as(fixture.program, name));
}

}  // namespace

TEST_CASE("the name of Mosquitto's program is recognised in any directory, and only for its counterpart") {
    CHECK(called_as(Program::pub, "mosquitto_pub").mosquitto);
    CHECK(called_as(Program::pub, "/usr/bin/mosquitto_rr").request);
    CHECK(called_as(Program::sub, "./mosquitto_sub").name == "mosquitto_sub");
    for (const char* name : {"mqtt_pub", "mosquitto_sub", "mosquitto_pub2", "/mosquitto_pub/x", ""}) {
        CHECK_FALSE(called_as(Program::pub, name).mosquitto);
        CHECK(called_as(Program::pub, name).name == "mqtt_pub");
    }
    CHECK(called_as(Program::pub, nullptr).name == "mqtt_pub");
}

TEST_CASE("exit codes by the names of Mosquitto's programs") {
    const CalledAs old_name = called_as(Program::pub, "mosquitto_pub");
    for (const auto& [ours, theirs] : {std::pair{0, 0},
                                       {1, 1},
                                       {5, 5},
                                       {27, 27},
                                       {60, 1},
                                       {61, 1},
                                       {62, 1},
                                       {63, 16},
                                       {64, 7},
                                       {65, 7},
                                       {66, 7},
                                       {67, 0},
                                       {68, 1},
                                       {135, 135}}) {
        CHECK(exit_code_as(old_name, ours) == theirs);
        CHECK(exit_code_as(own_name(Program::pub), ours) == ours);
    }
    CHECK(refused_code(old_name) == 0);
    CHECK(refused_code(own_name(Program::pub)) == exit_code::not_delivered);
}

TEST_CASE("without a configuration file of its own a program reads Mosquitto's") {
    auto pub = pub_fixture();
    pub.files["/home/me/.config/mosquitto_pub"] = "-h theirs\n";
    const auto borrowed = pub.good("-t a -m x");
    CHECK(borrowed.connection.endpoint.host == "theirs");
    CHECK(borrowed.run.borrowed_config == "/home/me/.config/mosquitto_pub");

    pub.files["/home/me/.config/mqtt_pub"] = "-p 1000\n";
    const auto own = pub.good("-t a -m x");
    CHECK(own.connection.endpoint.host == "localhost");
    CHECK(own.connection.port == 1000);
    CHECK(own.run.borrowed_config.empty());
    pub.files["/dev/null"] = "";
    CHECK(pub.good("-t a -m x -o /dev/null").run.borrowed_config.empty());

    auto sub = sub_fixture();
    sub.files["/home/me/.config/mosquitto_sub"] = "-h theirs\nnonsense\n";
    CHECK(sub.wrong("-t a").starts_with("/home/me/.config/mosquitto_sub:2: "));
}

TEST_CASE("by Mosquitto's name only Mosquitto's configuration file is read") {
    auto pub = pub_fixture();
    pub.files["/home/me/.config/mqtt_pub"] = "-h ours\n";
    CHECK(parse_as(pub, "mosquitto_pub", "-t a -m x")->connection.endpoint.host == "localhost");
    pub.files["/home/me/.config/mosquitto_pub"] = "-h theirs\n";
    const auto options = parse_as(pub, "mosquitto_pub", "-t a -m x");
    CHECK(options->connection.endpoint.host == "theirs");
    CHECK(options->run.borrowed_config.empty());
    CHECK(parse_as(pub, "mosquitto_rr", "-t a -e b -m x")->connection.endpoint.host == "localhost");
}

TEST_CASE("by Mosquitto's name the last topic wins, and a QoS for no Will is ignored") {
    const auto pub = pub_fixture();
    CHECK(parse_as(pub, "mosquitto_pub", "-t a -t b -m x")->topics == std::vector<std::string>{"b"});
    CHECK(pub.good("-t a -t b -m x").topics.size() == 2);
    const auto options = parse_as(pub, "mosquitto_pub", "-t a -m x --will-qos 1");
    REQUIRE(options.has_value());
    CHECK(options->run.warnings == std::vector<std::string>{"--will-qos is ignored: it needs --will-topic"});
    CHECK(pub.wrong("-t a -m x --will-qos 1") == "--will-qos needs --will-topic");
}

TEST_CASE("by Mosquitto's name the last -q is that of all topics") {
    const auto sub = sub_fixture();
    const auto last = [&](std::string_view line) { return parse_as(sub, "mosquitto_sub", line)->qos; };
    CHECK(last("-t a -q 0 -t b -q 1") == std::vector{mqttc::Qos::at_least_once});
    CHECK(last("-t a -t b -t c -q 0 -q 2") == std::vector{mqttc::Qos::exactly_once});
    CHECK(sub.good("-t a -q 0 -t b -q 1").qos.size() == 2);
}

TEST_CASE("each line of the help fits in 80 columns, by each name") {
    const auto check = [](const OptionTable& table, const CalledAs& called) {
        const std::string help = help_text(table, called);
        for (const auto line : std::views::split(help, '\n')) {
            CAPTURE(std::string(line.begin(), line.end()));
            CHECK(std::ranges::size(line) <= 80);
        }
    };
    for (const char* name : {"mqtt_pub", "mosquitto_pub", "mosquitto_rr"})
        check(pub_sub_options(), called_as(Program::pub, name));
    for (const char* name : {"mqtt_sub", "mosquitto_sub"})
        check(pub_sub_options(), called_as(Program::sub, name));
}

TEST_CASE("mosquitto_rr makes requests") {
    const auto pub = pub_fixture();
    const auto options = parse_as(pub, "mosquitto_rr", "-t a -e b -m x -v -N -R");
    REQUIRE(options.has_value());
    CHECK(options->request);
    CHECK(options->response_topic == "b");
    CHECK(options->connection.version == mqttc::ProtocolVersion::v5);
    CHECK(options->answer_topic);
    CHECK_FALSE(options->answer_newline);
    CHECK(parse_as(pub, "mosquitto_rr", "-t a -e b -n -F %p --pretty --retain-handling new")->format == "%p");
    CHECK(parse_as(pub, "mosquitto_rr", "-t a -e b -n --latency")->run.stats.has_value());
    CHECK(parse_as(pub, "mosquitto_rr", "-t a -e b -n --retain-handling sometimes").error().message() ==
          "--retain-handling: 'sometimes' is not one of always, new, never");
    CHECK(parse_as(pub, "mosquitto_rr", "-t a -e b -l").error().message() ==
          "--request cannot be used with -l");
    CHECK(pub.wrong("-t a -m x -e b") == "-e needs --request");
}
