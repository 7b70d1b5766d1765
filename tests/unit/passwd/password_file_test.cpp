// Tests of PasswordFile: edits change no other byte.
#include "password_file.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace mqttc::passwd;
using namespace std::string_view_literals;

namespace {

std::string content(const PasswordFile& file) {
    std::string all;
    for (const std::string_view piece : file.pieces()) all += piece;
    return all;
}

std::string after_set(std::string_view text, std::string_view name, std::string hash) {
    PasswordFile file(text);
    file.set(name, std::move(hash));
    return content(file);
}

}  // namespace

TEST_CASE("each line is an entry, a comment, blank or unreadable") {
    using Kind = PasswordLine::Kind;
    std::vector<PasswordLine> lines;
    for (const PasswordLine& line :
         PasswordLines("u:h\n# c:d\n\n  \t\n  #x\nnocolon\n:h\n a b \t: h:i \r\nlast:\n"))
        lines.push_back(line);
    REQUIRE(lines.size() == 9);
    CHECK(lines[0].kind == Kind::entry);
    CHECK(lines[0].name == "u");
    CHECK(lines[0].stored == "h");
    CHECK(lines[1].kind == Kind::comment);
    CHECK(lines[2].kind == Kind::blank);
    CHECK(lines[3].kind == Kind::blank);
    CHECK(lines[4].kind == Kind::comment);
    CHECK(lines[5].kind == Kind::unreadable);
    CHECK(lines[6].kind == Kind::unreadable);
    CHECK(lines[7].kind == Kind::entry);
    CHECK(lines[7].name == "a b");
    CHECK(lines[7].stored == " h:i ");
    CHECK(lines[8].stored.empty());
    CHECK(lines[0].number == 1);
    CHECK(lines[8].number == 9);
}

TEST_CASE("an unedited file is the same byte for byte") {
    for (const std::string_view text :
         {""sv, "\n"sv, "u:h"sv, "u:h\n"sv, "u:h\r\nv:i\r\n"sv, "\r\n\n\r"sv, "# only a comment"sv,
          "a:\0b\n\0:c\n"sv, "u:1\nu:2\n\n\n"sv, "\xff\xfe:x\n"sv}) {
        CHECK(content(PasswordFile(text)) == text);
    }
}

TEST_CASE("a new user is added at the end") {
    CHECK(after_set("", "u", "h") == "u:h\n");
    CHECK(after_set("a:1\n# end\n", "u", "h") == "a:1\n# end\nu:h\n");
}

TEST_CASE("a new user gets a line of its own after a last line without a newline") {
    CHECK(after_set("a:1", "u", "h") == "a:1\nu:h\n");
    CHECK(after_set("a:1\nb:2\n# end", "u", "h") == "a:1\nb:2\n# end\nu:h\n");
}

TEST_CASE("a new line in a CRLF file ends with CRLF") {
    CHECK(after_set("a:1\r\n", "u", "h") == "a:1\r\nu:h\r\n");
    CHECK(after_set("a:1\r\nb:2", "u", "h") == "a:1\r\nb:2\r\nu:h\r\n");
    CHECK(after_set("a:1\r\nb:2\r", "u", "h") == "a:1\r\nb:2\r\nu:h\r\n");
}

TEST_CASE("replacing a hash changes nothing else") {
    CHECK(after_set("# c\n\na:1\nnocolon\nu:old:with:colons\nz:9", "u", "h") ==
          "# c\n\na:1\nnocolon\nu:h\nz:9");
    CHECK(after_set("a:1\r\n u :old\r\nz:9\r\n", "u", "h") == "a:1\r\n u :h\r\nz:9\r\n");
    CHECK(after_set("u:old", "u", "h") == "u:h");
    CHECK(after_set("u:\nv:2\n", "u", "h") == "u:h\nv:2\n");
}

TEST_CASE("a user with several lines gets the new hash in each of them") {
    CHECK(after_set("u:1\na:2\nu:3\n", "u", "h") == "u:h\na:2\nu:h\n");
}

TEST_CASE("when a user is set twice, the second hash is kept") {
    PasswordFile file("a:1\n");
    file.set("new", "h");
    file.set("other", "i");
    file.set("new", "j");
    file.set("a", "k");
    file.set("a", "l");
    CHECK(content(file) == "a:l\nnew:j\nother:i\n");
}

TEST_CASE("removing a user removes all lines of the user and nothing else") {
    PasswordFile file("# u:0\nu:1\n\na:2\n u :3\r\nu2:4");
    CHECK(file.remove("u"));
    CHECK(content(file) == "# u:0\n\na:2\nu2:4");
    CHECK_FALSE(PasswordFile("a:1\n").remove("b"));
    CHECK_FALSE(PasswordFile("# b:1\n").remove("# b"));
}

TEST_CASE("after the last line is removed, the next new line is separate") {
    PasswordFile file("a:1\nu:2");
    CHECK(file.remove("u"));
    CHECK(content(file) == "a:1\n");
    PasswordFile unterminated("u:2\na:1");
    CHECK(unterminated.remove("u"));
    unterminated.set("b", "3");
    CHECK(content(unterminated) == "a:1\nb:3\n");
}

TEST_CASE("the last line of a user is used, as by brokers") {
    const PasswordFile file("u:1\nu:2\n");
    REQUIRE(file.find("u").has_value());
    CHECK(file.find("u")->stored == "2");
    CHECK(!file.find("v").has_value());
}

TEST_CASE("names that brokers could not read back are refused") {
    for (const std::string_view good : {"u"sv, "a b"sv, "u#"sv, "m\xc3\xbcller"sv, "$x"sv, "-"sv})
        CHECK(check_name(good));
    for (const std::string_view bad :
         {""sv, "a:b"sv, "#u"sv, " u"sv, "u "sv, "\tu"sv, "a\nb"sv, "a\0b"sv, "a\x7f"sv, "m\xfcller"sv}) {
        CAPTURE(bad);
        CHECK_FALSE(check_name(bad));
    }
    CHECK(check_name(std::string(max_name_length, 'n')));
    CHECK_FALSE(check_name(std::string(max_name_length + 1, 'n')));
}

TEST_CASE("every accepted name can be read back from its line") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string name = {'a', static_cast<char>(byte), 'b'};
        if (!check_name(name)) continue;
        const std::string text = after_set("", name, "h");
        REQUIRE(PasswordFile(text).find(name).has_value());
        CHECK(PasswordFile(text).find(name)->stored == "h");
    }
}

TEST_CASE("editing many users takes linear time") {
    std::string text;
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i) text += "user" + std::to_string(i) + ":x\n";
    PasswordFile file(text);
    for (int i = 0; i < count; ++i) file.set("user" + std::to_string(i * 2), "y");
    const std::string edited = content(file);
    CHECK(edited.starts_with("user0:y\nuser1:x\nuser2:y\n"));
    CHECK(edited.ends_with("user199998:y\n"));
}
