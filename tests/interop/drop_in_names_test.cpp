// Our programs called by the names of Mosquitto's: responses, configuration files, messages, password files.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "drop_in_names.hpp"
#include "support/needs.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;

TEST_CASE("mosquitto_rr: the same output and exit codes" * needs_mosquitto()) {
    const OldNames names;
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    // It does not send correlation data back.
    const Process service(Command{.argv = {"/bin/sh", "-c",
                                           "mosquitto_sub -p " + port +
                                               " -V 5 -t req -F %R | while read -r to; do mosquitto_pub -p " +
                                               port + " -t \"$to\" -m 'the answer'; done"}});
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
    // The service may not have subscribed yet.
    while (run(program_command(mosquitto_rr_path, Words{"-p", port, "-m", "x", "-W", "1"} + request)).exit !=
           ok) {
    }
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
                                                   {"-m", "x", "-x", "10", "-k", "5"}})
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
