// The command line: what is understood, what is refused and how it is said.
#include "options.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

using namespace mqttc::passwd;

namespace {

auto parse(std::vector<const char*> arguments) {
    return parse_options(arguments);
}

Options good(std::vector<const char*> arguments) {
    auto parsed = parse(std::move(arguments));
    if (const auto* error = std::get_if<OptionError>(&parsed)) FAIL(error->text);
    REQUIRE(std::holds_alternative<Options>(parsed));
    return std::get<Options>(parsed);
}

std::string wrong(std::vector<const char*> arguments) {
    const auto parsed = parse(std::move(arguments));
    REQUIRE(std::holds_alternative<OptionError>(parsed));
    return std::get<OptionError>(parsed).text;
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
    CHECK(std::holds_alternative<HelpWanted>(parse({"--help"})));
    CHECK(std::holds_alternative<VersionWanted>(parse({"--version", "a", "b", "c"})));
}

TEST_CASE("wrong command lines are refused with the reason") {
    CHECK(wrong({}) == "passwordfile is missing");
    CHECK(wrong({"file"}) == "username is missing");
    CHECK(wrong({"-b", "file", "user"}) == "password is missing");
    CHECK(wrong({"-U"}) == "passwordfile is missing");
    CHECK(wrong({"file", "user", "pw"}) ==
          "a password on the command line needs -b in front of the file's name");
    CHECK(wrong({"-U", "file", "user"}) == "too many arguments");
    CHECK(wrong({"--list", "x", "y"}) == "too many arguments");
    CHECK(wrong({"-D", "file", "a", "b"}) == "too many arguments");
    CHECK(wrong({"--verify", "a", "file", "pw"}) == "too many arguments");
    CHECK(wrong({"--list", "file", "-"}) == "too many arguments");
    CHECK(wrong({"--list", "file", "-D"}) == "too many arguments (options go in front of the file's name)");
    CHECK(wrong({"-D", "file", "-I", "5", "user"}) ==
          "too many arguments (options go in front of the file's name)");
    CHECK(wrong({"file", "user", "-b", "pw"}) ==
          "too many arguments (options go in front of the file's name)");
    CHECK(wrong({"", "user"}) == "the file's name is empty");
    CHECK(wrong({"-", "user"}) == "'-' as the file goes with -c only");
    CHECK(wrong({"--list", "-"}) == "'-' as the file goes with -c only");
    CHECK(wrong({"-x", "file", "user"}) == "unknown option -x");
    CHECK(wrong({"--wrong=1", "file", "user"}) == "unknown option --wrong");
    CHECK(wrong({"-H"}) == "-H needs a value: HASH");
    CHECK(wrong({"-H", "md5", "file", "user"}) == "-H md5: not a hash (sha512-pbkdf2, sha512, argon2id)");
    CHECK(wrong({"-c=1", "file", "user"}) == "unknown option -=");
    CHECK(wrong({"--create=yes", "file", "user"}) == "--create takes no value");
    CHECK(wrong({"--salt-length", "16", "file", "user"}) == "--salt-length 16: neither 12 nor 64");
    for (const char* number : {"0", "-1", "abc", "1x", "", " 1", "10000001", "999999999999"}) {
        CAPTURE(number);
        CHECK(wrong({"-I", number, "file", "user"}) ==
              "-I " + std::string(number) + ": not a number from 1 to 10000000");
    }
    CHECK(wrong({"-H", "argon2id", "--memory", "7", "file", "user"})
              .starts_with("--memory 7: not a number from 8"));
}

TEST_CASE("a slip in the name of an option finds it") {
    CHECK(wrong({"--liste", "file"}) == "unknown option --liste (did you mean --list?)");
    CHECK(wrong({"--verfy", "u", "file"}) == "unknown option --verfy (did you mean --verify?)");
    CHECK(wrong({"--iter=5", "file", "u"}) == "unknown option --iter (did you mean --iterations?)");
    CHECK(wrong({"--zzzz", "file", "u"}) == "unknown option --zzzz");
}

TEST_CASE("what is repeated of a wrong command line cannot drive the terminal") {
    CHECK(wrong({"--x\x1b[31m", "file", "u"}) == "unknown option --x\\x1b[31m");
    CHECK(wrong({"-\x9b", "file", "u"}) == "unknown option -\\x9b");
    CHECK(wrong({"-I", "\x1b[2J", "file", "u"}) == "-I \\x1b[2J: not a number from 1 to 10000000");
}

TEST_CASE("options that contradict each other are refused") {
    CHECK(wrong({"-c", "-D", "file", "user"}) == "-c and -D exclude each other");
    CHECK(wrong({"-U", "-c", "file"}) == "-c and -U exclude each other");
    CHECK(wrong({"-D", "-U", "file"}) == "-D and -U exclude each other");
    CHECK(wrong({"-b", "-D", "file", "user"}) == "-b and -D exclude each other");
    CHECK(wrong({"-b", "-U", "file"}) == "-b and -U exclude each other");
    CHECK(wrong({"--list", "--verify", "u", "file"}) == "--list and --verify exclude each other");
    CHECK(wrong({"-c", "--list", "file"}) == "-c and --list exclude each other");
    CHECK(wrong({"--stdin", "-U", "file"}) == "--stdin and -U exclude each other");
    CHECK(wrong({"--stdin", "-b", "file", "u", "p"}) == "-b and --stdin exclude each other");
    CHECK(wrong({"--stdin", "--import", "-", "file"}) == "--stdin and --import exclude each other");
    CHECK(wrong({"-H", "sha512", "--salt-length", "64", "file", "u"}) ==
          "--salt-length is for -H sha512-pbkdf2 only");
    CHECK(wrong({"--memory", "64", "file", "u"}) == "--memory is for -H argon2id only");
}

TEST_CASE("no option is named twice, and each is in the help") {
    std::set<char> flags;
    std::set<std::string_view> names;
    for (const OptionRow& row : option_rows()) {
        if (row.flag != '\0') CHECK(flags.insert(row.flag).second);
        CHECK(names.insert(row.name).second);
        CHECK(help_text().find("--" + std::string(row.name)) != std::string::npos);
        CHECK(row.help.size() <= 80 - 26);
    }
}

TEST_CASE("the manual has the same options as the parser") {
    const std::string manual = mqttc::test::read_file(MQTTC_MANUAL);
    REQUIRE_FALSE(manual.empty());
    std::size_t items = 0;
    for (const OptionRow& row : option_rows()) {
        std::string item = "\n.It Fl ";
        if (row.flag != '\0') item += std::string(1, row.flag) + " , Fl ";
        item += "-" + std::string(row.name);
        if (!row.value.empty()) item += " Ar ";
        CAPTURE(item);
        CHECK(manual.find(row.value.empty() ? item + "\n" : item) != std::string::npos);
    }
    for (auto at = manual.find("\n.It Fl "); at != std::string::npos; at = manual.find("\n.It Fl ", at + 1))
        ++items;
    CHECK(items == option_rows().size());
}
