// Tests of the JSON scanner and of coloured JSON (apps/output/json_scan.cpp).
#include "json_scan.hpp"

#include <doctest/doctest.h>

#include <string>

#include "json_out.hpp"

using namespace mqttc::output;

namespace {

// A letter per token, and the text of those that have one.
std::string tokens(std::string_view json) {
    static constexpr std::string_view letters = "{}[]ksnw.!";
    JsonScanner scan(json);
    std::string all;
    for (;;) {
        const JsonScanner::Token token = scan.next();
        all += letters[static_cast<std::size_t>(token)];
        if (token >= JsonScanner::Token::end) return all;
        if (token >= JsonScanner::Token::key) all.append(scan.token());
    }
}

std::string text_of(std::string_view inside) {
    TextBuffer out;
    append_json_text(out, inside);
    return std::string(out.view());
}

std::string highlighted(std::string_view json, bool terminal = true) {
    TextBuffer out;
    append_highlighted(out, json, terminal);
    return std::string(out.view());
}

}  // namespace

TEST_CASE("JSON is read token by token") {
    CHECK(tokens(R"( {"a" : [1, -2.5e+3, true , null],"b":{} , "c":"x\"y"} )") ==
          R"({k"a"[n1n-2.5e+3wtruewnull]k"b"{}k"c"s"x\"y"}.)");
    CHECK(tokens("[]") == "[].");
    CHECK(tokens("-0") == "n-0.");
    CHECK(tokens("\xef\xbb\xbf\"x\"") == "s\"x\".");
}

TEST_CASE("the scanner and the parser of %J agree on what is JSON") {
    for (const std::string_view text : {"",
                                        " ",
                                        "1",
                                        "01",
                                        "-",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "1e+",
                                        "1E5",
                                        "+1",
                                        "0x1",
                                        "tru",
                                        "truex",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{1:2}",
                                        "[}",
                                        "{]",
                                        "[]]",
                                        "\"",
                                        "\"\\\"",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12G4\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud83d\\ude00\"",
                                        "\"\\ud83dx\"",
                                        "\"\t\"",
                                        "\"\x7f\"",
                                        "\"\xc3\xa9\"",
                                        "\"\xc3\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\xf4\x90\x80\x80\"",
                                        "\xef\xbb\xbf[]",
                                        "\xef\xbb[]",
                                        "[\v]",
                                        "nan",
                                        "1e999",
                                        "-1e-999",
                                        "123456789012345678901234567890",
                                        "[1] x",
                                        "{\"a\":1 \"b\":2}",
                                        "//c\n1"}) {
        CAPTURE(text);
        CHECK(tokens(text).ends_with('.') == json_error(text).empty());
    }
}

TEST_CASE("a string ends at its quote wherever in a word of eight bytes it is") {
    for (std::size_t before = 0; before < 20; ++before) {
        for (std::size_t after = 0; after < 10; ++after) {
            const std::string given =
                "[\"" + std::string(before, 'a') + "\",\"" + std::string(after, 'b') + "\"]";
            CAPTURE(given);
            CHECK(tokens(given) ==
                  "[s\"" + std::string(before, 'a') + "\"s\"" + std::string(after, 'b') + "\"].");
            for (const char bad : {'\x1f', '\0', '\x80', '\xff'}) {
                const std::string invalid =
                    "\"" + std::string(before, '~') + bad + std::string(after, ' ') + "\"";
                CHECK(tokens(invalid) == "!");
            }
        }
    }
}

TEST_CASE("the scanner reports which strings are not printable ASCII without escapes") {
    const auto flags = [](std::string_view given) {
        JsonScanner scan(given);
        scan.next();
        return std::string(scan.has_escape() ? "escape " : "") + (scan.has_unusual() ? "unusual" : "");
    };
    CHECK(flags(R"("abc ~")") == "");
    CHECK(flags(R"("a\nc")") == "escape ");
    CHECK(flags("\"a\x7f\"") == "unusual");
    CHECK(flags("\"\xc3\xa9\\\"\"") == "escape unusual");
}

