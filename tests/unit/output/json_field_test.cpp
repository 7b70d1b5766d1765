// Tests of --field (apps/sub/json_field.cpp, json_scan.cpp).
#include "json_field.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "json_out.hpp"

using namespace mqttc::output;

namespace {

std::string repeated(std::string_view text, std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += text;
    return all;
}

std::string field(std::string_view payload, std::string_view path) {
    const auto parsed = FieldPath::parse(path);
    REQUIRE(parsed);
    TextBuffer out;
    switch (find_field(payload, *parsed, out)) {
        case FieldResult::found:
            return std::string(out.view());
        case FieldResult::missing:
            return "missing";
        case FieldResult::not_json:
            return "not JSON";
        case FieldResult::too_large:
            return "too large";
    }
    return {};
}

/// The values of the paths with | between them, and then the result.
std::string several(std::string_view payload, const std::vector<std::string>& texts) {
    std::vector<FieldPath> paths;
    for (const std::string& text : texts) {
        const auto parsed = FieldPath::parse(text);
        REQUIRE(parsed);
        paths.push_back(*parsed);
    }
    std::vector<Field> fields;
    for (const FieldPath& path : paths) fields.push_back({.path = &path});
    TextBuffer out;
    const FieldResult result = find_fields(payload, fields, out);
    std::string line;
    for (const Field& one : fields) line.append(out.view().substr(one.start, one.length)).append("|");
    return line + (result == FieldResult::found     ? "all"
                   : result == FieldResult::missing ? "missing"
                                                    : "not JSON");
}

std::string parse_error(std::string_view path) {
    const auto parsed = FieldPath::parse(path);
    return parsed ? "none" : parsed.error();
}

}  // namespace

TEST_CASE("a path leads through objects and arrays to a value of any kind") {
    CHECK(field(R"({"temp":21.50})", "temp") == "21.50");
    CHECK(field(R"({"a":1,"sensors":[{"temp":1},{"x":[],"temp":-2e3}],"z":2})", "sensors.1.temp") == "-2e3");
    CHECK(field(R"([[1,2],[3,4]])", "1.0") == "3");
    CHECK(field(R"({"s":"caf\u00e9\n"})", "s") == "caf\xc3\xa9\n");
    CHECK(field(R"({"t":true,"n":null,"u":18446744073709551615})", "t") == "true");
    CHECK(field(R"({"t":true,"n":null,"u":18446744073709551615})", "n") == "null");
    CHECK(field(R"({"t":true,"n":null,"u":18446744073709551615})", "u") == "18446744073709551615");
    CHECK(field(R"({"o":{"a":[1,"x"]},"a":[9]})", "o") == R"({"a":[1,"x"]})");
    CHECK(field(R"({"o":[1, {"a":{}}, []]})", "o") == R"([1,{"a":{}},[]])");
}

TEST_CASE("a number is an index in an array and a name in an object") {
    CHECK(field(R"({"0":"name"})", "0") == "name");
    CHECK(field(R"(["element"])", "0") == "element");
    CHECK(field(R"(["element"])", "00") == "missing");
    CHECK(field(R"(["element"])", "-0") == "missing");
    CHECK(field(R"(["element"])", "99999999999999999999999") == "missing");
}

TEST_CASE("names with dots and backslashes are written with a backslash") {
    CHECK(field(R"({"a.b":1,"a":{"b":2}})", "a\\.b") == "1");
    CHECK(field(R"({"a.b":1,"a":{"b":2}})", "a.b") == "2");
    CHECK(field(R"({"a\\b":1})", "a\\\\b") == "1");
}

TEST_CASE("only the value at the end of the complete path is taken") {
    CHECK(field(R"({"b":{"a":1}})", "a") == "missing");
    CHECK(field(R"({"x":{"temp":1},"temp":2})", "temp") == "2");
    CHECK(field(R"({"a":{"x":1},"b":{"temp":3},"temp":4})", "a.temp") == "missing");
    CHECK(field(R"({"a":[1],"b":2})", "a.b") == "missing");
    CHECK(field(R"({"a":5})", "a.b") == "missing");
    CHECK(field(R"([[0],[1],[2]])", "1.0") == "1");
    CHECK(field(R"([[0],[],[2]])", "1.0") == "missing");
    CHECK(field("42", "a") == "missing");
    CHECK(field(R"("a")", "a") == "missing");
    // Of members with the same name the first that contains the value.
    CHECK(field(R"({"a":1,"a":2})", "a") == "1");
    CHECK(field(R"({"a":{"x":0},"a":{"b":2}})", "a.b") == "2");
}

