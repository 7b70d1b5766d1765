// mqtt_sub -w on the full screen of a real terminal.
#include <doctest/doctest.h>

#include <initializer_list>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"
#include "support/tmux.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

Needs needs_tmux() {
    return needs_program(tmux_path, "tmux is not installed");
}

// In a shell that shows the exit status afterwards.
Command in_shell(const BrokerThread& broker, const Words& options) {
    Command command = subscriber(broker, options);
    command.argv = Words{"sh", "-c", "trap : INT; \"$@\"; echo \"status $?\"; read -r end", "sh"} +
                   runnable(command.argv);
    return command;
}

// -w goes on with the simple table, and says why it does not use the full screen.
void check_simple_table(const std::vector<std::pair<std::string, std::string>>& environment,
                        const std::string& reason) {
    BrokerThread broker;
    Command command = subscriber(broker, {"-w", "-t", "#"});
    command.env.insert(command.env.end(), environment.begin(), environment.end());
    PtyProcess sub(command, {.rows = 10, .columns = 40});
    CHECK(sub.expect(reason + "; the simple table is shown\r\n"));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    CHECK(sub.expect("a one"));
    sub.send("\x03");
    CHECK(sub.wait() == ok);
}

std::string line_with(const std::string& screen, std::string_view text) {
    const auto at = screen.find(text);
    if (at == std::string::npos) return {};
    const auto start = screen.rfind('\n', at) + 1;
    return screen.substr(start, screen.find('\n', at) - start);
}

// The literal blocks of the manual's section LIVE VIEW.
std::vector<std::string> pictures_in_manual() {
    std::string manual = read_file(MQTTC_SOURCE_DIR "/man/mqtt_sub.1");
    manual.erase(0, manual.find(".Sh LIVE VIEW\n"));
    manual.erase(manual.find("\n.Sh ", 1) + 1);
    std::vector<std::string> pictures;
    constexpr std::string_view begin = ".Bd -literal\n";
    for (std::size_t at = manual.find(begin); at != std::string::npos; at = manual.find(begin, at)) {
        at += begin.size();
        pictures.push_back(manual.substr(at, manual.find(".Ed\n", at) - at));
    }
    return pictures;
}

// Without what differs from run to run: the port, rates, ages and times of day.
std::string without_times(std::string screen) {
    screen.erase(screen.find_last_not_of('\n') + 1);
    for (const auto& [from, to] : std::initializer_list<std::pair<const char*, const char*>>{
             {R"(localhost:\d+)", "localhost:PORT"},
             {R"( +(\d+(\.\d+)?/s|-)(?= |\n|$))", " RATE"},
             {R"( +\d+ s(?= ))", " AGE"},
             {R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", "TIME"},
             {R"(, RATE)", ""}})
        screen = std::regex_replace(screen, std::regex(from), to);
    return screen;
}

}  // namespace

TEST_CASE("the manual's pictures of the live view are real screens" * needs_tmux()) {
    BrokerThread broker;
    Command command = in_shell(broker, {"-w", "-t", "home/#"});
    for (std::string& word : command.argv) word = word == "127.0.0.1" ? "localhost" : word;
    const Tmux terminal(command, {.rows = 8, .columns = 75});
    REQUIRE(terminal.shows("no message so far"));
    REQUIRE(wait_for_subscriptions(broker));
    const std::string device = R"({"temp":12.5,"battery":97,"name":"cave"})";
    broker.publish("home/cave/device", R"({"temp":12.4,"battery":97,"name":"cave"})");
    broker.publish("home/cave/device", device);
    for (const char* value : {"19.5", "20.1", "21.5 \u00b0C"}) broker.publish("home/kitchen/temp", value);
    for (const char* value : {"ON", "OFF"}) broker.publish("home/salon/light", value);
    for (const char* value : {"20", "20.5", "21", "20.1"}) broker.publish("home/salon/temp", value);
    REQUIRE(terminal.shows("4 topics"));
    REQUIRE(terminal.shows("/s"));
    const auto pictures = pictures_in_manual();
    REQUIRE(pictures.size() == 3);
    const auto screen_is = [&](const std::string& picture) {
        const std::string screen = terminal.screen();
        CHECK_MESSAGE(without_times(screen).contains(without_times(picture)), screen);
    };
    screen_is(pictures[0]);
    terminal.type({"Enter"});
    terminal.resize({.rows = 14, .columns = 75});
    REQUIRE(terminal.shows("12.4"));
    screen_is(pictures[1]);
    terminal.type({"q", "t", "End", "Left"});
    REQUIRE(terminal.shows("+ salon/"));
    screen_is(pictures[2]);
}

