// Tests of the live table (apps/sub/live_table.cpp).
#include "live_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "message.hpp"
#include "printer.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;

namespace {

/// A drawing, between switching the terminal's line wrapping off and on.
std::string drawing(const std::string& text) {
    return "\033[?7l" + text + "\033[?7h";
}

struct Table {
    ScreenSize size{.rows = 5, .columns = 40};
    Time now = Time(std::chrono::seconds(100));
    output::TextBuffer out;
    std::string field;
    LiveTable watch{out, shown(), {.size = [this] { return size; }, .now = [this] { return now; }}};

    explicit Table(std::string path = {}) : field(std::move(path)) {}

    LiveValue shown() const {
        LiveValue result;
        if (!field.empty()) result.field = output::FieldPath::parse(field).value();
        return result;
    }

    void take(const std::string& topic, const std::string& payload) {
        watch.take(Message{.topic = topic, .payload = payload}.view());
    }
    std::string drawn() {
        out.clear();
        watch.tick();
        return std::string(out.view());
    }
};

}  // namespace

TEST_CASE("topics have sorted lines that are drawn over the previous ones") {
    Table table;
    table.take("b", "2");
    table.take("a", "1");
    CHECK(table.drawn() == drawing("\r\033[Ka 1\n\033[Kb 2\n\033[J"));
    table.take("b", "3");
    CHECK(table.drawn() == drawing("\033[2A\r\033[Ka 1\n\033[Kb 3\n\033[J"));
    CHECK(table.drawn().empty());
}

TEST_CASE("topics that don't fit the window are counted, also in a smaller window") {
    Table table;
    for (const char* topic : {"a", "b", "c", "d", "e", "f"}) table.take(topic, "x");
    CHECK(table.drawn() == drawing("\r\033[Ka x\n\033[Kb x\n\033[Kc x\n\033[K3 more topics\n\033[J"));
    table.size.rows = 3;
    table.take("a", "y");
    CHECK(table.drawn() == "\033[H\033[2J" + drawing("\r\033[Ka y\n\033[K5 more topics\n\033[J"));
}

TEST_CASE("a value as wide as a narrow window is cut with a mark in its last column") {
    Table table;
    table.size.columns = 10;
    table.take("t", "12345678901234567890");
    CHECK(table.drawn() == drawing("\r\033[Kt 1234567\xe2\x80\xa6\n\033[J"));
}

TEST_CASE("control characters and line breaks cannot leave their line") {
    Table table;
    table.take("t\n\033[2J", "v\r\n\x07");
    CHECK(table.drawn() == drawing("\r\033[Kt\\n\\x1b[2J v\\r\\n\\x07\n\033[J"));
}

