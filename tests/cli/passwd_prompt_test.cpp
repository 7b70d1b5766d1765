// Tests of mqtt_passwd on a terminal: prompts, echo and signals.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "passwd_program.hpp"
#include "support/pty.hpp"

using namespace mqttc::test;

namespace {

// The number after "pid " on the screen.
pid_t pid_on(const PtyProcess& terminal) {
    const auto at = terminal.screen().find("pid ");
    REQUIRE(at != std::string::npos);
    return static_cast<pid_t>(std::stol(terminal.screen().substr(at + 4)));
}

// A terminal with a shell that runs mqtt_passwd, prints its exit code and keeps running. Without the shell the kernel
// would reset the terminal when the program ends, and the tests could not fail.
struct ShellTerminal {
    PtyProcess terminal;
    pid_t pid = 0;

    explicit ShellTerminal(std::vector<std::string> arguments) : terminal(command(std::move(arguments))) {
        REQUIRE(terminal.expect("pid "));
        REQUIRE(terminal.expect(" \r\n"));
        pid = pid_on(terminal);
    }

    static Command command(std::vector<std::string> arguments) {
        std::vector<std::string> argv = {"sh", "-c",
                                         "trap : INT QUIT; sh -c 'echo \"pid $$ \"; exec \"$@\"' sh \"$@\"; "
                                         "echo \"code $? \"; read -r line",
                                         "sh"};
        for (std::string& part : passwd_argv(std::move(arguments))) argv.push_back(std::move(part));
        return Command{.argv = std::move(argv)};
    }
};

}  // namespace

TEST_CASE("the program prompts for the password twice without echo") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    PtyProcess terminal(Command{.argv = passwd_argv({"-I", "1", file, "u"})});
    REQUIRE(terminal.expect("Password: "));
    CHECK_FALSE(terminal.echo());
    terminal.send("s3cret\n");
    REQUIRE(terminal.expect("Reenter password: "));
    CHECK_FALSE(terminal.echo());
    terminal.send("s3cret\n");
    CHECK(terminal.wait().code == 0);
    CHECK(terminal.screen() == "Password: \r\nReenter password: \r\n");
    CHECK(right_password(file, "u", "s3cret"));
}

TEST_CASE("there is no prompt if the file does not exist") {
    const TempDir dir;
    PtyProcess terminal(Command{.argv = passwd_argv({dir.file("none"), "u"})});
    CHECK(terminal.wait().code == 1);
    CHECK(terminal.screen().find("assword:") == std::string::npos);
    CHECK(terminal.screen().find("(-c creates it)") != std::string::npos);
}

TEST_CASE("both passwords may be typed ahead") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    PtyProcess terminal(Command{.argv = passwd_argv({"-I", "1", file, "u"})});
    REQUIRE(terminal.expect("Password: "));
    terminal.send("p\np\n");
    CHECK(terminal.wait().code == 0);
    CHECK(right_password(file, "u", "p"));
}

TEST_CASE("different passwords change nothing") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    PtyProcess terminal(Command{.argv = passwd_argv({file, "u"})});
    REQUIRE(terminal.expect("Password: "));
    terminal.send("one\n");
    REQUIRE(terminal.expect("Reenter password: "));
    terminal.send("two\n");
    CHECK(terminal.expect("mqtt_passwd: the two passwords differ"));
    CHECK(terminal.wait().code == 2);
    CHECK(read_file(file) == "u:x\n");
}

TEST_CASE("the prompt is on the terminal even if stdout is a file") {
    const TempDir dir;
    PtyProcess terminal(
        Command{.argv = passwd_argv({"-c", "-I", "1", "-", "u"}), .stdout_file = dir.file("out")});
    REQUIRE(terminal.expect("Password: "));
    terminal.send("p\n");
    REQUIRE(terminal.expect("Reenter password: "));
    terminal.send("p\n");
    CHECK(terminal.wait().code == 0);
    CHECK(read_file(dir.file("out")).starts_with("u:$7$1$"));
    CHECK(read_file(dir.file("out")).find("assword") == std::string::npos);
}

TEST_CASE("--verify prompts for the password once") {
    const TempDir dir;
    const std::string file = dir.write("pw", passwd_ok({"-c", "-b", "-I", "1", "-", "u", "p"}));
    PtyProcess terminal(Command{.argv = passwd_argv({"--verify", "u", file})});
    REQUIRE(terminal.expect("Password: "));
    terminal.send("p\n");
    CHECK(terminal.wait().code == 0);
    CHECK(terminal.screen() == "Password: \r\n");
}

TEST_CASE("end of input at the prompt is an error") {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    PtyProcess terminal(Command{.argv = passwd_argv({file, "u"})});
    REQUIRE(terminal.expect("Password: "));
    terminal.send("\x04");
    CHECK(terminal.wait().code == 1);
}