TEST_CASE("the live view is used by keys, and its table stays at the end" * needs_tmux()) {
    BrokerThread broker;
    const Tmux terminal(in_shell(broker, {"-w", "-t", "#"}), {.rows = 14, .columns = 80});
    REQUIRE(terminal.shows("no message so far"));
    REQUIRE(wait_for_subscriptions(broker));
    for (const char* value : {"19.5", "20", "21.5 \u00b0C"}) broker.publish("home/kitchen/temp", value);
    broker.publish("home/salon/light", "ON");
    broker.publish("home/cave/device", R"({"temp":12.5,"battery":97})");
    REQUIRE(terminal.shows("home/salon/light"));
    REQUIRE(terminal.shows(" connected "));
    CHECK(line_with(terminal.screen(), "127.0.0.1:")
              .starts_with(" 127.0.0.1:" + std::to_string(broker.port()) + "  #  connected"));
    CHECK(line_with(terminal.screen(), "home/kitchen").ends_with(" 2       21.5 \u00b0C \u2581\u2583\u2588"));
    CHECK(line_with(terminal.screen(), "home/cave").ends_with(R"({"temp":12.5,"battery":97})"));

    SUBCASE("scrolling and details") {
        terminal.type({"Down", "Up", "Enter"});
        CHECK(terminal.shows("  \"battery\": 97\n}"));
        CHECK(terminal.shows("The last values:"));
        terminal.type({"q"});
        CHECK(terminal.shows("home/salon/light"));
    }
    SUBCASE("filter") {
        terminal.type({"/", "k", "i", "t"});
        CHECK(terminal.hides("home/salon/light"));
        CHECK(terminal.shows("filter: kit_"));
        terminal.type({"Escape"});
        CHECK(terminal.shows("home/salon/light"));
    }
    SUBCASE("tree") {
        terminal.type({"t"});
        CHECK(terminal.shows("- home/ (3)\n"));
        terminal.type({"Left"});
        CHECK(terminal.shows("+ home/ (3)\n"));
        terminal.type({"Right"});
        CHECK(terminal.shows("    light "));
        terminal.type({"t"});
    }
    SUBCASE("sort") {
        terminal.type({"s"});
        CHECK(terminal.shows("sort: age"));
        const std::string screen = terminal.screen();
        CHECK(screen.find("home/cave") < screen.find("home/kitchen"));
        terminal.type({"s"});
        CHECK(terminal.shows("sort: rate"));
        terminal.type({"s"});
        REQUIRE(terminal.shows("sort: changes"));
        const std::string by_changes = terminal.screen();
        CHECK(by_changes.find("home/kitchen") < by_changes.find("home/cave"));
        CHECK(line_with(by_changes, "home/kitchen").contains(" 2       21.5"));
    }
    SUBCASE("pause") {
        terminal.type({"p"});
        REQUIRE(terminal.shows("  #  PAUSED, 0 new messages "));
        broker.publish("home/cave/device", "other");
        CHECK(terminal.shows("  #  PAUSED, 1 new message "));
        terminal.type({"Down", "Up"});
        CHECK(line_with(terminal.screen(), "home/cave").ends_with(R"("battery":97})"));
        terminal.type({"p"});
        CHECK(terminal.shows("  other"));
    }
    SUBCASE("commands") {
        terminal.type({"y"});
        CHECK(terminal.shows("mqtt_sub -v -h 127.0.0.1 -p " + std::to_string(broker.port()) +
                             " -t home/cave/device"));
        terminal.type({"x"});
        CHECK(terminal.hides("mqtt_sub -v"));
    }
    SUBCASE("help") {
        terminal.type({"?"});
        CHECK(terminal.shows("commands that subscribe to the topic and publish to it"));
        terminal.type({"Escape"});
        CHECK(terminal.shows("home/salon/light"));
    }
    SUBCASE("another size") {
        terminal.resize({.rows = 8, .columns = 50});
        CHECK(terminal.shows("? help  q quit  Enter details  / filter\n"));
        CHECK_FALSE(terminal.screen().contains("\u2026/cave/device"));
        CHECK(line_with(terminal.screen(), "home/kitchen").ends_with(" 21.5 \u00b0C"));
    }
    // A drawing after the keys.
    broker.publish("last", "one");
    REQUIRE(terminal.shows("last "));
    terminal.type({"q"});
    REQUIRE(terminal.shows("status 0"));
    const std::string after = terminal.screen();
    CHECK(after.find("topic ") < after.find("home/cave/device"));
    CHECK(after.find("home/cave/device") < after.find("status 0"));
    CHECK_FALSE(after.contains("? help"));
}