TEST_CASE("long topics are cut but have rows of their own, and marks without a width are limited") {
    Table table;
    table.take(std::string(65'534, '\x01') + "a", "1");
    table.take(std::string(65'534, '\x01') + "b", "2");
    const std::string two = table.drawn();
    CHECK(std::ranges::count(two, '\n') == 2);
    CHECK(two.size() < 200);
    std::string marks;
    for (int i = 0; i < 30'000; ++i) marks += "\u0301";
    table.take(marks, marks);
    CHECK(table.drawn().size() < 300);
}

TEST_CASE("a wide terminal shows age, rate and the curve of numbers") {
    Table table;
    table.size.columns = 60;
    CHECK(table.drawn().empty());
    for (const char* payload : {"1", "2.5", "4"}) table.take("t", payload);
    table.take("u", "text");
    table.now += std::chrono::seconds(1);
    CHECK(table.drawn() == drawing("\r\033[Kt 4" + std::string(28, ' ') +
                                   "    1 s    3.0/s \xe2\x96\x81\xe2\x96\x85\xe2\x96\x88\n\033[Ku text" +
                                   std::string(25, ' ') + "    1 s    1.0/s\n\033[J"));
}

TEST_CASE("a curve of the largest and the smallest number has its end points") {
    Table table;
    table.size.columns = 60;
    for (const char* payload : {"-1e308", "1e308"}) table.take("t", payload);
    CHECK(table.drawn().contains(" \xe2\x96\x81\xe2\x96\x88\n"));
}

TEST_CASE("with a format each topic shows its output") {
    Table table;
    LiveValue shown;
    shown.line_out = std::make_unique<output::TextBuffer>();
    app::SubOptions options;
    options.format = "\\e[1m%t=%p";
    app::Messages messages("test");
    options.no_newline = true;
    auto line = make_printer(options, true, *shown.line_out, messages);
    REQUIRE(line);
    shown.line = std::move(*line);
    output::TextBuffer out;
    LiveTable watch(out, std::move(shown),
                    {.size = [] { return ScreenSize{}; }, .now = [&] { return table.now; }});
    watch.take(Message{.topic = "t", .payload = "two\nlines"}.view());
    watch.finish();
    // A format that does not reset its colour must not colour the next line.
    CHECK(out.view() == drawing("\r\033[K\033[1mt=two\\nlines\033[0m\n\033[J"));
}

TEST_CASE("--field shows one value of each payload, and that it is missing") {
    Table table("sensors.0.temp");
    table.size = {.rows = 10, .columns = 60};
    const auto row = [](const std::string& topic, const std::string& value, const std::string& rest) {
        return "\033[K" + topic + " " + value + std::string(29 - value.size(), ' ') + "    0 s        -" +
               rest + "\n";
    };
    table.take("a", R"({"sensors":[{"temp":20.5}]})");
    table.take("a", R"({"sensors":[]})");
    table.take("a", R"({"sensors":[{"temp":"21.5"}]})");
    table.take("b", R"({"sensors":[]})");
    table.take("c", "21.5 \033[2J");
    table.take("d", R"({"sensors":[{"temp":{"\u001b":[1,"x"]}}]})");
    table.take("e", R"({"sensors":[{"temp":"a\u001b[2J\nb"}]})");
    table.take("f", "[" + std::string(output::max_field_payload, ' ') + "]");
    CHECK(table.drawn() ==
          drawing("\r" + row("a", "21.5", " \xe2\x96\x81\xe2\x96\x88") + row("b", "(no sensors.0.temp)", "") +
                  row("c", "(not JSON)", "") + row("d", R"({"\u001b":[1,"x"]})", "") +
                  row("e", "a\\x1b[2J\\nb", "") + row("f", "(JSON over 1024 KiB)", "") + "\033[J"));
}

TEST_CASE("a message erases the table, which is drawn again below") {
    Table table;
    table.size.columns = 20;
    app::Messages messages("test");
    table.watch.share_terminal(messages);
    table.take("a", "1");
    table.take("b", "2");
    const std::string drawn = table.drawn();
    CHECK(drawn == drawing("\r\033[Ka 1\n\033[Kb 2\n\033[J"));
    // A drawing that is not written yet must precede its erasure.
    CHECK(messages.before_line() == drawn + "\033[2A\r\033[J");
    CHECK(table.out.empty());
    CHECK(messages.before_line().empty());
    CHECK(table.drawn() == drawn);
    // At the end the table stays.
    table.out.clear();
    table.watch.finish();
    CHECK(messages.before_line().empty());
}

TEST_CASE("an invalid --field is reported at the start") {
    app::SubOptions options;
    ::setenv("MQTTC_SCREEN_MODULE", "", 1);
    ::setenv("TERM", "xterm", 1);
    options.watch = true;
    options.field = "a..b";
    output::TextBuffer out;
    app::Messages messages("test");
    const auto printer = make_printer(options, true, out, messages);
    REQUIRE_FALSE(printer);
    CHECK(printer.error() ==
          "--field: a name is empty: write names with dots between them, as in sensors.0.temp");
}

TEST_CASE("without a terminal -w is refused") {
    app::SubOptions options;
    ::setenv("MQTTC_SCREEN_MODULE", "", 1);
    ::setenv("TERM", "xterm", 1);
    options.watch = true;
    output::TextBuffer out;
    app::Messages messages("test");
    CHECK_FALSE(make_printer(options, false, out, messages));
    CHECK(make_printer(options, true, out, messages));
}
