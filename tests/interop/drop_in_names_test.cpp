// Our programs called by the names of Mosquitto's: responses, configuration files, messages, password files.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "broker_thread.hpp"
#include "drop_in_names.hpp"
#include "support/needs.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;
using namespace mqttc::broker;

namespace {

// A service that Mosquitto's programs make: it answers each request on `topic`.
Command answering(const std::string& port, const std::string& topic, const std::string& answer) {
    return {.argv = {"/bin/sh", "-c",
                     "mosquitto_sub -p " + port + " -V 5 -t " + topic +
                         " -F %R | while read -r to; do mosquitto_pub -p " + port + " -V 5 -t \"$to\" " +
                         answer + "; done"}};
}
const std::string json_answer =
    R"(-m '{"a":[1,{}],"b":"x"}' -D publish content-type text/x -D publish user-property k v)";

// The service may not have subscribed yet.
void wait_for_service(const std::string& port, const std::string& topic) {
    while (
        run(program_command(mosquitto_rr_path, {"-p", port, "-m", "x", "-W", "1", "-t", topic, "-e", "resp"}))
            .exit != ok) {
    }
}

}  // namespace

TEST_CASE("mosquitto_rr: the same output and exit codes" * needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    // They do not send correlation data back.
    const Process service(answering(port, "req", "-m 'the answer'"));
    const Process json_service(answering(port, "req/json", json_answer));
    const auto both = [&](const Words& options) {
        const Words words = Words{"-h", "127.0.0.1", "-p", port} + options;
        CAPTURE(as_line(words));
        Command theirs = program_command(mosquitto_rr_path, words);
        Command ours = program_command(names.path("mosquitto_rr"), words);
        theirs.input = ours.input = "from stdin";
        const Result expected = run(std::move(theirs));
        const Result result = run(std::move(ours));
        CHECK(result.exit.code == expected.exit.code);
        CHECK(result.out == expected.out);
    };
    const Words request{"-t", "req", "-e", "resp"};
    wait_for_service(port, "req");
    for (const Words& options : std::vector<Words>{{"-m", "x"},
                                                   {"-n"},
                                                   {"-s"},
                                                   {"-m", "x", "-v"},
                                                   {"-m", "x", "-N"},
                                                   {"-m", "x", "-N", "-v"},
                                                   {"-m", "x", "-R"},
                                                   {"-m", "x", "-q", "1", "-i", "one"},
                                                   {"-m", "x", "-t", "other", "-t", "req"},
                                                   {"-m", "x", "-D", "publish", "correlation-data", "c"},
                                                   {"-m", "x", "-x", "10", "-k", "5"},
                                                   {"-m", "x", "-F", "%t %p|%l|%q|%r|%m|%x|%.3p|%-12p|@Y"},
                                                   {"-m", "x", "-F", "%t %p", "-N"},
                                                   {"-m", "x", "-F", "%p", "-v"},
                                                   {"-m", "x", "-F", ""},
                                                   {"-m", "x", "--pretty"},
                                                   {"-m", "x", "-F", "%z"},
                                                   {"-m", "x", "-F", "%"},
                                                   {"-m", "x", "-F"}})
        both(request + options);
    for (const Words& options :
         std::vector<Words>{{"-t", "req", "-m", "x", "-e"},
                            {"-e", "resp", "-m", "x"},
                            {"-t", "req", "-e", "resp"},
                            {"-t", "req", "-e", "a/#", "-m", "x"},
                            {"-t", "req", "-e", "resp", "-m", "x", "-l"},
                            {"-t", "req", "-e", "resp", "-m", "x", "-q", "3"},
                            {"-t", "no-service", "-e", "resp", "-m", "x", "-W", "1"},
                            {"-t", "no-service", "-e", "resp", "-m", "x", "-W", "1", "-V", "311"},
                            {"-p", "1", "-t", "req", "-e", "resp", "-m", "x"}}) {
        Command theirs = program_command(mosquitto_rr_path, Words{"-h", "127.0.0.1", "-p", port} + options);
        Command ours =
            program_command(names.path("mosquitto_rr"), Words{"-h", "127.0.0.1", "-p", port} + options);
        CAPTURE(as_line(options));
        CHECK(run(std::move(ours)).exit.code == run(std::move(theirs)).exit.code);
    }
}

