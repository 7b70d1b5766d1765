// mqtt_sub -w on a terminal: the table, --field, and the state of the terminal afterwards.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/payloads.hpp"
#include "support/pty.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

// The terminal modes that were not restored; "" if all were.
std::string unrestored(const std::string& screen) {
    std::string modes;
    const auto last = [&](std::string_view text) {
        const auto at = screen.rfind(text);
        return at == std::string::npos ? -1 : static_cast<long>(at);
    };
    if (last("\033[?25l") > last("\033[?25h")) modes += "the cursor is hidden; ";
    if (last("\033[?7l") > last("\033[?7h")) modes += "lines do not wrap; ";
    for (const std::string alternate_screen : {"1049", "1047", "47"}) {
        if (last("\033[?" + alternate_screen + "h") > last("\033[?" + alternate_screen + "l"))
            modes += "on the alternate screen; ";
    }
    bool coloured = false;
    std::string plain;  // without sequences
    for (std::size_t at = 0; at < screen.size();) {
        if (screen.compare(at, 2, "\033[") != 0) {
            // Other sequences, as ncurses writes them: a character set, or one letter.
            if (screen[at] == '\033') {
                at += screen.compare(at, 2, "\033(") == 0 ? 3U : 2U;
            } else {
                plain += screen[at++];
            }
            continue;
        }
        const auto end = std::min(screen.find_first_not_of("0123456789;?", at + 2), screen.size() - 1);
        const std::string number = screen.substr(at + 2, end - at - 2);
        if (screen[end] == 'm') coloured = !number.empty() && number != "0";
        at = end + 1;
    }
    if (coloured) modes += "a colour is on; ";
    if (!plain.empty() && plain.back() != '\n' && plain.back() != '\r') modes += "the cursor is in a line; ";
    return modes;
}

// Without the module: the table that is drawn in place.
Command simple_table(const BrokerThread& broker, const Words& options) {
    Command command = subscriber(broker, options);
    command.env.emplace_back("MQTTC_SCREEN_MODULE", "");
    return command;
}

}  // namespace

TEST_CASE("-w redraws the table when the window is resized") {
    BrokerThread broker;
    PtyProcess sub(simple_table(broker, {"-w", "-t", "#"}), {.rows = 10, .columns = 40});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "a value that is longer than a narrow window");
    REQUIRE(sub.expect("\033[J"));
    CHECK_FALSE(sub.screen().contains("narrow window"));
    sub.resize({.rows = 10, .columns = 55});
    REQUIRE(sub.expect("\033[H\033[2J"));
    CHECK(sub.expect("a value that is longer than a narrow window"));
    sub.send("\x03");
    CHECK(sub.wait() == ok);
}

TEST_CASE("-w shows one line per topic") {
    BrokerThread broker;
    PtyProcess sub(simple_table(broker, {"-w", "-t", "#"}), {.rows = 10, .columns = 40});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("room/a", "20.5");
    REQUIRE(sub.expect("room/a 20.5"));
    broker.publish("room/b", "bright\x1b[2J");
    REQUIRE(sub.expect("room/b bright\\x1b[2J"));
    broker.publish("room/a", "21");
    REQUIRE(sub.expect("\x1b[2A\r\x1b[Kroom/a 21"));
    sub.send_signal(SIGINT);
    CHECK(sub.wait() == ok);
    const Result piped = run(simple_table(broker, {"-w", "-t", "#"}));
    CHECK(piped.exit == Exit{.code = 1});
    CHECK(piped.err == "mqtt_sub: -w needs a terminal: standard output is not one\n");
}

TEST_CASE("--field shows a value of JSON payloads and its sparkline") {
    BrokerThread broker;
    PtyProcess sub(simple_table(broker, {"-w", "--field", "sensors.0.temp", "-t", "#"}),
                   {.rows = 10, .columns = 70});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("room/a", R"({"sensors":[{"temp":20.5}]})");
    REQUIRE(sub.expect("room/a 20.5 "));
    broker.publish("room/a", R"({"sensors":[{"temp":21.5}]})");
    REQUIRE(sub.expect("room/a 21.5 "));
    REQUIRE(sub.expect("\xe2\x96\x81\xe2\x96\x88"));
    broker.publish("room/a", R"({"sensors":[]})");
    REQUIRE(sub.expect("room/a (no sensors.0.temp) "));
    broker.publish("room/b", "bright");
    REQUIRE(sub.expect("room/b (not JSON) "));
    sub.send_signal(SIGINT);
    CHECK(sub.wait() == ok);

    PtyProcess path(simple_table(broker, {"-w", "--field", "a..b", "-t", "#"}));
    CHECK(path.wait() == Exit{.code = 1});
    CHECK(path.screen().starts_with("mqtt_sub: --field: a name is empty: "));
}

