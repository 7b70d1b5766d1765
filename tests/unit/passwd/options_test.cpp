// The command line: what is understood, what is refused and how it is said.
#include "options.hpp"

#include <doctest/doctest.h>

#include <ranges>
#include <set>
#include <string>
#include <vector>

#include "common/generate.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::passwd;

namespace {

auto parse(std::vector<const char*> arguments) {
    return parse_options(arguments);
}

Options good(std::vector<const char*> arguments) {
    auto parsed = parse(std::move(arguments));
    if (!parsed) FAIL(parsed.error().text);
    return std::move(*parsed);
}

std::string wrong(std::vector<const char*> arguments) {
    const auto parsed = parse(std::move(arguments));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().is_error);
    return parsed.error().text;
}

}  // namespace

TEST_CASE("without options a user is set with the default hash") {
    const Options options = good({"file", "user"});
    CHECK(options.action == Action::set);
    CHECK(options.file == "file");
    CHECK(options.user == "user");
    CHECK_FALSE(options.password);
    CHECK_FALSE(options.create);
    CHECK(options.recipe.scheme == HashScheme::sha512_pbkdf2);
    CHECK(options.recipe.cost() == 20'000);
    CHECK(options.recipe.salt_length == 12);
}

TEST_CASE("the original's command lines are understood") {
    CHECK(good({"-c", "file", "user"}).create);
    CHECK(good({"-D", "file", "user"}).action == Action::remove);
    CHECK(good({"-U", "file"}).action == Action::hash_all);
    CHECK(good({"-b", "file", "user", "pw"}).password == "pw");
    CHECK(good({"-c", "-b", "-", "user", "pw"}).file == "-");
    CHECK(good({"-H", "sha512", "-I", "7", "-b", "file", "user", "pw"}).recipe.scheme == HashScheme::sha512);
    CHECK(good({"-I", "7", "file", "user"}).recipe.cost() == 7);
    CHECK(good({"-H", "argon2id", "file", "user"}).recipe.cost() == 1);
}

TEST_CASE("flags cluster, and long names say the same") {
    const Options clustered = good({"-cbHsha512", "file", "user", "pw"});
    CHECK(clustered.create);
    CHECK(clustered.password == "pw");
    CHECK(clustered.recipe.scheme == HashScheme::sha512);
    const Options spelled =
        good({"--create", "--batch", "--hash=sha512", "--iterations", "5", "file", "user", "pw"});
    CHECK(spelled.create);
    CHECK(spelled.password == "pw");
    CHECK(spelled.recipe.scheme == HashScheme::sha512);
    CHECK(good({"--delete", "file", "user"}).action == Action::remove);
    CHECK(good({"--hash-all", "file"}).action == Action::hash_all);
}

TEST_CASE("the last of a repeated option counts") {
    CHECK(good({"-H", "sha512", "-H", "argon2id", "file", "user"}).recipe.scheme == HashScheme::argon2id);
    CHECK(good({"-D", "-D", "file", "user"}).action == Action::remove);
}

TEST_CASE("a password or user may begin with a dash") {
    CHECK(good({"-b", "file", "user", "-secret"}).password == "-secret");
    CHECK(good({"file", "-user"}).user == "-user");
    CHECK(good({"--", "-file", "user"}).file == "-file");
    CHECK(good({"-b", "file", "user", ""}).password == "");
}

TEST_CASE("ours: list, verify, stdin, import, salt and memory") {
    CHECK(good({"--list", "file"}).action == Action::list);
    const Options verify = good({"--verify", "user", "file"});
    CHECK(verify.action == Action::verify);
    CHECK(verify.user == "user");
    CHECK(good({"-b", "--verify=user", "file", "pw"}).password == "pw");
    CHECK(good({"--stdin", "file", "user"}).one_line_stdin);
    const Options import = good({"--import", "users", "-c", "file"});
    CHECK(import.action == Action::import_users);
    CHECK(import.import_from == "users");
    CHECK(import.create);
    CHECK(good({"--salt-length", "64", "file", "user"}).recipe.salt_length == 64);
    CHECK(good({"-H", "argon2id", "--memory", "65536", "-I", "3", "file", "user"}).recipe.memory_kib ==
          65'536);
}

TEST_CASE("help and version win over what is wrong behind them") {
    CHECK(parse({"--help"}).error().text.starts_with("usage: mqtt_passwd"));
    CHECK(parse({"--version", "a", "b", "c"}).error().text.starts_with("mqtt_passwd "));
    CHECK_FALSE(parse({"--help", "--nonsense"}).error().is_error);
}

TEST_CASE("wrong command lines are refused with the reason") {
    CHECK(wrong({}) == "passwordfile is missing");
    CHECK(wrong({"file"}) == "username is missing");
    CHECK(wrong({"-b", "file", "user"}) == "password is missing");
    CHECK(wrong({"-U"}) == "passwordfile is missing");
    CHECK(wrong({"file", "user", "pw"}) == "a password on the command line needs -b before the file name");
    CHECK(wrong({"-U", "file", "user"}) == "too many arguments");
    CHECK(wrong({"--list", "x", "y"}) == "too many arguments");
    CHECK(wrong({"-D", "file", "a", "b"}) == "too many arguments");
    CHECK(wrong({"--verify", "a", "file", "pw"}) == "too many arguments");
    CHECK(wrong({"--list", "file", "-"}) == "too many arguments");
    CHECK(wrong({"--list", "file", "-D"}) == "too many arguments (options go before the file name)");
    CHECK(wrong({"-D", "file", "-I", "5", "user"}) == "too many arguments (options go before the file name)");
    CHECK(wrong({"file", "user", "-b", "pw"}) == "too many arguments (options go before the file name)");
    CHECK(wrong({"", "user"}) == "the file name is empty");
    CHECK(wrong({"-", "user"}) == "'-' as the file is for -c only");
    CHECK(wrong({"--list", "-"}) == "'-' as the file is for -c only");
    CHECK(wrong({"-x", "file", "user"}) == "unknown option '-x'");
    CHECK(wrong({"--wrong=1", "file", "user"}) == "unknown option '--wrong'");
    CHECK(wrong({"-H"}) == "-H needs a value: HASH");
    CHECK(wrong({"-H", "md5", "file", "user"}) == "-H: 'md5' is not one of sha512-pbkdf2, sha512, argon2id");
    CHECK(wrong({"-c=1", "file", "user"}) == "unknown option '-=' in '-c=1'");
    CHECK(wrong({"--create=yes", "file", "user"}) == "--create takes no value");
    CHECK(wrong({"--salt-length", "16", "file", "user"}) == "--salt-length: '16' is not one of 12, 64");
    for (const char* number : {"0", "-1", "abc", "1x", "", " 1", "10000001", "999999999999"}) {
        CAPTURE(number);
        CHECK(wrong({"-I", number, "file", "user"}) ==
              "-I: '" + std::string(number) + "' is not a whole number from 1 to 10000000");
    }
    CHECK(wrong({"-H", "argon2id", "--memory", "7", "file", "user"})
              .starts_with("--memory: '7' is not a whole number from 8"));
}

TEST_CASE("a slip in the name of an option finds it") {
    CHECK(wrong({"--liste", "file"}) == "unknown option '--liste' (did you mean --list?)");
    CHECK(wrong({"--verfy", "u", "file"}) == "unknown option '--verfy' (did you mean --verify?)");
    CHECK(wrong({"--iter=5", "file", "u"}) == "unknown option '--iter' (did you mean --iterations?)");
    CHECK(wrong({"--zzzz", "file", "u"}) == "unknown option '--zzzz'");
}

TEST_CASE("what is repeated of a wrong command line cannot drive the terminal") {
    CHECK(wrong({"--x\x1b[31m", "file", "u"}) == "unknown option '--x\\x1b[31m'");
    CHECK(wrong({"-\x9b", "file", "u"}) == "unknown option '-\\x9b'");
    CHECK(wrong({"-I", "\x1b[2J", "file", "u"}) == "-I: '\\x1b[2J' is not a whole number from 1 to 10000000");
}

TEST_CASE("options that contradict each other are refused") {
    CHECK(wrong({"-c", "-D", "file", "user"}) == "-c cannot be used with -D");
    CHECK(wrong({"-U", "-c", "file"}) == "-c cannot be used with -U");
    CHECK(wrong({"-D", "-U", "file"}) == "-D cannot be used with -U");
    CHECK(wrong({"-b", "-D", "file", "user"}) == "-b cannot be used with -D");
    CHECK(wrong({"-b", "-U", "file"}) == "-b cannot be used with -U");
    CHECK(wrong({"--list", "--verify", "u", "file"}) == "--list cannot be used with --verify");
    CHECK(wrong({"-c", "--list", "file"}) == "-c cannot be used with --list");
    CHECK(wrong({"--stdin", "-U", "file"}) == "--stdin cannot be used with -U");
    CHECK(wrong({"--stdin", "-b", "file", "u", "p"}) == "-b cannot be used with --stdin");
    CHECK(wrong({"--stdin", "--import", "-", "file"}) == "--stdin cannot be used with --import");
    CHECK(wrong({"-H", "sha512", "--salt-length", "64", "file", "u"}) ==
          "--salt-length cannot be used with -H sha512");
    CHECK(wrong({"--memory", "64", "file", "u"}) == "--memory needs -H argon2id");
}

TEST_CASE("no option has two rows, and each is in the help, which fits in 80 columns") {
    std::set<std::string> names;
    const std::string help = parse({"--help"}).error().text;
    option_table().for_each(
        mqttc::app::only(mqttc::app::Program::passwd), [&](const mqttc::app::OptionRow& row) {
            if (row.short_name != 0) CHECK(names.insert(row.short_form()).second);
            CHECK(names.insert(std::string(row.name)).second);
            CHECK((help.find(" " + row.names()) != std::string::npos) == !row.help.empty());
        });
    for (const char* name : {"mqtt_passwd", "mosquitto_passwd"}) {
        const auto called = mqttc::app::called_as(mqttc::app::Program::passwd, name);
        const std::string text = mqttc::app::help_text(option_table(), called);
        for (const auto line : std::views::split(text, '\n')) {
            CAPTURE(std::string(line.begin(), line.end()));
            CHECK(std::ranges::size(line) <= 80);
        }
    }
}
