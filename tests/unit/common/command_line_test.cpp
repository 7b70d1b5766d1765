// Splitting arguments and config lines.
#include "command_line.hpp"

#include <doctest/doctest.h>

#include "option_rows.hpp"

using namespace mqttc::app;

namespace {

ParsedLine parse(std::vector<std::string_view> arguments, Operands operands = Operands::none) {
    // The result views the texts, not the vector.
    return parse_arguments(pub_sub_options(), Program::pub, arguments, operands);
}

ConfigArguments config(std::string_view content, bool skip_other_program = false) {
    return read_config(pub_sub_options(), Program::pub, content, skip_other_program);
}

}  // namespace

TEST_CASE("options are parsed in order, with their spelling, values and position") {
    const ParsedLine line =
        parse({"-dr", "--port=5", "-q1", "-D", "publish", "user-property", "k", "-v", "-m", "-5"});
    REQUIRE(line.error == "");
    REQUIRE(line.options.size() == 6);
    CHECK(line.options[0].spelling == "-d");
    CHECK(line.options[1].spelling == "-r");
    CHECK(line.options[1].index == 0);
    CHECK(line.options[2].spelling == "--port");
    CHECK(line.options[2].value() == "5");
    CHECK(line.options[3].value() == "1");
    CHECK(line.options[3].index == 2);
    CHECK(line.options[4].values == std::vector<std::string_view>{"publish", "user-property", "k", "-v"});
    CHECK(line.options[5].value() == "-5");
    CHECK(line.operands == 10);
}

TEST_CASE("a NUL in a cluster, which a config file may contain, is no option") {
    using namespace std::string_view_literals;
    CHECK(pub_sub_options().find(only(Program::pub), "\0"sv) == nullptr);
    for (const std::string_view argument : {"-\0"sv, "-r\0r"sv, "-SSSS\0\0SSSS"sv}) {
        CHECK_FALSE(parse({argument}).error.empty());
        CHECK(parse({argument}).error_index == 0);
    }
}

TEST_CASE("an optional value follows '=' only") {
    const ParsedLine line = parse({"--stats", "-r", "--stats=json"});
    REQUIRE(line.error == "");
    REQUIRE(line.options.size() == 3);
    CHECK(line.options[0].values.empty());
    CHECK(line.options[2].values == std::vector<std::string_view>{"json"});
    CHECK(line.options[2].index == 2);
    CHECK(config("--stats=json\n").arguments == std::vector<std::string_view>{"--stats=json"});
}

TEST_CASE("values are views into the arguments") {
    const std::string secret = "--pw=secret";
    const ParsedLine line = parse({secret});
    REQUIRE(line.options.size() == 1);
    CHECK(line.options[0].value().data() == secret.data() + 5);
}

TEST_CASE("values may look like options, option terminators or placeholders") {
    for (const std::string_view value :
         {"-m", "--", "-", "--message", "++", "", "a", "s", "[x,y]", "-ta", "--topic=x"}) {
        CAPTURE(value);
        const ParsedLine line = parse({"-m", value, "-r"});
        CHECK(line.error == "");
        REQUIRE(line.options.size() == 2);
        CHECK(line.options[0].value() == value);
        const std::string attached = "--message=" + std::string(value);
        const ParsedLine with_equals = parse({attached});
        REQUIRE(with_equals.options.size() == 1);
        CHECK(with_equals.options[0].value() == value);
    }
}

TEST_CASE("a short option with '=' is refused: the value would begin with it") {
    CHECK(parse({"-r", "-t=temp"}).error == "a short option takes its value without '=': -t temp");
    CHECK(parse({"-t=a\x1b"}).error == "a short option takes its value without '=': -t a\\x1b");
    CHECK(parse({"-m", "=5", "-ttemp"}).error == "");
}

TEST_CASE("options before an error are returned with it") {
    const ParsedLine line = parse({"--quiet", "-h"});
    CHECK(line.error == "-h needs a value: HOST");
    REQUIRE(line.options.size() == 1);
    CHECK(line.options[0].row->role == Role::quiet);
}

TEST_CASE("operands end the options where they are allowed") {
    const ParsedLine line = parse({"-q", "1", "file", "-q", "--nonsense"}, Operands::allowed);
    CHECK(line.error == "");
    CHECK(line.options.size() == 1);
    CHECK(line.operands == 2);
    CHECK(parse({"--", "-file"}, Operands::allowed).operands == 1);
    CHECK(parse({"--nonsense", "file"}, Operands::allowed).error == "unknown option '--nonsense'");
    CHECK(parse({"-d", "-rz", "file"}, Operands::allowed).error == "unknown option '-z' in '-rz'");
    CHECK(parse({"-dr", "file"}, Operands::allowed).operands == 1);
}

TEST_CASE("each argument of a config file knows its line") {
    const ConfigArguments file = config("# one\n-h a\n\n-dr\n--port=5 \n-m  two words \n");
    REQUIRE(file.error == "");
    CHECK(file.arguments == std::vector<std::string_view>{"-h", "a", "-dr", "--port=5", "-m", "two words "});
    CHECK(file.lines == std::vector<unsigned>{2, 2, 4, 5, 6, 6});
}

TEST_CASE("a byte order mark and a missing last newline are ignored") {
    CHECK(config("\xef\xbb\xbf-h a").arguments == std::vector<std::string_view>{"-h", "a"});
}

TEST_CASE("errors in a config file have their line") {
    CHECK(config("-d\n-h\n-p 5\n").error_line == 2);
    CHECK(config("-d\n\n\n--quiet yes\n").error_line == 4);
    CHECK(config("host broker\n").error_line == 1);
}

TEST_CASE("options of the other program can be skipped, unknown ones cannot") {
    CHECK(config("--retained-only\n--csv topic,payload\n-h a\n", true).arguments ==
          std::vector<std::string_view>{"-h", "a"});
    CHECK(config("--nonsense\n", true).arguments == std::vector<std::string_view>{"--nonsense"});
}
