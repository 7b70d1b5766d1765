// What a user at a terminal sees besides the messages: that it is subscribed, what it waits for, and colours. None of it
// in pipes and files.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "scripted_peer.hpp"
#include "sub_program.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

// What was written to a terminal until the program ended after one message.
std::string screen_of(BrokerThread& broker, const Words& options,
                      const std::vector<std::pair<std::string, std::string>>& environment = {}) {
    Command command = subscriber(broker, Words{"-v", "-C", "1", "-t", "home/#"} + options);
    for (const auto& variable : environment) command.env.push_back(variable);
    PtyProcess sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("home/a", "{\"t\":1}");
    CHECK(sub.wait() == ok);
    return sub.screen();
}

}  // namespace

TEST_CASE("a user at a terminal sees what it is subscribed to") {
    BrokerThread broker;
    const std::string address = "127.0.0.1:" + std::to_string(broker.port());
    const std::string line = "subscribed to home/# at " + address + " (Ctrl-C ends)";
    CHECK(screen_of(broker, {}) ==
          "\033[2m" + line +
              "\033[0m\r\n\033[2mhome/a\033[0m {\033[34m\"t\"\033[0m:\033[33m1\033[0m}"
              "\r\n");
    const std::string plain = line + "\r\nhome/a {\"t\":1}\r\n";
    CHECK(screen_of(broker, {"--color", "never"}) == plain);
    CHECK(screen_of(broker, {}, {{"NO_COLOR", "1"}}) == plain);
    CHECK(screen_of(broker, {}, {{"TERM", "dumb"}}) == plain);
    CHECK(screen_of(broker, {"--color", "always"}, {{"NO_COLOR", "1"}}).contains("\033[2mhome/a"));
    CHECK(screen_of(broker, {"--quiet", "--color", "never"}) == "home/a {\"t\":1}\r\n");
    CHECK(screen_of(broker, {"--raw"}).ends_with("\r\nhome/a {\"t\":1}\r\n"));
}

TEST_CASE("values of JSON payloads are logged as CSV, without those that lack them or repeat") {
    BrokerThread broker;
    PtyProcess sub(subscriber(broker, {"-t", "home/#", "-C", "3", "-F", "%t,%{temp},%{hum}", "--skip-invalid",
                                       "--only-changes", "--quiet"}));
    REQUIRE(wait_for_subscriptions(broker));
    for (const char* payload : {R"({"temp":20.5,"hum":40})", R"({"temp":20.5,"hum":40})", R"({"temp":20.5})",
                                R"({"temp":20.5,"hum":41})"})
        broker.publish("home/salon", payload);
    broker.publish("home/cave", R"({"temp":12,"hum":80})");
    CHECK(sub.wait() == ok);
    CHECK(sub.screen() == "home/salon,20.5,40\r\nhome/salon,20.5,41\r\nhome/cave,12,80\r\n");
    // A user finds it without the manual.
    CHECK(run({program("mqtt_sub"), "--help"}).out.contains("%{temp} is a value"));
}

TEST_CASE("JSON is coloured in %j and %J on a terminal, and indented by two spaces") {
    for (const char* format : {"%j", "%J"}) {
        BrokerThread broker;
        PtyProcess sub(subscriber(broker, {"-t", "a", "-C", "1", "-F", format, "--pretty", "--quiet"}));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", R"({"t":1})");
        CHECK(sub.wait() == ok);
        CHECK(sub.screen().contains("\r\n  \033[34m\"topic\"\033[0m: \033[32m\"a\"\033[0m"));
        CHECK(sub.screen().contains("\033[33m0\033[0m"));
    }
}

TEST_CASE("many filters are counted") {
    BrokerThread broker;
    PtyProcess sub(subscriber(broker, {"-t", "a", "-t", "b", "-t", "c", "-t", "d", "-t", "e"}));
    CHECK(sub.expect("subscribed to a, b, c and 2 other filters at "));
    sub.send("\x03");
    CHECK(sub.wait() == ok);
}

TEST_CASE("a file and a pipe get only the message, even if stderr is a terminal") {
    BrokerThread broker;
    const TempDir dir;
    Command command = subscriber(broker, {"-v", "-C", "1", "-t", "home/#"});
    command.stdout_file = dir.file("out");
    PtyProcess sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("home/a", "{\"t\":1}");
    CHECK(sub.wait() == ok);
    CHECK(sub.screen().empty());
    CHECK(read_file(command.stdout_file) == "home/a {\"t\":1}\n");

    Subscribed piped(broker, {"-v", "-C", "1", "-t", "home/#"});
    broker.publish("home/a", "{\"t\":1}");
    CHECK(piped.process.wait() == ok);
    CHECK(piped.process.out() == "home/a {\"t\":1}\n");
    CHECK(piped.process.err().empty());

    // On request colours are in pipes, too.
    Command forced = subscriber(broker, {"-v", "-C", "1", "-t", "home/#"});
    forced.env.emplace_back("CLICOLOR_FORCE", "1");
    Process colored(forced);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("home/a", "1");
    CHECK(colored.wait() == ok);
    CHECK(colored.out() == "\033[2mhome/a\033[0m 1\n");
}

TEST_CASE("while connecting takes long a user at a terminal sees what is waited for") {
    const ScriptedPeer silent({});
    for (const char* name : {"mqtt_sub", "mqtt_pub"}) {
        CAPTURE(name);
        Words options{"-t", "a", "--color", "never"};
        if (std::string_view(name) == "mqtt_pub") options.insert(options.end(), {"-m", "x"});
        PtyProcess program(client(name, silent.port(), options));
        CHECK(program.expect("connecting to 127.0.0.1:" + std::to_string(silent.port()) +
                             ": connected, but no CONNACK within 2 s (is it an MQTT broker?)\r\n"));
        program.send("\x03");
        program.wait();
    }
}
