// Tests with Debian's Mosquitto: shared password files, and logins at its broker.
#include "passwd_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"

using namespace mqttc::test;

namespace {

void mosquitto_passwd(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), mosquitto_passwd_path);
    const Result result = run(std::move(arguments));
    CAPTURE(result.err);
    CHECK(result.exit.code == 0);
}

// The exit code of mosquitto_pub after a login: 0, or the CONNACK code.
int login(const RealBroker& broker, const std::string& user, const std::string& password) {
    return run({mosquitto_pub_path, "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-t", "t", "-m",
                "m", "-u", user, "-P", password})
        .exit.code;
}

constexpr int accepted = 0;
constexpr int refused = 5;  // CONNACK "not authorized" of MQTT 3.1.1

std::string config(const std::string& file) {
    return "allow_anonymous false\npassword_file " + file + "\n";
}

}  // namespace

TEST_CASE("the broker accepts each kind of hash that it supports" * needs_mosquitto()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "# users\n\n");
    passwd_ok({"-b", file, "standard", "one"});
    passwd_ok({"-b", "-H", "sha512", file, "old", "two"});
    passwd_ok({"-b", "-I", "1", file, "cheap", "three : $ "});
    passwd_ok({"-b", "-I", "150000", file, "m\xc3\xbcller strasse", "\xe2\x82\xac"});
    passwd_ok({"-b", "-H", "argon2id", file, "modern", "four"});
    passwd_ok({"-b", "--salt-length", "64", file, "salty", "five"});
    passwd_ok({"--import", "-", file}, "imported:six\n");

    const RealBroker broker(config(file));
    CHECK(login(broker, "standard", "one") == accepted);
    CHECK(login(broker, "standard", "two") == refused);
    CHECK(login(broker, "old", "two") == accepted);
    CHECK(login(broker, "old", "one") == refused);
    CHECK(login(broker, "cheap", "three : $ ") == accepted);
    CHECK(login(broker, "m\xc3\xbcller strasse", "\xe2\x82\xac") == accepted);
    CHECK(login(broker, "imported", "six") == accepted);
    // Brokers of the 2.0 series do not support these, as the manual says.
    CHECK(login(broker, "modern", "four") == refused);
    CHECK(login(broker, "salty", "five") == refused);
}

TEST_CASE("the broker accepts passwords hashed with -U" * needs_mosquitto()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "# plain\nann:one\nbob:two:with:colons\r\n\ncat:three");
    passwd_ok({"-U", file});
    const RealBroker broker(config(file));
    CHECK(login(broker, "ann", "one") == accepted);
    CHECK(login(broker, "bob", "two:with:colons") == accepted);
    CHECK(login(broker, "cat", "three") == accepted);
    CHECK(login(broker, "cat", "one") == refused);
}

TEST_CASE("-U keeps spaces around a password, which mosquitto_passwd 2.0 removes" * needs_mosquitto()) {
    const TempDir dir;
    const std::string plain = "ann:end \nbob: start\ncat:in side\ndan:dos\r\n";
    const std::string ours = dir.write("ours", plain);
    const std::string theirs = dir.write("theirs", plain);
    CHECK(passwd({"-U", ours}).exit == ok);
    REQUIRE(run({mosquitto_passwd_path, "-U", theirs}).exit == ok);
    const RealBroker by_ours(config(ours));
    const RealBroker by_theirs(config(theirs));
    CHECK(login(by_ours, "ann", "end ") == accepted);
    CHECK(login(by_ours, "bob", " start") == accepted);
    CHECK(login(by_theirs, "ann", "end") == accepted);
    CHECK(login(by_theirs, "bob", "start") == accepted);
    for (const RealBroker* broker : {&by_ours, &by_theirs}) {
        CHECK(login(*broker, "cat", "in side") == accepted);
        CHECK(login(*broker, "dan", "dos") == accepted);
    }
}

TEST_CASE("the broker and --verify use the same of several lines of a user" * needs_mosquitto()) {
    const TempDir dir;
    const std::string first = passwd_ok({"-c", "-b", "-I", "1", "-", "u", "first"});
    const std::string second = passwd_ok({"-c", "-b", "-I", "1", "-", "u", "second"});
    const std::string file = dir.write("pw", first + second);
    CHECK(right_password(file, "u", "second"));
    CHECK_FALSE(right_password(file, "u", "first"));
    {
        const RealBroker broker(config(file));
        CHECK(login(broker, "u", "second") == accepted);
        CHECK(login(broker, "u", "first") == refused);
    }
    passwd_ok({"-b", file, "u", "third"});
    const RealBroker broker(config(file));
    CHECK(login(broker, "u", "third") == accepted);
    CHECK(login(broker, "u", "second") == refused);
}

