// support/process.
#include "support/process.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "support/system.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;
using namespace std::chrono_literals;

TEST_CASE("stdout, stderr and the exit code of a program are distinguished") {
    const Result result = run({"sh", "-c", "echo out; echo err >&2; exit 5"});
    CHECK(result.exit == Exit{.code = 5});
    CHECK(result.out == "out\n");
    CHECK(result.err == "err\n");
}

TEST_CASE("a program that does not exist exits with 127 and an error message") {
    const Result result = run({"/no/such/program"});
    CHECK(result.exit.code == 127);
    CHECK(result.err == "cannot start /no/such/program: No such file or directory\n");
}

TEST_CASE("a megabyte is written to stdin and read from stdout unchanged") {
    std::string bytes(1 << 20, 'x');
    bytes[7] = '\0';
    bytes.back() = '\n';
    CHECK(run({"cat"}, bytes).out == bytes);
}

TEST_CASE("a program may leave its stdin unread") {
    CHECK(run({"true"}, std::string(1 << 20, 'x')).exit.code == 0);
}

TEST_CASE("variables are added to and removed from the environment") {
    const Result result =
        run(Command{.argv = {"sh", "-c", "echo $A-${HOME-none}"}, .env = {{"A", "1"}}, .unset = {"HOME"}});
    CHECK(result.out == "1-none\n");
}

TEST_CASE("with keep_stdin_open stdin can be written until it is closed") {
    Process cat(Command{.argv = {"cat"}, .input = "a\n", .keep_stdin_open = true});
    CHECK(cat.read_line() == "a");
    cat.write("b\nc");
    CHECK(cat.read_line() == "b");
    CHECK(cat.wait_out("c"));
    CHECK(cat.running());
    cat.close_stdin();
    CHECK(cat.wait().code == 0);
    CHECK(cat.read_line() == std::nullopt);
    CHECK(cat.out() == "a\nb\nc");
}

TEST_CASE("waiting for a missing text ends with the program") {
    Process child(Command{.argv = {"echo", "other"}});
    CHECK_FALSE(child.wait_out("text"));
    CHECK(child.wait().code == 0);
}

TEST_CASE("a program that does not end in time is killed") {
    Process child(Command{.argv = {"sleep", "60"}});
    CHECK(child.wait(10ms).timed_out);
    CHECK_FALSE(child.running());
}

TEST_CASE("a signal ends a program and is reported") {
    Process child(Command{.argv = {"sleep", "60"}});
    child.send_signal(SIGTERM);
    CHECK(child.wait().signal == SIGTERM);
}

TEST_CASE("a child still running is killed with its object") {
    pid_t pid = 0;
    {
        Process child(Command{.argv = {"sleep", "60"}});
        pid = child.pid();
        CHECK(::kill(pid, 0) == 0);
    }
    CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("what a child has started ends with its object, whether the child still runs or not") {
    for (const std::string script : {"sleep 1000 & echo $!; wait", "sleep 1000 & echo $!"}) {
        CAPTURE(script);
        pid_t grandchild = 0;
        {
            Process shell({.argv = {"sh", "-c", script}});
            grandchild = std::stoi(shell.read_line().value_or("0"));
            REQUIRE(grandchild > 0);
            REQUIRE(::kill(grandchild, 0) == 0);
        }
        const int fd = open_pidfd(grandchild);
        if (fd < 0) continue;  // it is gone
        pollfd ended{.fd = fd, .events = POLLIN, .revents = 0};
        CHECK(::poll(&ended, 1, 20'000) == 1);
        ::close(fd);
    }
}

TEST_CASE("files can replace stdin and stdout") {
    TempDir dir;
    const Result result =
        run(Command{.argv = {"cat"}, .stdin_file = dir.write("in", "text"), .stdout_file = dir.file("out")});
    CHECK(result.exit.code == 0);
    CHECK(result.out.empty());
    CHECK(read_file(dir.file("out")) == "text");
}

TEST_CASE("a program whose stdout is closed gets SIGPIPE, as in a shell") {
    Process yes(Command{.argv = {"yes"}, .read_stdout = false});
    yes.close_stdout();
    CHECK(yes.wait().signal == SIGPIPE);
}

TEST_CASE("a program waits for its unread stdout until reading is resumed") {
    Process child(
        Command{.argv = {"sh", "-c", "head -c 1000000 /dev/zero; echo done >&2"}, .read_stdout = false});
    CHECK_FALSE(child.wait_err("done", 50ms));
    child.resume_stdout();
    CHECK(child.wait().code == 0);
    CHECK(child.out().size() == 1'000'000);
}