TEST_CASE("--field shows values that Mosquitto delivers" * needs_mosquitto()) {
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    const auto publish = [&](const char* payload) {
        return run({mosquitto_pub_path, "-p", port, "-t", "room/a", "-r", "-m", payload}).exit;
    };
    REQUIRE(publish(R"({"temp":20.5})") == ok);
    PtyProcess sub(
        {.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", port, "-w", "--field", "temp", "-t", "#"},
         .env = {{"TERM", "xterm"}, {"MQTTC_SCREEN_MODULE", ""}}},
        {.rows = 10, .columns = 70});
    REQUIRE(sub.expect("room/a 20.5 "));
    REQUIRE(publish(R"({"temp":21.5})") == ok);
    REQUIRE(sub.expect("room/a 21.5 "));
    REQUIRE(sub.expect("\xe2\x96\x81\xe2\x96\x88"));
    sub.send("\x03");
    CHECK(sub.wait() == ok);
}

TEST_CASE("--message-rate counts messages from Mosquitto" * needs_mosquitto()) {
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    Process sub(
        {.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", port, "-d", "--message-rate", "-t", "a"}});
    REQUIRE(sub.wait_err("SUBACK"));
    REQUIRE(run({mosquitto_pub_path, "-p", port, "-t", "a", "--repeat", "30", "-m", "x"}).exit == ok);
    int counted = 0;
    while (counted < 30) {
        const auto line = sub.read_line();
        REQUIRE(line);
        counted += std::stoi(*line);
    }
    CHECK(counted == 30);
    sub.send_signal(SIGINT);
    CHECK(sub.wait() == ok);
}

TEST_CASE("--message-rate prints one line for the time in which the program was stopped") {
    BrokerThread broker;
    Subscribed clock(broker, {"--message-rate", "-t", "b"});  // prints a line each second
    Subscribed sub(broker, {"--message-rate", "-t", "a"}, 2);
    REQUIRE(sub.process.read_line());
    sub.process.send_signal(SIGSTOP);
    const std::size_t lines = count_of(clock.process.out(), "\n") + 3;
    REQUIRE(
        clock.process.wait_until([&](const auto& out, const auto&) { return count_of(out, "\n") >= lines; }));
    sub.process.send_signal(SIGCONT);
    REQUIRE(sub.process.read_line());
    const auto late = std::chrono::steady_clock::now();
    REQUIRE(sub.process.read_line());
    CHECK(std::chrono::steady_clock::now() - late >= std::chrono::milliseconds(500));
    sub.process.send_signal(SIGINT);
    CHECK(sub.process.wait() == ok);
}

TEST_CASE("unrestored() finds each mode") {
    CHECK(unrestored("a\r\n\033[J").empty());
    CHECK(unrestored("\033[31ma\033[0m\033[K\r\n\033[J").empty());
    CHECK(unrestored("\033[?25la\r\n") == "the cursor is hidden; ");
    CHECK(unrestored("\033[?7la\r\n") == "lines do not wrap; ");
    CHECK(unrestored("\033[?1049h\r\n") == "on the alternate screen; ");
    CHECK(unrestored("\033[31ma\r\n") == "a colour is on; ");
    CHECK(unrestored("a\r\nb\033[K") == "the cursor is in a line; ");
}

TEST_CASE("after -w the terminal is restored and the table stays on it") {
    struct Ending {
        const char* name;
        Words options;
        int signal;
        Exit exit;
    };
    for (const Ending& ending :
         {Ending{"-C", {"-C", "2"}, 0, {.code = 0}}, Ending{"-W", {"-W", "0.7"}, 0, {.code = 27}},
          Ending{"--idle-timeout", {"--idle-timeout", "0.7"}, 0, {.code = 0}},
          Ending{"SIGINT", {}, SIGINT, {.code = 0}}, Ending{"SIGTERM", {}, SIGTERM, {.code = 0}},
          Ending{"SIGHUP", {}, SIGHUP, {.signal = SIGHUP}}}) {
        for (const char* const kind : {"simple", "formatted", "full screen"}) {
            const bool formatted = kind[1] == 'o';
            const bool full = kind[1] == 'u';
            CAPTURE(ending.name);
            CAPTURE(kind);
            BrokerThread broker;
            Words options{"-w", "-t", "#"};
            if (formatted) options.insert(options.end(), {"-F", "\\e[31m%t %p"});
            options.insert(options.end(), ending.options.begin(), ending.options.end());
            PtyProcess sub(full ? subscriber(broker, options) : simple_table(broker, options),
                           {.rows = 10, .columns = 40});
            const std::string before = PtyProcess::initial_settings();
            REQUIRE(wait_for_subscriptions(broker));
            broker.publish("a", "one");
            broker.publish("b", "two");
            REQUIRE(sub.expect(full ? "two" : "b two"));
            if (ending.signal != 0) {
                if (!full) REQUIRE(sub.expect("\033[J"));
                sub.send_signal(ending.signal);
            }
            CHECK(sub.wait() == ending.exit);
            CHECK(sub.settings() == before);
            CHECK(unrestored(sub.screen()).empty());
            if (full) {
                const auto restored = sub.screen().rfind("\033[?1049l");
                REQUIRE(restored != std::string::npos);
                const bool table = sub.screen().substr(restored).contains("  two\r\n");
                CHECK(table == (ending.signal != SIGHUP));
                continue;
            }
            // The table was not erased at the end.
            const auto erased = sub.screen().rfind("A\r\033[J");
            CHECK((erased == std::string::npos || erased < sub.screen().rfind("a one")));
            CHECK(sub.screen().rfind("b two") > sub.screen().rfind("a one"));
            CHECK(sub.screen().rfind("a one") != std::string::npos);
        }
    }
}

TEST_CASE("a lost connection is reported above the table, which continues below") {
    BrokerThread broker;
    PtyProcess sub(simple_table(broker, {"-w", "-t", "#", "--reconnect-delay", "0.01:0.01"}),
                   {.rows = 10, .columns = 100});
    const std::string before = PtyProcess::initial_settings();
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    REQUIRE(sub.expect("\033[J"));
    broker.drop_connections();
    // The table is erased, the message printed, the table drawn below it.
    REQUIRE(sub.expect("\033[1A\r\033[Jmqtt_sub: lost the connection to "));
    REQUIRE(sub.expect("\r\n"));
    REQUIRE(sub.expect("mqtt_sub: connected again to "));
    REQUIRE(sub.expect("\r\n"));
    REQUIRE(sub.expect("\r\033[Ka one "));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "two");
    REQUIRE(sub.expect("\033[1A\r\033[Ka two "));
    sub.send("\x03");
    CHECK(sub.wait() == ok);
    CHECK(sub.settings() == before);
    CHECK(unrestored(sub.screen()).empty());
}

TEST_CASE("when the connection is lost permanently the table stays above the error message") {
    BrokerThread broker;
    PtyProcess sub(simple_table(broker, {"-w", "-t", "#", "--reconnect", "never"}),
                   {.rows = 10, .columns = 100});
    const std::string before = PtyProcess::initial_settings();
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    REQUIRE(sub.expect("a one "));
    REQUIRE(sub.expect("\033[J"));
    broker.drop_connections();
    REQUIRE(sub.expect("mqtt_sub: lost the connection to "));
    CHECK(sub.wait() == Exit{.code = 65});
    CHECK(sub.settings() == before);
    CHECK(unrestored(sub.screen()).empty());
    const auto message = sub.screen().rfind("mqtt_sub: lost");
    const auto row = sub.screen().rfind("\r\033[Ka one ", message);
    REQUIRE(row != std::string::npos);
    CHECK(sub.screen().find("\033[1A", row) == std::string::npos);
}

TEST_CASE("Ctrl-Z restores the terminal, and fg redraws the table") {
    BrokerThread broker;
    Command shell = simple_table(broker, {"-w", "-t", "#"});
    std::string line;
    for (const std::string& word : runnable(shell.argv)) line += "'" + word + "' ";
    shell.argv = {"bash", "--norc", "--noprofile", "--noediting", "-i"};
    shell.env = {
        {"PS1", "ready> "}, {"HISTFILE", "/dev/null"}, {"TERM", "xterm"}, {"MQTTC_SCREEN_MODULE", ""}};
    PtyProcess terminal(shell, {.rows = 10, .columns = 200});
    REQUIRE(terminal.expect("ready> "));
    const std::string before = terminal.settings();
    terminal.send(line + "\n");
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    REQUIRE(terminal.expect("\r\033[Ka one "));
    REQUIRE(terminal.expect("\033[J"));
    terminal.send("\x1a");
    REQUIRE(terminal.expect("Stopped"));
    REQUIRE(terminal.expect("ready> "));
    CHECK(terminal.settings() == before);
    CHECK(unrestored(terminal.screen().substr(0, terminal.screen().rfind("ready> "))).empty());
    terminal.send("fg\n");
    // Below what the shell has written in the meantime.
    REQUIRE(terminal.expect("\r\033[Ka one "));
    CHECK(terminal.screen().find("\033[1A", terminal.screen().rfind("Stopped")) == std::string::npos);
    broker.publish("a", "two");
    REQUIRE(terminal.expect("\033[1A\r\033[Ka two "));
    terminal.send("\x03");
    REQUIRE(terminal.expect("ready> "));
    CHECK(terminal.settings() == before);
    terminal.send("exit\n");
    CHECK(terminal.wait().code == 0);
}