TEST_CASE("the keys for pages and ends move in a long list" * needs_tmux()) {
    BrokerThread broker;
    const Tmux terminal(in_shell(broker, {"-w", "-t", "#"}), {.rows = 8, .columns = 80});
    REQUIRE(terminal.shows("no message so far"));
    REQUIRE(wait_for_subscriptions(broker));
    for (int i = 10; i < 30; ++i) broker.publish("t" + std::to_string(i), "x");
    const auto top_is = [&](std::string_view topic) {
        return terminal.shows("value\n" + std::string(topic) + " ");
    };
    CHECK(top_is("t10"));
    terminal.type({"End"});
    CHECK(top_is("t25"));
    terminal.type({"PPage"});
    CHECK(top_is("t24"));
    terminal.type({"Home"});
    CHECK(top_is("t10"));
    terminal.type({"NPage", "Down"});
    CHECK(top_is("t12"));
    terminal.type({"q"});
    CHECK(terminal.shows("status 0"));
}

TEST_CASE("-w -F shows lines of the format on the full screen" * needs_tmux()) {
    BrokerThread broker;
    const Tmux terminal(in_shell(broker, {"-w", "-t", "#", "-F", "%t is %{temp} degrees"}),
                        {.rows = 8, .columns = 80});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("cave", R"({"temp":12.5})");
    broker.publish("salon", R"({"temp":20})");
    CHECK(terminal.shows("\n%t is %{temp} degrees\ncave is 12.5 degrees\nsalon is 20 degrees\n"));
    terminal.type({"/", "2", "0", "Enter"});
    CHECK(terminal.hides("cave is"));
    terminal.type({"Enter"});
    CHECK(terminal.shows("\n{\n  \"temp\": 20\n}\n"));
    terminal.type({"q", "q"});
    REQUIRE(terminal.shows("status 0"));
    CHECK(terminal.screen().contains("salon is 20 degrees\n"));
}

