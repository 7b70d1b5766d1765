// support/pty.
#include "support/pty.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace mqttc::test;

TEST_CASE("a program on a terminal can be answered") {
    PtyProcess child(
        Command{.argv = {"sh", "-c", "printf 'name? '; read name; echo \"hello $name\"; exit 3"}});
    REQUIRE(child.expect("name? "));
    CHECK(child.echo());
    child.send("anna\n");
    CHECK(child.expect("hello anna"));
    CHECK(child.wait().code == 3);
    CHECK(child.screen() == "name? anna\r\nhello anna\r\n");
}

TEST_CASE("echo() reports the echo of the terminal") {
    PtyProcess child(
        Command{.argv = {"sh", "-c", "stty -echo; printf 'password: '; read x; stty echo; echo ok"}});
    REQUIRE(child.expect("password: "));
    CHECK_FALSE(child.echo());
    child.send("secret\n");
    CHECK(child.expect("ok"));
    CHECK_FALSE(child.screen().contains("secret"));
    CHECK(child.wait().code == 0);
}

TEST_CASE("the window size reaches the program") {
    PtyProcess child(Command{.argv = {"sh", "-c", "stty size; read x; stty size"}},
                     {.rows = 7, .columns = 33});
    REQUIRE(child.expect("7 33"));
    child.resize({.rows = 9, .columns = 44});
    child.send("\n");
    CHECK(child.expect("9 44"));
}

TEST_CASE("Ctrl-C on the terminal interrupts the program") {
    PtyProcess child(Command{.argv = {"sh", "-c", "echo ready; exec sleep 60"}});
    REQUIRE(child.expect("ready"));
    child.send("\x03");
    CHECK(child.wait().signal == SIGINT);
}

TEST_CASE("hang_up() sends SIGHUP") {
    PtyProcess child(Command{.argv = {"sh", "-c", "echo ready; exec sleep 60"}});
    REQUIRE(child.expect("ready"));
    child.hang_up();
    CHECK(child.wait().signal == SIGHUP);
}

TEST_CASE("waiting for a missing text ends with the program on the terminal") {
    PtyProcess child(Command{.argv = {"echo", "other"}});
    CHECK_FALSE(child.expect("text"));
    CHECK(child.wait().code == 0);
}
