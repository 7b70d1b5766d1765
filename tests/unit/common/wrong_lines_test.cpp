// The table of invalid command lines and the error of each, word by word.
#include <doctest/doctest.h>

#include "option_fixture.hpp"
#include "option_rows.hpp"

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

TEST_CASE("invalid command lines of mqtt_pub are reported with their error") {
    for (const Wrong& wrong : wrong_pub_lines) {
        CAPTURE(wrong.line);
        CHECK(pub_fixture().wrong(wrong.line) == wrong.message);
    }
}

TEST_CASE("invalid command lines of mqtt_sub are reported with their error") {
    for (const Wrong& wrong : wrong_sub_lines) {
        CAPTURE(wrong.line);
        CHECK(sub_fixture().wrong(wrong.line) == wrong.message);
    }
}

namespace {

// Calls `check(row, wrong)` for the options of both programs; `wrong` is the fixture's function of that name.
template <typename Check>
void for_each_option(Check check) {
    pub_sub_options().for_each(only(Program::pub), [&](const OptionRow& row) {
        check(row, [](std::string_view line) { return pub_fixture().wrong(line); });
    });
    pub_sub_options().for_each(only(Program::sub), [&](const OptionRow& row) {
        check(row, [](std::string_view line) { return sub_fixture().wrong(line); });
    });
}

}  // namespace

TEST_CASE("a value missing at the end is reported for every option that takes one") {
    for_each_option([](const OptionRow& row, auto wrong) {
        if (row.value_count() == 0) return;
        const std::string spelling = row.short_form();
        CAPTURE(spelling);
        CHECK(wrong(spelling).starts_with(spelling + " needs a "));
        CHECK(wrong("-t a -d " + spelling).starts_with(spelling + " needs a "));
    });
}

TEST_CASE("a value is refused for every long flag") {
    for_each_option([](const OptionRow& row, auto wrong) {
        if (row.value_count() != 0 || row.value_optional || row.name.empty()) return;
        const std::string spelling = "--" + std::string(row.name);
        CAPTURE(spelling);
        CHECK(wrong(spelling + "=x") == spelling + " takes no value");
        CHECK(wrong(spelling + "=") == spelling + " takes no value");
    });
}

TEST_CASE("an optional value is given with '=', and is checked") {
    for_each_option([](const OptionRow& row, auto wrong) {
        if (!row.value_optional) return;
        const std::string spelling = "--" + std::string(row.name);
        CAPTURE(spelling);
        CHECK(wrong(spelling + "=x").starts_with(spelling + ": 'x' is not "));
        CHECK(wrong(spelling + "=").starts_with(spelling + ": '' is not "));
        CHECK(
            wrong("-t a " + spelling + " x").starts_with("unexpected argument 'x' (write " + spelling + "="));
    });
}