TEST_CASE("mosquitto_rr: JSON is printed as mqtt_sub prints it, which is that of 2.1" * needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    const Process service(answering(port, "req", "-m 'the answer'"));
    const Process json_service(answering(port, "req/json", json_answer));
    wait_for_service(port, "req");
    wait_for_service(port, "req/json");
    const auto without_time = [](const std::string& text) {
        return std::regex_replace(text, std::regex(R"("20\d\d-[-0-9T:.+Z]*")"), "TIME");
    };
    struct Row {
        std::string topic;
        Words options;
        std::vector<std::pair<std::string, std::string>>
            in_2_1;  // what 2.1 and we print differently from 2.0.11
    };
    const std::pair<std::string, std::string> retain{"\"retain\":0", "\"retain\":false"};
    const std::pair<std::string, std::string> user{R"("user-properties":{"k":"v"})",
                                                   R"("user-properties":[{"k":"v"}])"};
    const std::vector<Row> rows = {
        {"req", {"-F", "%j"}, {retain}},
        {"req/json", {"-F", "%j"}, {retain, user}},
        {"req/json", {"-F", "%J"}, {retain, user}},
        {"req/json", {"-F", "%J", "-N"}, {retain, user}},
        {"req/json", {"-F", "%C|%P|%D|%R"}, {}},
        {"req/json",
         {"-F", "%J", "--pretty"},
         {{"\"retain\":\t0", "\"retain\":\tfalse"},
          {"\"user-properties\":\t{\n\t\t\t\"k\":\t\"v\"\n\t\t}",
           "\"user-properties\":\t[{\n\t\t\t\t\"k\":\t\"v\"\n\t\t\t}]"}}},
        {"req", {"-F", "%J"}, {{"\n", ""}}},  // not JSON: reported, and no empty line
    };
    for (const Row& row : rows) {
        CAPTURE(as_line(row.options));
        const Words words = Words{"-p", port, "-t", row.topic, "-e", "resp", "-m", "x"} + row.options;
        const Result theirs = run(program_command(mosquitto_rr_path, words));
        const Result ours = run(program_command(names.path("mosquitto_rr"), words));
        std::string expected = without_time(theirs.out);
        for (const auto& [old_text, new_text] : row.in_2_1) {
            const auto at = expected.find(old_text);
            REQUIRE(at != std::string::npos);
            expected.replace(at, old_text.size(), new_text);
        }
        CHECK(without_time(ours.out) == expected);
        CHECK(ours.exit == theirs.exit);
        CHECK(ours.err.empty() == theirs.err.empty());
    }
}

TEST_CASE("called by Mosquitto's names, the programs read its configuration files and use the names" *
          needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    const TempDir home;
    const std::string host = "-h 127.0.0.1\n-p " + std::to_string(broker.port()) + "\n";
    std::filesystem::create_directory(home.file(".config"));
    const auto in_home = [&](std::string_view name, Words words) {
        Command command = program_command(name, std::move(words));
        command.env = {{"HOME", home.path().string()}};
        return run(std::move(command));
    };
    for (const char* name : {"mosquitto_pub", "mosquitto_sub", "mosquitto_rr"})
        home.write(std::string(".config/") + name, host + "-t from/config\n");
    CHECK(in_home(names.path("mosquitto_pub"), {"-r", "-m", "one"}).exit == ok);
    CHECK(in_home(names.path("mosquitto_sub"), {"-C", "1", "-v"}).out == "from/config one\n");
    CHECK(in_home(names.path("mosquitto_rr"), {"-e", "r", "-m", "x", "-W", "0.2"}).exit.code == 27);

    // Our own names: without a file of their own, Mosquitto's; -d says so.
    const Result borrowed = in_home("mqtt_pub", {"-r", "-m", "two", "-d"});
    CHECK(borrowed.exit == ok);
    CHECK(borrowed.err.starts_with("mqtt_pub: options from " + home.file(".config/mosquitto_pub") + "\n"));
    CHECK(in_home("mqtt_sub", {"-C", "1", "-v"}).out == "from/config two\n");
    home.write(".config/mqtt_pub", host + "-t from/own\n");
    const Result own = in_home("mqtt_pub", {"-r", "-m", "three", "-d"});
    CHECK(own.err.find("options from") == std::string::npos);
    CHECK(own.err.find("from/own") != std::string::npos);

    const Result wrong = in_home(names.path("mosquitto_pub"), {"--no-such-option"});
    CHECK(wrong.exit.code == 1);
    CHECK(wrong.err == "mosquitto_pub: unknown option '--no-such-option'; try 'mosquitto_pub --help'\n");
    const Result help = in_home(names.path("mosquitto_rr"), {"--help"});
    CHECK(help.exit.code == 1);
    CHECK(help.out.starts_with("usage: mosquitto_rr "));
    CHECK(help.out.find(".config/mosquitto_rr") != std::string::npos);
}

