// Tests of the actions of mqtt_passwd: files, output and exit codes.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "passwd_program.hpp"
#include "support/needs.hpp"

using namespace mqttc::test;

TEST_CASE("--help and --version print to stdout and exit with 0") {
    CHECK(passwd_ok({"--version"}) == "mqtt_passwd " MQTTC_VERSION "\n");
    const std::string help = passwd_ok({"--help"});
    CHECK(help.find("usage: mqtt_passwd") != std::string::npos);
    CHECK(help.find("-H, --hash HASH") != std::string::npos);
}

TEST_CASE("a wrong command line is reported in one line on stderr, with exit code 1") {
    const Result result = passwd({"-c", "-D", "f", "u"});
    CHECK(result.exit.code == 1);
    CHECK(result.out == "");
    CHECK(result.err == "mqtt_passwd: -c cannot be used with -D; try 'mqtt_passwd --help'\n");
}

TEST_CASE("users are added, replaced, listed, verified and deleted") {
    const TempDir dir;
    const std::string file = dir.write("pw", "# the gate\n\n");
    passwd_ok({"-b", file, "ann", "one"});
    passwd_ok({"-b", "-H", "sha512", file, "bob", "two : words"});
    passwd_ok({"-b", "-H", "argon2id", "--memory", "64", file, "cat", "three"});
    passwd_ok({"-b", "--salt-length", "64", "-I", "9", file, "dan", "-four"});
    CHECK(passwd_ok({"--list", file}) == "ann\nbob\ncat\ndan\n");
    CHECK(right_password(file, "ann", "one"));
    CHECK(right_password(file, "bob", "two : words"));
    CHECK(right_password(file, "cat", "three"));
    CHECK(right_password(file, "dan", "-four"));
    CHECK_FALSE(right_password(file, "dan", "four"));

    passwd_ok({"-b", file, "bob", "new"});
    CHECK(right_password(file, "bob", "new"));
    CHECK(passwd_ok({"--list", file}) == "ann\nbob\ncat\ndan\n");

    passwd_ok({"-D", file, "cat"});
    CHECK(passwd_ok({"--list", file}) == "ann\nbob\ndan\n");
    CHECK(read_file(file).starts_with("# the gate\n\nann:$7$20000$"));
    CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
}

TEST_CASE("every other byte of the file is kept") {
    const TempDir dir;
    const std::string odd =
        "#c\r\n\n  \nno colon\nx:$5$unknown$hash\n y :$9$\t\n:nameless\n\xff\x01:z\nlast:$8$a$b";
    const std::string file = dir.write("pw", odd);
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    passwd_ok({"-b", "-I", "1", file, "new", "p"});
    const std::string grown = read_file(file);
    CHECK(grown.starts_with(odd + "\nnew:$7$1$"));
    passwd_ok({"-D", file, "new"});
    CHECK(read_file(file) == odd + "\n");
    struct stat about{};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0640);
}

TEST_CASE("a new file is private, and who can read it is reported") {
    const TempDir dir;
    const std::string file = dir.file("pw");
    const bool for_broker = ::geteuid() == 0 && run({"id", "mosquitto"}).exit.code == 0;
    const Result created = passwd({"-c", "-b", file, "u", "p"});
    CHECK(created.exit.code == 0);
    CHECK(created.err ==
          (for_broker ? "mqtt_passwd: the new file " + file +
                            " belongs to root and has the group of the broker's user mosquitto, which "
                            "can read it\n"
                      : "mqtt_passwd: only you can read the new file " + file +
                            "; a broker that runs as another user needs: chown mosquitto: " + file + "\n"));
    struct stat about{};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == (for_broker ? 0640 : 0600));
    CHECK(passwd_ok({"-b", file, "v", "p"}) == "");
}

TEST_CASE("a password that cannot be checked without enough memory is not reported as wrong" *
          needs_no_sanitizer()) {
    const TempDir dir;
    const std::string file = dir.file("pw");
    CHECK(passwd({"-c", "-b", "-H", "argon2id", "--memory", "400000", file, "u", "p"}).exit.code == 0);
    std::vector<std::string> argv = {"sh", "-c", "ulimit -v 200000; exec \"$@\"", "sh"};
    for (std::string& part : passwd_argv({"-b", "--verify", "u", file, "p"})) argv.push_back(std::move(part));
    const Result result = run(std::move(argv));
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_passwd: " + file +
                            ", line 1: the password could not be checked: not enough memory for the "
                            "argon2id hash\n");
}