TEST_CASE("-w -d shows the simple table if its lines are on the same terminal" * needs_tmux()) {
    BrokerThread broker;
    const TempDir dir;
    Command command = subscriber(broker, {"-w", "-d", "-t", "#"});
    SUBCASE("another file") {
        command.argv = Words{"sh", "-c", "exec \"$@\" 2>" + dir.file("log"), "sh"} + runnable(command.argv);
        const Tmux terminal(command, {.rows = 8, .columns = 80});
        REQUIRE(wait_for_subscriptions(broker));
        CHECK(terminal.shows("q quit  Enter details"));
        broker.publish("a", "one");
        CHECK(terminal.shows("  one"));
        CHECK(read_file(dir.file("log")).contains("received PUBLISH"));
    }
    SUBCASE("the same terminal") {
        const Tmux terminal(command, {.rows = 20, .columns = 120});
        REQUIRE(wait_for_subscriptions(broker));
        CHECK(
            terminal.shows("mqtt_sub: -d prints on this terminal, so that -w shows the simple table "
                           "(2>FILE keeps the full screen)"));
        broker.publish("a", "one");
        CHECK(terminal.shows("\na one"));
    }
}

TEST_CASE("messages of the program are shown in the live view, and written at the end" * needs_tmux()) {
    BrokerThread broker;
    const Tmux terminal(in_shell(broker, {"-w", "-t", "#", "--reconnect-delay", "0.01:0.01"}),
                        {.rows = 10, .columns = 100});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    REQUIRE(terminal.shows("one"));
    broker.drop_connections();
    REQUIRE(terminal.shows("connected again to 127.0.0.1"));
    CHECK(terminal.shows("  connected "));
    CHECK_FALSE(terminal.screen().contains("lost the connection"));
    terminal.type({"C-c"});
    REQUIRE(terminal.shows("status 0"));
    CHECK(terminal.screen().contains("mqtt_sub: lost the connection to 127.0.0.1"));
    CHECK(terminal.screen().contains("mqtt_sub: connected again to 127.0.0.1"));
}

TEST_CASE("Ctrl-Z gives the screen back, and fg takes it again" * needs_tmux()) {
    BrokerThread broker;
    Command command = subscriber(broker, {"-w", "-t", "#"});
    std::string line;
    for (const std::string& word : runnable(command.argv)) line += "'" + word + "' ";
    command.argv = {"bash", "--norc", "--noprofile", "-i"};
    command.env.emplace_back("PS1", "ready> ");
    const Tmux terminal(command, {.rows = 10, .columns = 200});
    REQUIRE(terminal.shows("ready>"));
    terminal.type({"-l", line});
    terminal.type({"Enter"});
    REQUIRE(terminal.shows("q quit"));
    REQUIRE(wait_for_subscriptions(broker));
    terminal.type({"C-z"});
    REQUIRE(terminal.shows("Stopped"));
    CHECK_FALSE(terminal.screen().contains("q quit"));
    broker.publish("a", "while away");
    terminal.type({"f", "g", "Enter"});
    REQUIRE(terminal.shows("while away"));
    CHECK(terminal.screen().contains("q quit"));
    terminal.type({"q"});
    CHECK(terminal.hides("q quit"));
    terminal.type({"e", "c", "h", "o", "Space", "e\"\"nd", "Enter"});
    CHECK(terminal.shows("\nend\n"));
}

TEST_CASE("without the module a line names the package, and the simple table is shown") {
    check_simple_table({{"MQTTC_SCREEN_MODULE", "/nonexistent"}},
                       "mqtt_sub: screen module /nonexistent not found: it is in the package mqttc-clients "
                       "(MQTTC_SCREEN_MODULE may name it)");
}

TEST_CASE("a terminal that is unknown here is named, and the simple table is shown") {
    // newterm() leaves memory behind when it fails. 99 as in tests/run.sh.
    check_simple_table({{"TERM", "unknown-here"}, {"ASAN_OPTIONS", "exitcode=99:detect_leaks=0"}},
                       "mqtt_sub: no full screen with TERM=unknown-here (try TERM=xterm-256color)");
}

TEST_CASE("on a terminal without sequences -w prints lines") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-w", "-t", "#", "-C", "1"});
    command.env.emplace_back("TERM", "dumb");
    PtyProcess sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "one");
    CHECK(sub.wait() == ok);
    CHECK(sub.screen().ends_with("a one\r\n"));
    CHECK_FALSE(sub.screen().contains('\033'));
}