TEST_CASE("several values are found in one pass, in any order") {
    const std::string_view payload = R"({"a":{"x":1,"y":[2,{"z":"s"}]},"b":"","c":null})";
    CHECK(several(payload, {"c", "a.y.1.z", "a.x"}) == "null|s|1|all");
    CHECK(several(payload, {"a.x", "b", "a.x"}) == "1||1|all");
    CHECK(several(payload, {"a.y.0", "d", "a.y.1.z"}) == "2||s|missing");
    // Values inside others.
    CHECK(several(payload, {"a.y.1.z", "a", "a.y", "a.y.7", "c"}) ==
          R"(s|{"x":1,"y":[2,{"z":"s"}]}|[2,{"z":"s"}]||null|missing)");
    CHECK(several(R"({"a":{"b":[0,[1]]}})", {"a", "a.b", "a.b.1", "a.b.1.0"}) ==
          R"({"b":[0,[1]]}|[0,[1]]|[1]|1|all)");
    CHECK(several(R"({"a":1,"a":{"b":2}})", {"a", "a.b"}) == "1|2|all");
    CHECK(several(R"({"a":1,"b":2)", {"a", "b"}) == "||not JSON");
}

TEST_CASE("more values than bits of a word are found too") {
    std::string payload = "[";
    std::vector<std::string> texts;
    std::string expected;
    for (int i = 0; i < 150; ++i) {
        payload.append(i == 0 ? "" : ",").append(std::to_string(i * 7));
        texts.push_back(std::to_string(149 - i));
        expected.append(std::to_string((149 - i) * 7)).append("|");
    }
    CHECK(several(payload + "]", texts) == expected + "all");
    texts[100] = "150";
    CHECK(several(payload + "]", texts).ends_with("missing"));
    CHECK(several(payload, texts).starts_with("||||"));
}

TEST_CASE("text that isn't JSON has no fields, even if it is invalid only after the value") {
    for (const char* payload :
         {"", "21.5 C", "{", R"({"a":1)", R"({"a":1}})", "{\"a\":\xff}", "\xff\xfe{}"}) {
        CAPTURE(payload);
        CHECK(field(payload, "a") == "not JSON");
    }
    CHECK(field(std::string_view("{\"a\":1}\0", 8), "a") == "not JSON");
}

TEST_CASE("hostile payloads are bounded in depth and length") {
    const std::size_t deepest = max_json_depth;
    CHECK(field(repeated("[", deepest) + repeated("]", deepest), "0") != "not JSON");
    CHECK(field(repeated("[", deepest + 1) + repeated("]", deepest + 1), "0") == "not JSON");
    CHECK(field(repeated("{\"a\":", 500'000), "b") == "too large");
    CHECK(field(repeated("{\"a\":", 200'000), "b") == "not JSON");
    const std::string fits = "\"" + std::string(max_field_payload - 2, 'x') + "\"";
    CHECK(field(fits, "a") == "missing");
    CHECK(field(fits + " ", "a") == "too large");
}

TEST_CASE("an invalid path is refused") {
    CHECK(parse_error("a.b") == "none");
    for (const char* path : {"", ".", ".a", "a.", "a..b"}) {
        CAPTURE(path);
        CHECK(parse_error(path) ==
              "a name is empty: write names with dots between them, as in sensors.0.temp");
    }
    CHECK(parse_error("a\\b") ==
          "a backslash is only valid before '.', '[' or another backslash: write \\\\ for one");
    CHECK(parse_error("a\\") ==
          "a backslash is only valid before '.', '[' or another backslash: write \\\\ for one");
    CHECK(parse_error("a" + repeated(".a", FieldPath::max_steps - 1)) == "none");
    CHECK(parse_error("a" + repeated(".a", FieldPath::max_steps)) ==
          "more than 32 names: payloads are not searched deeper");
}