TEST_CASE("hashes that cost more than a minute are neither created nor checked") {
    const TempDir dir;
    const std::string text =
        "u:$argon2id$v=19$m=2097152,t=1000000,p=1$c29tZXNhbHQ$"
        "cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70\n";
    const std::string file = dir.write("pw", text);
    const Result checked = passwd({"-b", "--verify", "u", file, "p"});
    CHECK(checked.exit.code == 1);
    CHECK(checked.err ==
          "mqtt_passwd: " + file +
              ", line 1: the password could not be checked: the hash requires 1000000 passes over "
              "2097152 KiB; more than 64 GiB in all are not tried\n");
    const Result created = passwd({"-b", "-H", "argon2id", "-I", "1000000", file, "v", "p"});
    CHECK(created.exit.code == 1);
    CHECK(
        created.err ==
        "mqtt_passwd: cannot hash: --verify would require 1000000 passes over 47104 KiB; more than 64 GiB in "
        "all are not tried (use a smaller -I or --memory)\n");
    CHECK(read_file(file) == text);
}

TEST_CASE("-c empties an existing file and keeps its mode") {
    const TempDir dir;
    const std::string file = dir.write("pw", "old:x\n# gone\n");
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    passwd_ok({"-c", "-b", file, "u", "p"});
    CHECK(passwd_ok({"--list", file}) == "u\n");
    CHECK(read_file(file).find("gone") == std::string::npos);
    struct stat about{};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0644);
}

TEST_CASE("-c - writes the line to stdout") {
    const std::string line = passwd_ok({"-c", "-b", "-", "u", "p"});
    CHECK(line.starts_with("u:$7$20000$"));
    CHECK(line.ends_with("==\n"));
}