TEST_CASE("values are skipped to their end, and depth is limited as the caller asks") {
    JsonScanner scan(R"({"a":[1,{"b":"]"}],"c":2})");
    CHECK(scan.next() == JsonScanner::Token::begin_object);
    CHECK(scan.next() == JsonScanner::Token::key);
    CHECK(scan.next() == JsonScanner::Token::begin_array);
    CHECK(scan.skip());
    CHECK(scan.token() == "]");
    CHECK(scan.position() == 17);
    CHECK_FALSE(scan.has_space());
    CHECK(scan.next() == JsonScanner::Token::key);
    CHECK(scan.inside() == "c");
    const auto skipped = [](std::string_view given) {
        JsonScanner whole(given);
        whole.next();
        if (!whole.skip()) return std::string("invalid");
        CHECK(whole.next() == JsonScanner::Token::end);
        return std::string(whole.has_space() ? "space " : "") + (whole.has_escape() ? "escape " : "") +
               (whole.has_unusual() ? "unusual" : "");
    };
    CHECK(skipped(R"({"a":[],"b":[{}],"c":-1.5e+3,"d":[true,false,null]})") == "");
    CHECK(skipped(R"(["a\n",[1, 2]])") == "space escape ");
    CHECK(skipped("[[ ],\"\xc3\xa9\"]") == "space unusual");
    for (const std::string_view invalid :
         {"[",       "{",        "[1",         "[1,",        "[1,]",      "[,1]",  "[}",     "{]",
          "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",        "{1:2}",     "[1 2]", "[tru]",  "[01]",
          "[1.]",    "[\"a]",    "[\"\\x\"]",  "[\"\xff\"]", "{\"a\" 1}", "[{]}",  "[nulll]"})
        CHECK(skipped(invalid) == "invalid");
    // Objects and arrays in turn, to where their levels are kept in the heap and back.
    std::string deep;
    for (int i = 0; i < 2500; ++i) deep += i % 3 == 0 ? "[" : "{\"\":";
    deep += "1";
    for (int i = 2500; i-- > 0;) deep += i % 3 == 0 ? "]" : "}";
    const auto valid = [](std::string_view given, std::size_t depth) {
        JsonScanner nested(given, depth);
        auto token = nested.next();
        while (token < JsonScanner::Token::end) token = nested.next();
        CHECK(nested.too_deep() == (depth < 2500));
        return token == JsonScanner::Token::end;
    };
    CHECK(valid(deep, JsonScanner::any_depth));
    CHECK(valid(deep, 2500));
    CHECK_FALSE(valid(deep, 2499));
    deep[deep.size() - 300] ^= ']' ^ '}';
    CHECK_FALSE(valid(deep, JsonScanner::any_depth));
}

TEST_CASE("escapes of keys and strings are resolved") {
    CHECK(text_of(R"(a\"\\\/\b\f\n\r\tz)") == "a\"\\/\b\f\n\r\tz");
    CHECK(text_of(R"(\u0041\u00e9\u20AC\ud83d\ude00)") == "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(text_of("") == "");
}

TEST_CASE("keys, strings, numbers and words have colours, and nothing else changes") {
    CHECK(highlighted(R"({"a": [1, "x", true]})") ==
          "{\033[34m\"a\"\033[0m: [\033[33m1\033[0m, \033[32m\"x\"\033[0m, \033[35mtrue\033[0m]}");
    // What a terminal would obey is escaped; elsewhere it isn't.
    CHECK(highlighted("[\"\x7f\"]") == "[\033[32m\"\\x7f\"\033[0m]");
    CHECK(highlighted("[\"\x7f\"]", false) == "[\033[32m\"\x7f\"\033[0m]");
    CHECK(highlighted("[1 no\033[2J") == "[\033[33m1\033[0m no\\x1b[2J");
    CHECK(highlighted(R"({"a" :x)", false) == "{\033[34m\"a\"\033[0m :x");
    CHECK(highlighted(R"({"a" 1})", false) == R"({"a" 1})");
    CHECK(may_highlight(" {"));
    CHECK_FALSE(may_highlight("21.5"));
    CHECK_FALSE(may_highlight(""));
}