TEST_CASE("a signal at either prompt ends the program by that signal and restores the echo") {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGUSR1}) {
        for (const bool second : {false, true}) {
            CAPTURE(number);
            CAPTURE(second);
            const TempDir dir;
            const std::string file = dir.write("pw", "u:x\n");
            ShellTerminal shell({file, "u"});
            REQUIRE(shell.terminal.expect("Password: "));
            if (second) {
                shell.terminal.send("p\n");
                REQUIRE(shell.terminal.expect("Reenter password: "));
            }
            CHECK_FALSE(shell.terminal.echo());
            REQUIRE(::kill(shell.pid, number) == 0);
            CHECK(shell.terminal.expect("code " + std::to_string(128 + number) + " "));
            CHECK(shell.terminal.echo());
            CHECK(read_file(file) == "u:x\n");
        }
    }
}

TEST_CASE("Ctrl-C at the prompt ends the program and restores the echo") {
    const TempDir dir;
    ShellTerminal shell({dir.write("pw", "u:x\n"), "u"});
    REQUIRE(shell.terminal.expect("Password: "));
    shell.terminal.send("half a pass\x03");
    CHECK(shell.terminal.expect("code 130 "));
    CHECK(shell.terminal.echo());
}

TEST_CASE("the echo is restored after every result") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    for (const auto& [typed, code] : {std::pair("p\np\n", 0), std::pair("p\nq\n", 2), std::pair("\n", 1)}) {
        ShellTerminal shell({"-I", "1", file, "u"});
        REQUIRE(shell.terminal.expect("Password: "));
        CHECK_FALSE(shell.terminal.echo());
        shell.terminal.send(typed);
        CHECK(shell.terminal.expect("code " + std::to_string(code) + " "));
        CHECK(shell.terminal.echo());
    }
}

TEST_CASE("a terminal hangup ends the program") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    PtyProcess terminal(Command{.argv = passwd_argv({file, "u"})});
    REQUIRE(terminal.expect("Password: "));
    terminal.hang_up();
    CHECK(terminal.wait().signal == SIGHUP);
    CHECK(read_file(file) == "u:x\n");
}

TEST_CASE("when stopped at the prompt the program restores the echo, and prompts again when continued") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    const std::string script =
        "set -m; sh -c 'echo \"pid $$ \"; exec \"$@\"' sh \"$@\"; echo stopped; "
        "read -r; fg; echo \"code $? \"; read -r";
    for (const bool by_key : {true, false}) {
        PtyProcess terminal(
            Command{.argv = {"bash", "-c", script, "bash", program("mqtt_passwd"), "-I", "1", file, "u"}});
        REQUIRE(terminal.expect("Password: "));
        CHECK_FALSE(terminal.echo());
        if (by_key) {
            terminal.send("\x1a");
        } else {
            REQUIRE(::kill(pid_on(terminal), SIGSTOP) == 0);
        }
        REQUIRE(terminal.expect("stopped"));
        if (by_key) CHECK(terminal.echo());
        terminal.send("\n");
        REQUIRE(terminal.expect("Password: "));
        CHECK_FALSE(terminal.echo());
        terminal.send("again\nagain\n");
        CHECK(terminal.expect("code 0 "));
        // SIGSTOP cannot be caught: bash then restores the terminal as it was at `fg`.
        if (by_key) CHECK(terminal.echo());
        CHECK(right_password(file, "u", "again"));
    }
}

TEST_CASE("a long wait for the lock is reported once, with or without a terminal") {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:x\n");
    const std::string temp = dir.write(".pw.mqtt_passwd", "");
    REQUIRE(::chmod(temp.c_str(), 0600) == 0);
    const int lock = ::open(temp.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    const Command command{.argv = passwd_argv({"-b", "-I", "1", file, "u", "p"})};
    const std::string report = "mqtt_passwd: waiting for another mqtt_passwd that holds the lock of " + file;
    PtyProcess terminal(command);
    Process script(command);
    Process interrupted(command);
    CHECK(terminal.expect(report));
    CHECK(script.wait_err(report + "\n"));
    CHECK(interrupted.wait_err(report + "\n"));
    interrupted.send_signal(SIGTERM);
    CHECK(interrupted.wait().signal == SIGTERM);
    CHECK(read_file(file) == "u:x\n");
    ::close(lock);
    CHECK(terminal.wait().code == 0);
    CHECK(script.wait().code == 0);
    CHECK(script.err() == report + "\n");
    CHECK(right_password(file, "u", "p"));
}

TEST_CASE("names in a file cannot control the terminal") {
    const TempDir dir;
    PtyProcess terminal(Command{.argv = passwd_argv({"--list", dir.write("pw",
                                                                         "a\x1b[2J:2\nb\x9b"
                                                                         "2J:2\nm\xc3\xbc:2\n")})});
    CHECK(terminal.wait().code == 0);
    CHECK(terminal.screen() == "a\\x1b[2J\r\nb\\x9b2J\r\nm\xc3\xbc\r\n");
}

TEST_CASE("a terminal shows the progress of hashing") {
    const TempDir dir;
    std::string users;
    for (int i = 0; i < 1000; ++i) users += "user" + std::to_string(i) + ":p\n";
    const std::string file = dir.write("pw", users);
    PtyProcess terminal(Command{.argv = passwd_argv({"-U", "-I", "200000", file})});
    CHECK(terminal.expect(" of 1000 passwords"));
    terminal.send("\x03");
    CHECK(terminal.expect("interrupted; " + file + " is unchanged"));
    CHECK(terminal.wait().signal == SIGINT);
    CHECK(read_file(file) == users);
    CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
}