TEST_CASE("a failure is reported in one line, and the file is not changed") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:$6$x\n");
    const auto refused = [&](std::vector<std::string> arguments, int code = 1) {
        const Result result = passwd(std::move(arguments));
        CHECK(result.exit.code == code);
        CHECK(result.out == "");
        CHECK(read_file(file) == "u:$6$x\n");
        CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
        return result.err;
    };
    CHECK(refused({"-b", dir.file("none"), "u", "p"}) ==
          "mqtt_passwd: cannot open " + dir.file("none") + ": no such file or directory (-c creates it)\n");
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"-D", dir.file("none"), "u"}, {"-U", dir.file("none")}}) {
        CHECK(refused(arguments) ==
              "mqtt_passwd: cannot open " + dir.file("none") + ": no such file or directory\n");
    }
    CHECK(refused({"-b", dir.file("u"), file, "p"}) ==
          "mqtt_passwd: there is no file " + dir.file("u") +
              " (give the password file before the user name)\n");
    CHECK(refused({"--x\x1b[31m", file, "u"}) ==
          "mqtt_passwd: unknown option '--x\\x1b[31m'; try 'mqtt_passwd --help'\n");
    CHECK(refused({"-D", file, "nobody"}) == "mqtt_passwd: there is no user 'nobody' in " + file + "\n");
    CHECK(refused({"-b", file, "a:b", "p"}) ==
          "mqtt_passwd: the user name 'a:b' contains ':', which ends the name in a password file\n");
    CHECK(refused({"-b", file, std::string(70'000, 'x'), "p"}) ==
          "mqtt_passwd: the user name '" + std::string(1024, 'x') +
              "\xe2\x80\xa6 (70000 bytes)' is longer than 65535 bytes\n");
    CHECK(refused({"-b", file, "", "p"}) == "mqtt_passwd: the user name '' is empty\n");
    CHECK(refused({"-b", file, "u", ""}) == "mqtt_passwd: the password is empty\n");
    CHECK(refused({"-b", file, "u", std::string(65'536, 'x')}) ==
          "mqtt_passwd: the password is longer than 65535 bytes\n");
    CHECK(refused({"-b", file, "new\nline", "p"})
              .starts_with("mqtt_passwd: the user name 'new\\nline' contains"));
    CHECK(refused({"-b", "--verify", "nobody", file, "p"}) ==
          "mqtt_passwd: there is no user 'nobody' in " + file + "\n");
    CHECK(refused({"-b", "--verify", "u", file, "p"}) ==
          "mqtt_passwd: " + file + ", line 1: a hash of an unknown kind\n");
}

TEST_CASE("a password from a pipe is two equal lines, or one with --stdin") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    CHECK(passwd_ok({file, "two"}, "pass word\npass word\nrest\n") == "");
    CHECK(right_password(file, "two", "pass word"));
    CHECK(passwd_ok({file, "crlf"}, "p\r\np\r\n") == "");
    CHECK(right_password(file, "crlf", "p"));
    CHECK(passwd_ok({"--stdin", file, "one"}, "p\nrest\n") == "");
    CHECK(right_password(file, "one", "p"));
    CHECK(passwd_ok({"--stdin", file, "bare"}, "no newline") == "");
    CHECK(right_password(file, "bare", "no newline"));
    CHECK(passwd({"--verify", "bare", file}, "no newline\n").exit.code == 0);
    CHECK(passwd({"--stdin", "--verify", "bare", file}, "wrong\n").exit.code == 2);

    const std::string before = read_file(file);
    const Result differ = passwd({file, "two"}, "p\nq\n");
    CHECK(differ.exit.code == 2);
    CHECK(differ.err == "mqtt_passwd: the two passwords differ\n");
    const Result once = passwd({file, "two"}, "p\n");
    CHECK(once.exit.code == 1);
    CHECK(once.err.find("--stdin") != std::string::npos);
    CHECK(passwd({file, "two"}, "").exit.code == 1);
    CHECK(passwd({"--stdin", file, "two"}, "\n").exit.code == 1);
    CHECK(read_file(file) == before);
}

TEST_CASE("--stdin reads only one line") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    const Result result = run({"sh", "-c", "\"$@\"; cat", "sh", program("mqtt_passwd"), "--stdin", file, "u"},
                              "secret\nnext line\n");
    CHECK(result.exit.code == 0);
    CHECK(result.out == "next line\n");
}

TEST_CASE("-U hashes plain-text passwords, keeps the rest and reports unreadable lines") {
    const TempDir dir;
    const std::string file = dir.write("pw",
                                       "# plain\nann:one:with:colons\n\nnocolon\nbob: spaces "
                                       "\nspace:  \nodd:$5$a$b\nnone:\ndollar:$ecret\r\nlast:end");
    passwd_ok({"-b", "-I", "3", file, "hashed", "p"});
    const std::string with_hash = read_file(file);
    const std::string hashed_line = with_hash.substr(with_hash.find("hashed:"));

    const Result result = passwd({"-U", "-I", "2", file});
    CHECK(result.exit.code == 0);
    CHECK(result.err ==
          "mqtt_passwd: " + file + ", line 4: not name:password; not changed\n" + "mqtt_passwd: " + file +
              ", line 5: the password of user 'bob' has spaces at its start or end, which are "
              "part of it\n" +
              "mqtt_passwd: " + file +
              ", line 6: the password of user 'space' has spaces at its start or end, which are "
              "part of it\n" +
              "mqtt_passwd: " + file + ", line 7: user 'odd' has a hash of an unknown kind; not changed\n" +
              "mqtt_passwd: " + file + ", line 8: user 'none' has no password; not changed\n");
    const std::string text = read_file(file);
    CHECK(text.starts_with("# plain\nann:$7$2$"));
    CHECK(text.find("\nnocolon\nbob:$7$2$") != std::string::npos);
    CHECK(text.find("\nodd:$5$a$b\nnone:\ndollar:$7$2$") != std::string::npos);
    CHECK(text.find("==\r\nlast:$7$2$") != std::string::npos);
    CHECK(text.ends_with(hashed_line));
    CHECK(right_password(file, "ann", "one:with:colons"));
    CHECK(right_password(file, "bob", " spaces "));
    CHECK(right_password(file, "space", "  "));
    CHECK(right_password(file, "dollar", "$ecret"));
    CHECK(right_password(file, "last", "end"));
    CHECK(right_password(file, "hashed", "p"));

    CHECK(passwd({"-U", file}).exit.code == 0);
    CHECK(read_file(file) == text);
}

TEST_CASE("without stdout or stderr, their output is not written to the file") {
    const TempDir dir;
    const auto closed = [](const std::string& redirection, std::vector<std::string> arguments) {
        std::vector<std::string> argv = {"sh", "-c", "exec \"$@\" " + redirection, "sh"};
        for (std::string& part : passwd_argv(std::move(arguments))) argv.push_back(std::move(part));
        return run(std::move(argv));
    };
    const std::string odd = "no colon\nu:$6$AAAA$\n";
    const std::string file = dir.write("pw", odd + "me:plain\n");
    CHECK(closed("2>&-", {"-U", "-I", "1", file}).exit.code == 0);
    CHECK(read_file(file).starts_with(odd + "me:$7$1$"));
    CHECK(std::ranges::count(read_file(file), '\n') == 3);
    CHECK(closed(">&-", {"--list", file}).exit.code == 1);
    CHECK(closed("<&-", {"--stdin", file, "me"}).exit.code == 1);
}

TEST_CASE("-U without plain-text passwords does not replace the file") {
    const TempDir dir;
    const std::string file = dir.write("pw", "# nobody\n");
    struct stat before{};
    struct stat after{};
    REQUIRE(::stat(file.c_str(), &before) == 0);
    passwd_ok({"-U", file});
    REQUIRE(::stat(file.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
}

TEST_CASE("--import adds and replaces many users at once") {
    const TempDir dir;
    const std::string file = dir.write("pw", "# head\nuser3:old\nother:$5$keep$me\n");
    std::string users = "# from the old system\n\n";
    for (int i = 0; i < 50; ++i) users += "user" + std::to_string(i) + ":pass:" + std::to_string(i) + "\n";
    passwd_ok({"-I", "1", "--import", dir.write("users", users), file});
    CHECK(right_password(file, "user3", "pass:3"));
    CHECK(right_password(file, "user49", "pass:49"));
    const std::string text = read_file(file);
    CHECK(text.starts_with("# head\nuser3:$7$1$"));
    CHECK(text.find("\nother:$5$keep$me\nuser0:") != std::string::npos);

    passwd_ok({"-I", "1", "--import", "-", file}, "piped:p\n");
    CHECK(right_password(file, "piped", "p"));
    const Result created = passwd({"-c", "--import", "-", dir.file("new")}, "a:b\r\n");
    CHECK(created.exit.code == 0);
    CHECK(right_password(dir.file("new"), "a", "b"));
}

TEST_CASE("--import copies hashes unchanged") {
    const TempDir dir;
    const std::string line = passwd_ok({"-c", "-b", "-I", "1", "-", "u", "p"});
    const std::string file = dir.write("pw", "");
    passwd_ok({"--import", "-", file}, line);
    CHECK(read_file(file) == line);
}

TEST_CASE("--import without users reports this and does not change the file") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    struct stat before{};
    struct stat after{};
    REQUIRE(::stat(file.c_str(), &before) == 0);
    for (const std::string input : {"", "# nobody\n\n", "\xef\xbb\xbf"}) {
        const Result result = passwd({"--import", "-", file}, input);
        CHECK(result.exit.code == 0);
        CHECK(result.err == "mqtt_passwd: no users in the input; " + file + " is unchanged\n");
    }
    REQUIRE(::stat(file.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    CHECK(passwd({"--import", "-", dir.file("none")}).exit.code == 1);

    const Result emptied = passwd({"-c", "--import", "-", file});
    CHECK(emptied.exit.code == 0);
    CHECK(emptied.err == "mqtt_passwd: no users in the input; " + file + " is empty\n");
    CHECK(read_file(file) == "");
    CHECK(passwd({"-c", "--import", "-", "-"}).err == "mqtt_passwd: no users in the input\n");
}

TEST_CASE("--import skips a byte order mark at the start") {
    const TempDir dir;
    const std::string bom = "\xef\xbb\xbf";
    const std::string file = dir.write("pw", "");
    passwd_ok({"-I", "1", "--import", "-", file}, bom + "ann:1\r\nbob:2\r\n");
    passwd_ok({"-I", "1", "--import", "-", file}, bom + "# users\ncat:3\n");
    CHECK(passwd_ok({"--list", file}) == "ann\nbob\ncat\n");
    CHECK(right_password(file, "ann", "1"));
}

TEST_CASE("--import does not treat an unknown or damaged hash as a password") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    const std::string pbkdf2 = passwd_ok({"-c", "-b", "-I", "1", "-", "h", "p"});
    const std::string argon2id =
        passwd_ok({"-c", "-b", "-H", "argon2id", "--memory", "8", "-I", "1", "-", "h", "p"});
    for (const std::string& line :
         {std::string("h:$2y$05$abcdefghijklmnopqrstuv"), std::string("h:$6$x"),
          std::string("h:$5$salt$hash"), std::string("h:$7$0$AAAA$AAAA"), std::string("h: $6$x "),
          pbkdf2.substr(0, pbkdf2.size() - 9), argon2id.substr(0, argon2id.rfind('$'))}) {
        CAPTURE(line);
        const Result result = passwd({"-I", "1", "--import", "-", file}, "a:1\n" + line + "\n");
        CHECK(result.exit.code == 1);
        CHECK(result.err ==
              "mqtt_passwd: standard input, line 2: user 'h' has a damaged hash or one of an unknown kind\n");
        CHECK(read_file(file) == "u:x\n");
    }
}

TEST_CASE("--import changes nothing if a line is wrong, and reports the line") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    const auto refused = [&](const std::string& users) {
        const Result result = passwd({"--import", "-", file}, users);
        CHECK(result.exit.code == 1);
        CHECK(read_file(file) == "u:x\n");
        return result.err;
    };
    CHECK(refused("a:1\nb\n") == "mqtt_passwd: standard input, line 2: not user:password\n");
    CHECK(refused("a:1\n\nb:\n") == "mqtt_passwd: standard input, line 3: user 'b' has no password\n");
    CHECK(refused("a:1\nb:2\na:3\n") ==
          "mqtt_passwd: standard input, line 3: user 'a' is already on line 1\n");
    for (const std::string name : {" lead", "trail ", " both "}) {
        CHECK(refused("a:1\n" + name + ":2\n") ==
              "mqtt_passwd: standard input, line 2: the user name '" + name +
                  "' starts or ends with a space, which brokers remove\n");
    }
    CHECK(refused("a\x01:1\n").find("line 1: the user name 'a\\x01' contains a control character") !=
          std::string::npos);
    const Result missing = passwd({"--import", dir.file("none"), file});
    CHECK(missing.err == "mqtt_passwd: cannot open " + dir.file("none") + ": no such file or directory\n");
}

TEST_CASE("--list prints each name once, and unchanged to a pipe") {
    const TempDir dir;
    const std::string file = dir.write("pw", "b:1\n# c\n\nnocolon\na\x1b[2J:2\n b :3\n");
    CHECK(passwd_ok({"--list", file}) == "b\na\x1b[2J\n");
}

TEST_CASE("every action refuses anything but a regular file, and never blocks on a FIFO") {
    const TempDir dir;
    const std::string fifo = dir.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& file : {fifo, std::string("/dev/null"), dir.path().string()}) {
        for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--list", file},
                                                          {"-b", "--verify", "u", file, "p"},
                                                          {"-U", file},
                                                          {"-D", file, "u"}}) {
            CAPTURE(arguments.front());
            const Result result = passwd(arguments);
            CHECK(result.exit.code == 1);
            CHECK(result.err == "mqtt_passwd: cannot use " + file + ": not a regular file\n");
        }
    }
}

TEST_CASE("--import reads a FIFO") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    const std::string fifo = dir.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const std::string line = "echo ann:1 > \"$1\" & shift; exec \"$@\"";
    std::vector<std::string> argv = {"sh", "-c", line, "sh", fifo};
    for (std::string& part : passwd_argv({"-I", "1", "--import", fifo, file}))
        argv.push_back(std::move(part));
    CHECK(run(std::move(argv)).exit.code == 0);
    CHECK(passwd_ok({"--list", file}) == "ann\n");
}

TEST_CASE("a full stdout is reported as an error") {
    const TempDir dir;
    const std::string file = dir.write("pw", "b:1\n");
    for (const Words& arguments : {Words{"--list", file}, {"-c", "-b", "-", "u", "p"}, {"--help"}}) {
        CAPTURE(arguments.front());
        const Result result = run(Command{.argv = passwd_argv(arguments), .stdout_file = "/dev/full"});
        CHECK(result.exit.code == 1);
        CHECK(result.err == "mqtt_passwd: cannot write to standard output: no space left on device\n");
    }
}
