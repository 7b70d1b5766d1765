// Tests of --field, %{path} and --only-changes with each output (forwarding_sinks.cpp, format.cpp).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "forwarding_sinks.hpp"
#include "message.hpp"
#include "printer.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;

namespace {

struct Printed {
    std::string text;
    unsigned counted = 0;
};

Printed print(app::SubOptions options, const std::vector<Message>& messages, bool terminal = false) {
    output::TextBuffer out;
    app::Messages lines("test");
    lines.set_quiet(true);
    const auto sink = make_printer(options, terminal, out, lines);
    REQUIRE(sink);
    Printed printed;
    for (const Message& message : messages) {
        CHECK((*sink)->take(message.view()));
        if ((*sink)->counts()) ++printed.counted;
    }
    printed.text = std::string(out.view());
    return printed;
}

app::SubOptions with(void (*set)(app::SubOptions&)) {
    app::SubOptions options;
    options.run.color = app::ColorMode::never;
    set(options);
    return options;
}

}  // namespace

TEST_CASE("--field replaces the payload in every output") {
    const std::vector<Message> messages{{.topic = "t", .payload = R"({"temp":21.5})"},
                                        {.topic = "u", .payload = R"({"hum":40})"},
                                        {.topic = "v", .payload = "no"}};
    auto options = with([](auto& it) {
        it.field = "$.temp";
        it.verbose = true;
    });
    Printed printed = print(options, messages);
    CHECK(printed.text == "t 21.5\n");
    CHECK(printed.counted == 1);
    options.format = "%t=%p/%l";
    CHECK(print(options, messages).text == "t=21.5/4\n");
    options.format = "%x";
    CHECK(print(options, messages).text == "32312e35\n");
}

TEST_CASE("%{path} prints a value with width and precision, and nothing when it is missing") {
    const std::string json = R"({"temp":21.456,"hum":"40.06","name":"salon","sensors":[{"t":-3}],"a}b":1})";
    const auto shown = [&](std::string_view format) { return rendered(format, {.payload = json}); };
    CHECK(shown("%{temp},%{hum}") == "21.456,40.06");
    CHECK(shown("%{sensors[0].t} %{sensors.0.t} %{$.sensors[0].t}") == "-3 -3 -3");
    CHECK(shown("[%8.1{temp}] [%-8.1{hum}] [%08.2{temp}]") == "[    21.5] [40.1    ] [00021.46]");
    CHECK(shown("[%8{name}] [%-8{name}] [%.3{name}]") == "[   salon] [salon   ] [sal]");
    CHECK(shown("%{a\\}b}") == "1");
    CHECK(shown("<%{none}>") == "<>");
    CHECK(rendered("<%{none}>", {.payload = "no JSON"}) == "<>");
    CHECK(rendered("%{none", {}) ==
          "ERROR format sequence '%{none' has no closing brace, as in %{sensors.0.temp}");
    CHECK(rendered("%{a..b}", {})
              .starts_with("ERROR format sequence '%{a..b}' is not a path: a name is empty"));
    // On a terminal text of the broker is escaped, as that of %p is.
    CHECK(rendered("%{a}", {.payload = R"({"a":"\u001b[2J"})"}, {.terminal = true}) == "\\x1b[2J");
}

TEST_CASE("--skip-invalid leaves out a message without the value, and doesn't count it") {
    const std::vector<Message> messages{{.payload = R"({"temp":1,"hum":2})"}, {.payload = R"({"temp":3})"}};
    auto options = with([](auto& it) { it.format = "%{temp},%{hum}"; });
    CHECK(print(options, messages).text == "1,2\n3,\n");
    options.skip_invalid = true;
    const Printed printed = print(options, messages);
    CHECK(printed.text == "1,2\n");
    CHECK(printed.counted == 1);
}

TEST_CASE("--only-changes leaves out what equals the last message or field of its topic") {
    const auto options = with([](auto& it) {
        it.verbose = true;
        it.only_changes = true;
    });
    const Printed printed = print(options, {{.topic = "a", .payload = "1"},
                                            {.topic = "b", .payload = "1"},
                                            {.topic = "a", .payload = "1"},
                                            {.topic = "a", .payload = "2"},
                                            {.topic = "a", .payload = ""},
                                            {.topic = "a", .payload = ""},
                                            {.topic = "a", .payload = "1"}});
    CHECK(printed.text == "a 1\nb 1\na 2\na (null)\na 1\n");
    CHECK(printed.counted == 5);
    auto field = options;
    field.field = "t";
    CHECK(print(field, {{.payload = R"({"t":1,"n":1})"}, {.payload = R"({"t":1,"n":2})"}}).text == "a/b 1\n");
}

TEST_CASE("beyond its limit --only-changes prints every message") {
    app::SubOptions options;
    output::TextBuffer out;
    app::Messages lines("test");
    lines.set_quiet(true);
    ChangesSink sink(std::move(*make_printer(options, false, out, lines)), lines);
    for (std::size_t i = 0; i < ChangesSink::max_topics; ++i)
        sink.take(Message{.topic = std::to_string(i), .payload = "1"}.view());
    out.clear();
    for (const char* topic : {"0", "new", "new"}) sink.take(Message{.topic = topic, .payload = "1"}.view());
    CHECK(out.view() == "1\n1\n");
}

TEST_CASE("with colours the topic is dim, JSON is highlighted and retained messages are marked") {
    auto options = with([](auto& it) {
        it.verbose = true;
        it.run.color = app::ColorMode::always;
    });
    CHECK(print(options, {{.topic = "t", .payload = "21"}}, true).text == "\033[2mt\033[0m 21\n");
    CHECK(print(options, {{.topic = "t", .payload = "[1]", .retain = true}}, true).text ==
          "\033[2mt\033[0m [\033[33m1\033[0m]\033[2m (retained)\033[0m\n");
    // Looks like JSON: nothing that a terminal obeys gets through.
    CHECK(print(options, {{.topic = "t", .payload = "{\033[2J"}}, true).text ==
          "\033[2mt\033[0m {\\x1b[2J\n");
    options.format = "%j";
    CHECK(print(options, {{.topic = "t", .payload = "21"}}, true)
              .text.contains("\033[34m\"topic\"\033[0m:\033[32m\"t\"\033[0m"));
    options.format = "%t %p";
    CHECK(print(options, {{.topic = "t", .payload = "[1]"}}, true).text == "t [1]\n");
    options.format = "%J";
    CHECK(print(options, {{.topic = "t", .payload = "no"}}, true).text.empty());
}

TEST_CASE("--pretty indents with two spaces on a terminal") {
    auto options = with([](auto& it) {
        it.format = "%J";
        it.pretty = true;
    });
    CHECK(print(options, {{.payload = R"({"a":1})"}}, true)
              .text.ends_with("  \"payload\": {\n    \"a\": 1\n  }\n}\n"));
    CHECK(print(options, {{.payload = R"({"a":1})"}})
              .text.ends_with("\t\"payload\":\t{\n\t\t\"a\":\t1\n\t}\n}\n"));
}
