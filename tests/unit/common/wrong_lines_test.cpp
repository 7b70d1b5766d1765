// The table of wrong command lines: what each is told, word by word.
#include <doctest/doctest.h>

#include "world.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

namespace {

struct Wrong {
    std::string_view line;
    std::string_view message;
};

// clang-format off
constexpr Wrong wrong_pub_lines[] = {
#include "wrong_pub_lines.inc"
};
constexpr Wrong wrong_sub_lines[] = {
#include "wrong_sub_lines.inc"
};
// clang-format on

}  // namespace

TEST_CASE("wrong command lines of mqtt_pub are told what is wrong") {
    for (const Wrong& wrong : wrong_pub_lines) {
        CAPTURE(wrong.line);
        CHECK(pub_world().wrong(wrong.line) == wrong.message);
    }
}

TEST_CASE("wrong command lines of mqtt_sub are told what is wrong") {
    for (const Wrong& wrong : wrong_sub_lines) {
        CAPTURE(wrong.line);
        CHECK(sub_world().wrong(wrong.line) == wrong.message);
    }
}

TEST_CASE("a value missing at the end is told for every option that takes one") {
    for (const Program program : {Program::pub, Program::sub}) {
        World world;
        world.program = program;
        for (const OptionRow& row : option_rows()) {
            if ((row.programs & only(program)) == 0 || row.values() == 0) continue;
            const std::string spelling = row.short_name != 0 ? std::string("-") + row.short_name
                                                             : std::string("--").append(row.long_name);
            CAPTURE(spelling);
            CHECK(world.wrong(spelling).starts_with(spelling + " needs a "));
        }
    }
}

TEST_CASE("a flag with a value is told so, for every long flag") {
    for (const OptionRow& row : option_rows()) {
        if (row.values() != 0 || row.long_name.empty()) continue;
        World world;
        world.program = (row.programs & only(Program::pub)) != 0 ? Program::pub : Program::sub;
        const std::string spelling = std::string("--").append(row.long_name);
        CAPTURE(spelling);
        CHECK(world.wrong(spelling + "=x") == spelling + " takes no value");
    }
}

TEST_CASE("errors in a config file name file and line") {
    World world = pub_world();
    const std::string path = "/home/me/.config/mqtt_pub";
    struct InFile {
        const char* content;
        const char* message;
    };
    constexpr InFile wrong[] = {
        {"-d\n-p abc\n", "/home/me/.config/mqtt_pub:2: -p: 'abc' is not a whole number from 0 to 65535"},
        {"# c\n\n--nonsense\n", "/home/me/.config/mqtt_pub:3: unknown option '--nonsense'"},
        {"--retian\n", "/home/me/.config/mqtt_pub:1: unknown option '--retian' (did you mean --retain?)"},
        {"-v\n", "/home/me/.config/mqtt_pub:1: unknown option '-v' (it is one of mqtt_sub)"},
        {"-h\n", "/home/me/.config/mqtt_pub:1: -h needs a value: HOST"},
        {"-d yes\n", "/home/me/.config/mqtt_pub:1: -d takes no value"},
        {"-uP secret\n",
         "/home/me/.config/mqtt_pub:1: -u: unexpected text behind its value (a blank belongs between option "
         "and value)"},
        {"host broker\n", "/home/me/.config/mqtt_pub:1: 'host' is no option (did you mean -h or --host?)"},
        {"cafile x\n", "/home/me/.config/mqtt_pub:1: 'cafile' is no option (did you mean --cafile?)"},
        {"broker\n", "/home/me/.config/mqtt_pub:1: 'broker' is no option: an option begins with '-'"},
        {"-o other\n", "/home/me/.config/mqtt_pub:1: -o belongs on the command line, not in a file"},
        {"--help\n", "/home/me/.config/mqtt_pub:1: --help belongs on the command line, not in a file"},
        {"--profile x\n",
         "/home/me/.config/mqtt_pub:1: --profile belongs on the command line, not in a file"},
        {"-t a/+\n",
         "/home/me/.config/mqtt_pub:1: -t: '+' is a wildcard for subscriptions and can't stand in a topic to "
         "publish "
         "to: name one topic, such as a/x"},
        {"-m a\n-n\n", "/home/me/.config/mqtt_pub:2: -n: the message is already given by -m"},
        {"-i a\n-I b\n", "/home/me/.config/mqtt_pub:2: -I: can't be used with -i"},
    };
    for (const InFile& row : wrong) {
        world.files[path] = row.content;
        CAPTURE(row.content);
        CHECK(world.wrong("-t a -n") == row.message);
    }
}

TEST_CASE("a default config file that is there and can't be read is an error") {
    World world = pub_world();
    const std::string path = "/home/me/.config/mqtt_pub";
    world.unreadable[path + "/."] = ENOTDIR;
    for (const auto& [error, why] : {std::pair(EACCES, "Permission denied"), {EISDIR, "Is a directory"}}) {
        world.unreadable[path] = error;
        CHECK(world.wrong("-t a -n") ==
              "config file: cannot read " + path + ": " + why + " (-o reads another one, -o /dev/null none)");
    }
    for (const int error : {ENOENT, ENOTDIR}) {
        world.unreadable[path] = error;
        CHECK(world.wrong("-t a -n").empty());
    }
    // A folder that can't be looked into: nobody knows what is there.
    world.unreadable[path] = world.unreadable[path + "/."] = EACCES;
    CHECK(world.wrong("-t a -n").empty());
}

TEST_CASE("a text that no packet holds is told with its option") {
    const std::string text(65'536, 'x');
    const auto wrong = [&](const std::string& before, const std::string& behind = {}) {
        return pub_world().wrong("-t a -n -u me " + before + text + behind);
    };
    CHECK(wrong("-i ") == "-i: the client id has at most 65535 bytes");
    CHECK(wrong("-I ") == "-I: the prefix of a client id has at most 65515 bytes");
    CHECK(wrong("-u ") == "-u: the user name has at most 65535 bytes");
    CHECK(wrong("-P ") == "-P: the password has at most 65535 bytes");
    CHECK(wrong("-L mqtt://", "@b") == "-L: the user name has at most 65535 bytes");
    CHECK(wrong("-L mqtt://me:", "@b") == "-L: the password has at most 65535 bytes");
    World world = pub_world();
    world.environment["MQTT_PASSWORD"] = text;
    CHECK(world.wrong("-t a -n -u me") ==
          "environment variable MQTT_PASSWORD: the password has at most 65535 bytes");
}

TEST_CASE("errors in the environment name the variable") {
    World world = pub_world();
    world.environment["MQTT_PORT"] = "abc";
    CHECK(world.wrong("-t a -n") ==
          "environment variable MQTT_PORT: 'abc' is not a whole number from 0 to 65535");
}

TEST_CASE("a wrong line with --quiet stays quiet") {
    for (const char* line : {"--quiet -q 7", "--quiet --nonsense", "-t a --quiet"}) {
        const auto result = pub_world().parse(line);
        REQUIRE(std::holds_alternative<UsageError>(result));
        CHECK(std::get<UsageError>(result).quiet);
    }
}