TEST_CASE("errors in a config file name file and line") {
    auto fixture = pub_fixture();
    const std::string path = "/home/me/.config/mqtt_pub";
    struct InFile {
        const char* content;
        const char* message;
    };
    constexpr InFile wrong[] = {
        {"-d\n-p abc\n", "/home/me/.config/mqtt_pub:2: -p: 'abc' is not a whole number from 0 to 65535"},
        {"# c\n\n--nonsense\n", "/home/me/.config/mqtt_pub:3: unknown option '--nonsense'"},
        {"--retian\n", "/home/me/.config/mqtt_pub:1: unknown option '--retian' (did you mean --retain?)"},
        {"-w\n", "/home/me/.config/mqtt_pub:1: unknown option '-w' (it is an option of mqtt_sub)"},
        {"-m -z\n-d\n-z\n", "/home/me/.config/mqtt_pub:3: unknown option '-z'"},
        {"-d\n-rz\n-z\n", "/home/me/.config/mqtt_pub:2: unknown option '-z' in '-rz'"},
        {"-d\n-h a b\n",
         "/home/me/.config/mqtt_pub:2: -h: 'a b' has a space or a control character: not a host name"},
        {"-h\n", "/home/me/.config/mqtt_pub:1: -h needs a value: HOST"},
        {"--stats json\n", "/home/me/.config/mqtt_pub:1: --stats: write --stats=json"},
        {"-d yes\n", "/home/me/.config/mqtt_pub:1: -d takes no value"},
        {"-uP secret\n",
         "/home/me/.config/mqtt_pub:1: -u: unexpected text after the value (separate option and value "
         "with a space)"},
        {"host broker\n",
         "/home/me/.config/mqtt_pub:1: 'host' is not an option (did you mean -h or --host?)"},
        {"cafile x\n", "/home/me/.config/mqtt_pub:1: 'cafile' is not an option (did you mean --cafile?)"},
        {"broker\n", "/home/me/.config/mqtt_pub:1: 'broker' is not an option: an option begins with '-'"},
        {"-o other\n", "/home/me/.config/mqtt_pub:1: -o belongs on the command line, not in a file"},
        {"--help\n", "/home/me/.config/mqtt_pub:1: --help belongs on the command line, not in a file"},
        {"--profile x\n",
         "/home/me/.config/mqtt_pub:1: --profile belongs on the command line, not in a file"},
        {"-t a/+\n",
         "/home/me/.config/mqtt_pub:1: -t: '+' is a wildcard for subscriptions and cannot be in a topic to "
         "publish "
         "to: name one topic, such as a/x"},
        {"-m a\n-n\n", "/home/me/.config/mqtt_pub:2: -n: the message is already given by -m"},
        {"-i a\n-I b\n", "/home/me/.config/mqtt_pub:2: -I: cannot be used with -i"},
    };
    for (const InFile& row : wrong) {
        fixture.files[path] = row.content;
        CAPTURE(row.content);
        CHECK(fixture.wrong("-t a -n") == row.message);
    }
}

TEST_CASE("an existing default config file that cannot be read is an error") {
    auto fixture = pub_fixture();
    const std::string path = "/home/me/.config/mqtt_pub";
    fixture.unreadable[path + "/."] = ENOTDIR;
    for (const auto& [error, why] : {std::pair(EACCES, "permission denied"), {EISDIR, "is a directory"}}) {
        fixture.unreadable[path] = error;
        CHECK(fixture.wrong("-t a -n") ==
              "config file: cannot read " + path + ": " + why + " (-o reads another one, -o /dev/null none)");
    }
    for (const int error : {ENOENT, ENOTDIR}) {
        fixture.unreadable[path] = error;
        CHECK(fixture.wrong("-t a -n").empty());
    }
    // A directory that cannot be searched: as if there was no file.
    fixture.unreadable[path] = fixture.unreadable[path + "/."] = EACCES;
    CHECK(fixture.wrong("-t a -n").empty());
}

TEST_CASE("an oversized value is reported with its option name") {
    const std::string text(65'536, 'x');
    const auto wrong = [&](const std::string& before, const std::string& after = {}) {
        return pub_fixture().wrong("-t a -n -u me " + before + text + after);
    };
    CHECK(wrong("-i ") == "-i: the client identifier has at most 65535 bytes");
    CHECK(wrong("-I ") == "-I: the prefix of a client identifier has at most 65515 bytes");
    CHECK(wrong("-u ") == "-u: the user name has at most 65535 bytes");
    CHECK(wrong("-P ") == "-P: the password has at most 65535 bytes");
    CHECK(wrong("-L mqtt://", "@b") == "-L: the user name has at most 65535 bytes");
    CHECK(wrong("-L mqtt://me:", "@b") == "-L: the password has at most 65535 bytes");
    auto fixture = pub_fixture();
    fixture.environment["MQTT_PASSWORD"] = text;
    CHECK(fixture.wrong("-t a -n -u me") ==
          "environment variable MQTT_PASSWORD: the password has at most 65535 bytes");
}

TEST_CASE("errors in the environment name the variable") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_PORT"] = "abc";
    CHECK(fixture.wrong("-t a -n") ==
          "environment variable MQTT_PORT: 'abc' is not a whole number from 0 to 65535");
}

TEST_CASE("a wrong line with --quiet stays quiet") {
    for (const char* line : {"--quiet -q 7", "--quiet --nonsense", "-t a --quiet"}) {
        const auto result = pub_fixture().parse(line);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().quiet);
    }
}