TEST_CASE("mosquitto_pub: a producer that failed does not clear the retained message" * needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    for (const std::string& program_path : {std::string(mosquitto_pub_path), names.path("mosquitto_pub")}) {
        CAPTURE(program_path);
        REQUIRE(run(client("mqtt_pub", broker.port(), {"-t", "kept", "-r", "-m", "value"})).exit == ok);
        const Result nothing = run(client(program_path, broker.port(), {"-t", "kept", "-r", "-s"}));
        CHECK(nothing.exit.code == 1);
        CHECK_FALSE(nothing.err.empty());
        CHECK(run(client("mqtt_sub", broker.port(), {"-t", "kept", "-C", "1", "-W", "5"})).out == "value\n");
    }
}

TEST_CASE("mosquitto_sub: the last -q is that of all topics" * needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    for (const char* topic : {"a", "b", "c"})
        REQUIRE(run(client("mqtt_pub", broker.port(), {"-t", topic, "-q", "2", "-r", "-m", topic})).exit ==
                ok);
    for (const std::string& program_path : {std::string(mosquitto_sub_path), names.path("mosquitto_sub")}) {
        CAPTURE(program_path);
        const auto granted = [&](const Words& options) {
            return run(client(program_path, broker.port(), options + Words{"-F", "%t %q", "-W", "5"})).out;
        };
        CHECK(granted({"-t", "a", "-q", "0", "-t", "b", "-q", "1", "-C", "2"}) == "a 1\nb 1\n");
        CHECK(granted({"-t", "a", "-q", "0", "-t", "b", "-q", "2", "-t", "c", "-C", "3"}) ==
              "a 2\nb 2\nc 2\n");
    }
}

TEST_CASE(
    "mosquitto_pub and mosquitto_rr end by the signal that interrupts them, so that a shell's loop ends" *
    needs_mosquitto()) {
    const OldNames names;
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    const auto interrupted = [&](const std::string& program_path, const Words& options, int signal) {
        Process process(client(program_path, broker.port(), Words{"-t", "a"} + options));
        REQUIRE(broker.wait_for_clients(1));
        process.send_signal(signal);
        const Exit exit = process.wait();
        REQUIRE(broker.wait_for_clients(0));
        return Result{exit, process.out(), process.err()};
    };
    const Words message{"-q", "1", "-m", "x"};
    const Words request{"-e", "b", "-m", "x"};
    for (const int signal : {SIGINT, SIGTERM}) {
        const Exit by_signal{.signal = signal};
        CHECK(interrupted(mosquitto_pub_path, message, signal).exit == by_signal);
        CHECK(interrupted(mosquitto_rr_path, request, signal).exit == by_signal);

        const Result pub = interrupted(names.path("mosquitto_pub"), message, signal);
        CHECK(pub.exit == by_signal);
        CHECK(pub.err == "mosquitto_pub: 0 of 1 message delivered\n");
        const Result rr = interrupted(names.path("mosquitto_rr"), request, signal);
        CHECK(rr.exit == by_signal);
        CHECK(rr.err.starts_with("mosquitto_rr: interrupted: "));
        CHECK(interrupted(names.path("mosquitto_sub"), {}, signal).exit == ok);
    }
}

TEST_CASE("mosquitto_passwd by its name: the same exit codes and a file that both can read" *
          needs_mosquitto()) {
    const OldNames names;
    const TempDir dir;
    const std::string ours = names.path("mosquitto_passwd");
    for (const Words& words : std::vector<Words>{{"-b", "-c", "{FILE}", "a", "one"},
                                                 {"-b", "{FILE}", "b", "two"},
                                                 {"-D", "{FILE}", "a"},
                                                 {"-D", "{FILE}", "nobody"},
                                                 {"-U", "{FILE}"},
                                                 {"-U", "/nonexistent"},
                                                 {"-b", "/nonexistent", "u", "p"},
                                                 {"-b", "{FILE}", "a:b", "p"},
                                                 {"-c", "-D", "{FILE}", "u"},
                                                 {"-b", "-I", "0", "{FILE}", "u", "p"},
                                                 {"-Z"},
                                                 {"--help"},
                                                 {}}) {
        const auto run_with = [&](const std::string& program_path, const char* file) {
            Words filled = words;
            for (std::string& word : filled)
                if (word == "{FILE}") word = dir.file(file);
            return run(program_command(program_path, std::move(filled)));
        };
        CAPTURE(as_line(words));
        const Result result = run_with(ours, "ours");
        CHECK(result.exit.code == run_with(mosquitto_passwd_path, "theirs").exit.code);
        if (result.exit.code != 0 && !words.empty() && words[0] != "--help")
            CHECK(result.err.starts_with("mosquitto_passwd: "));
    }
}