TEST_CASE("mqtt_passwd and mosquitto_passwd can edit the same file in turn" * needs_mosquitto()) {
    const TempDir dir;
    const std::string file = dir.file("pw");
    mosquitto_passwd({"-c", "-b", file, "ann", "one"});
    mosquitto_passwd({"-b", "-H", "sha512", file, "bob", "two"});
    passwd_ok({"-b", file, "cat", "three"});
    passwd_ok({"-b", file, "ann", "new"});
    mosquitto_passwd({"-b", file, "dan", "four"});
    mosquitto_passwd({"-b", file, "cat", "newer"});
    passwd_ok({"-D", file, "bob"});
    passwd_ok({"-b", "-H", "sha512", file, "eve", "five"});
    mosquitto_passwd({"-D", file, "dan"});
    passwd_ok({"-b", file, "fay", "six"});

    CHECK(passwd_ok({"--list", file}) == "ann\ncat\neve\nfay\n");
    CHECK(right_password(file, "ann", "new"));
    CHECK(right_password(file, "cat", "newer"));
    CHECK(right_password(file, "eve", "five"));
    CHECK(right_password(file, "fay", "six"));
    const RealBroker broker(config(file));
    CHECK(login(broker, "ann", "new") == accepted);
    CHECK(login(broker, "cat", "newer") == accepted);
    CHECK(login(broker, "eve", "five") == accepted);
    CHECK(login(broker, "fay", "six") == accepted);
    CHECK(login(broker, "bob", "two") == refused);
}

TEST_CASE("hashes by mosquitto_passwd are verified with any parameters" * needs_mosquitto()) {
    const TempDir dir;
    const std::string file = dir.file("pw");
    mosquitto_passwd({"-c", "-b", file, "default", "p"});
    mosquitto_passwd({"-b", "-I", "7", file, "seven", "p"});
    mosquitto_passwd({"-b", "-H", "sha512", file, "sha", "p"});
    for (const char* user : {"default", "seven", "sha"}) {
        CHECK(right_password(file, user, "p"));
        CHECK_FALSE(right_password(file, user, "q"));
    }
}

TEST_CASE("passwords on standard input give the same exit codes as mosquitto_passwd" * needs_mosquitto()) {
    const TempDir dir;
    for (const std::string& input : {std::string("p\np\n"), std::string("p\r\np\r\n"), std::string("p\nq\n"),
                                     std::string("p\n"), std::string(), std::string("\n\n")}) {
        CAPTURE(input);
        const std::string file = dir.write("ours", "");
        const std::string original_file = dir.write("original", "");
        const Result result = passwd({file, "u"}, input);
        const Result original = run({mosquitto_passwd_path, original_file, "u"}, input);
        CHECK(result.exit.code == original.exit.code);
        if (result.exit.code == 0)
            CHECK(right_password(original_file, "u", "p") == right_password(file, "u", "p"));
    }
}

TEST_CASE("command lines are accepted or refused as by mosquitto_passwd" * needs_mosquitto()) {
    const TempDir dir;
    const std::string text = passwd_ok({"-c", "-b", "-I", "1", "-", "u", "p"});
    const std::string file = dir.file("pw");
    const std::vector<std::vector<std::string>> lines = {
        {"-b", file, "v", "p"},
        {"-c", "-b", file, "v", "p"},
        {"-b", "-c", file, "v", "p"},
        {"-H", "sha512", "-I", "10", "-b", file, "v", "p"},
        {"-H", "sha512", "-H", "sha512-pbkdf2", "-b", file, "v", "p"},
        {"-b", file, "v", "-p"},
        {"-D", file, "u"},
        {"-D", file, "nobody"},
        {"-D", file + "x", "u"},
        {"-U", file + "x"},
        {"-b", file + "x", "u", "p"},
        {"-b", file, "a:b", "p"},
        {"-b", file, "u"},
        {file, "u", "p"},
        {file, "-b", "u", "p"},
        {"-b", "-D", file, "u"},
        {"-c", "-D", file, "u"},
        {"-c", "-U", file},
        {"-I", "0", "-b", file, "u", "p"},
        {"-I", "x", "-b", file, "u", "p"},
        {"-H", "md5", "-b", file, "u", "p"},
        {"-H"},
        {"-U"},
        {},
    };
    for (const auto& line : lines) {
        std::string shown;
        for (const std::string& part : line) shown += part + " ";
        CAPTURE(shown);
        dir.write("pw", text);
        std::vector<std::string> original = line;
        original.insert(original.begin(), mosquitto_passwd_path);
        const int original_code = run(std::move(original)).exit.code;
        dir.write("pw", text);
        CHECK(passwd(line).exit.code == original_code);
    }
}
