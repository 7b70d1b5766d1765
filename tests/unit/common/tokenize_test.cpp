// Splitting arguments and config lines.
#include "tokenize.hpp"

#include <doctest/doctest.h>

using namespace mqttc::app;

TEST_CASE("each option knows its line") {
    const auto tokens = tokenize_file(Program::pub, "# one\n-h a\n\n-dr\n--port=5\n", false);
    REQUIRE(tokens.has_value());
    REQUIRE(tokens->size() == 4);
    CHECK((*tokens)[0].line == 2);
    CHECK((*tokens)[1].line == 4);
    CHECK((*tokens)[2].line == 4);
    CHECK((*tokens)[3].line == 5);
    CHECK((*tokens)[3].value() == "5");
    CHECK((*tokens)[3].spelling() == "--port");
    CHECK((*tokens)[1].spelling() == "-d");
}

TEST_CASE("a byte order mark and a missing last newline are no trouble") {
    const auto tokens = tokenize_file(Program::pub, "\xef\xbb\xbf-h a", false);
    REQUIRE(tokens.has_value());
    CHECK(tokens->front().value() == "a");
}

TEST_CASE("errors name their line") {
    CHECK(tokenize_file(Program::pub, "-d\n-h\n", false).error().line == 2);
    CHECK(tokenize_file(Program::pub, "-d\n\n\n--quiet yes\n", false).error().line == 4);
    CHECK(tokenize_file(Program::pub, "host broker\n", false).error().line == 1);
}

TEST_CASE("a short option with '=' is refused: the value would begin with it") {
    const std::vector<std::string_view> arguments{"-r", "-t=temp"};
    const auto tokens = tokenize_arguments(Program::pub, arguments);
    REQUIRE_FALSE(tokens.has_value());
    CHECK(tokens.error().message == "a short option takes its value without '=': -t temp");
    CHECK(tokenize_arguments(Program::pub, std::vector<std::string_view>{"-m", "=5", "-ttemp"}).has_value());
}

TEST_CASE("what was split before an error is handed out") {
    const std::vector<std::string_view> arguments{"--quiet", "-h"};
    std::vector<Occurrence> seen;
    CHECK_FALSE(tokenize_arguments(Program::pub, arguments, &seen).has_value());
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].row->id == OptionId::quiet);
}

TEST_CASE("options of the other program can be skipped, unknown ones can't") {
    CHECK(tokenize_file(Program::pub, "--retained-only\n-F %t %p\n-h a\n", true)->size() == 1);
    CHECK_FALSE(tokenize_file(Program::pub, "--retained-only\n", false).has_value());
    CHECK_FALSE(tokenize_file(Program::pub, "--nonsense\n", true).has_value());
}
