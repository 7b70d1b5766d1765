// Passwords reach the broker from each source, and are removed from the list of processes.
#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/needs.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using namespace std::string_literals;
using broker::BrokerThread;

namespace {

// mqtt_pub with a password prompt, started by the command `before` (a shell, for example).
Command asking(std::uint16_t port, const std::vector<std::string>& before) {
    Command command = pub_command(port, {"-t", "a", "-m", "x", "-u", "me", "--ask-password"});
    command.argv.insert(command.argv.begin(), before.begin(), before.end());
    return command;
}

std::size_t copies_on_heap(pid_t pid, const std::string& text) {
    const std::string process = "/proc/" + std::to_string(pid);
    std::ifstream maps(process + "/maps");
    std::ifstream memory(process + "/mem", std::ios::binary);
    std::size_t copies = 0;
    std::string line;
    while (std::getline(maps, line)) {
        // On the stack the dynamic linker stores registers, with what they happen to contain.
        if (line.find(" rw") == line.npos || line.ends_with("[stack]")) continue;
        std::size_t end_of_start = 0;
        const auto start = std::stoull(line, &end_of_start, 16);
        const auto end = std::stoull(line.substr(end_of_start + 1), nullptr, 16);
        std::string bytes(static_cast<std::size_t>(end - start), '\0');
        memory.clear();
        memory.seekg(static_cast<std::streamoff>(start));
        memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        for (auto at = bytes.find(text); at != bytes.npos; at = bytes.find(text, at + 1)) ++copies;
    }
    return copies;
}

std::optional<std::string> password_seen(BrokerThread& broker) {
    const auto connects = broker.connects();
    return connects.empty() ? std::nullopt : connects.back().password;
}

}  // namespace

TEST_CASE("the password is read from the command line, a file, the environment or a URL") {
    BrokerThread broker;
    const TempDir dir;
    publish_ok(broker.port(), {"-t", "a", "-m", "x", "-u", "me", "-P", "line"});
    CHECK(password_seen(broker) == "line");
    const std::string file = dir.write("p", "file\n");
    publish_ok(broker.port(), {"-t", "a", "-m", "x", "-u", "me", "--password-file", file});
    std::filesystem::permissions(file, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    CHECK(publish(broker.port(), {"-t", "a", "-m", "x", "-u", "me", "--password-file", file}).err ==
          "mqtt_pub: warning: " + file + " contains a secret and other users can read it: chmod 600 " + file +
              "\n");
    CHECK(password_seen(broker) == "file");
    Command command = pub_command(broker.port(), {"-t", "a", "-m", "x", "-u", "me"});
    command.env.emplace_back("MQTT_PASSWORD", "environment");
    CHECK(run(command).exit.code == 0);
    CHECK(password_seen(broker) == "environment");
    const std::string url = "mqtt://me:p%40w@127.0.0.1:" + std::to_string(broker.port()) + "/a";
    CHECK(run(pub_command({"-L", url, "-m", "x"})).exit.code == 0);
    CHECK(password_seen(broker) == "p@w");
    CHECK(broker.connects().back().username == "me");
}

TEST_CASE("the password is not visible in /proc/PID/cmdline") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"-t", "a", "-l", "-u", "me", "-P", "mot2passe"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    REQUIRE(broker.wait_for_clients(1));
    CHECK(password_seen(broker) == "mot2passe");
    const std::string seen = read_file("/proc/" + std::to_string(process.pid()) + "/cmdline");
    CHECK(seen.find("-u") != std::string::npos);
    CHECK(seen.find("mot2passe") == std::string::npos);
}

TEST_CASE("a connected program has one copy of the password on its heap, and none in its environment" *
          needs_no_sanitizer()) {
    const std::string secret = "mot2passe" + std::to_string(::getpid());
    const TempDir dir;
    for (const char* source : {"config file", "MQTT_PASSWORD", "MQTT_URL"}) {
        CAPTURE(source);
        BrokerThread broker;
        const std::string address = "127.0.0.1:" + std::to_string(broker.port());
        Command command = pub_command({"-l"});
        if (source == "config file"s) {
            command.argv.emplace_back("-o");
            command.argv.push_back(
                dir.write("config", "-L mqtt://" + address + "/a\n-u me\n-P " + secret + "\n"));
        } else if (source == "MQTT_PASSWORD"s) {
            command.env.emplace_back("MQTT_PASSWORD", secret);
            command.env.emplace_back("MQTT_URL", "mqtt://me@" + address + "/a");
        } else {
            command.env.emplace_back("MQTT_URL", "mqtt://me:" + secret + "@" + address + "/a");
        }
        command.keep_stdin_open = true;
        const Process process(std::move(command));
        REQUIRE(broker.wait_for_clients(1));
        CHECK(password_seen(broker) == secret);
        CHECK_FALSE(has(read_file("/proc/" + std::to_string(process.pid()) + "/environ"), secret));
        // The copy is for the next connection. CONNECT is overwritten when it was sent.
        const auto deadline = std::chrono::steady_clock::now() + default_timeout;
        std::size_t copies = 0;
        do {
            copies = copies_on_heap(process.pid(), secret);
        } while (copies != 1 && std::chrono::steady_clock::now() < deadline);
        CHECK(copies == 1);
    }
}

TEST_CASE("the prompt on the terminal has no echo") {
    BrokerThread broker;
    PtyProcess process(pub_command(broker.port(), {"-t", "a", "-m", "x", "-u", "me", "--ask-password"}));
    REQUIRE(process.expect("Password for me at 127.0.0.1:" + std::to_string(broker.port()) + ": "));
    CHECK_FALSE(process.echo());
    process.send("typed in\n");
    CHECK(process.wait().code == 0);
    CHECK(password_seen(broker) == "typed in");
    CHECK(process.screen().find("typed in") == std::string::npos);
}

TEST_CASE("after an interrupted prompt the program ends and the echo is restored") {
    BrokerThread broker;
    PtyProcess process(pub_command(broker.port(), {"-t", "a", "-m", "x", "-u", "me", "--ask-password"}));
    REQUIRE(process.expect("Password for me at "));
    process.send("half\x03");
    CHECK(process.wait().signal == SIGINT);
    CHECK(process.echo());
    CHECK(broker.connects().empty());
}

TEST_CASE("after Ctrl-Z and fg the prompt is repeated without echo") {
    BrokerThread broker;
    const std::string script =
        "set -m; sh -c 'echo \"pid $$ \"; exec \"$@\"' sh \"$@\"; echo away; read -r; fg; echo \"code $? \"; "
        "read -r";
    for (const bool by_key : {true, false}) {
        CAPTURE(by_key);
        PtyProcess terminal(asking(broker.port(), {"bash", "-c", script, "bash"}));
        REQUIRE(terminal.expect("pid "));
        REQUIRE(terminal.expect("Password for me at "));
        CHECK_FALSE(terminal.echo());
        if (by_key) {
            terminal.send("half\x1a");
        } else {
            const auto at = terminal.screen().find("pid ");
            REQUIRE(::kill(static_cast<pid_t>(std::stol(terminal.screen().substr(at + 4))), SIGSTOP) == 0);
        }
        REQUIRE(terminal.expect("away"));
        if (by_key) CHECK(terminal.echo());
        terminal.send("\n");
        REQUIRE(terminal.expect("Password for me at "));
        CHECK_FALSE(terminal.echo());
        terminal.send("again\n");
        CHECK(terminal.expect("code 0 "));
        CHECK(password_seen(broker) == "again");
        CHECK(terminal.screen().find("again") == std::string::npos);
    }
}

TEST_CASE("an ignored signal, as with nohup, does not end the prompt") {
    BrokerThread broker;
    PtyProcess process(asking(broker.port(), {"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"}));
    REQUIRE(process.expect("Password for me at "));
    process.send_signal(SIGHUP);
    process.send("typed in\n");
    CHECK(process.wait().code == 0);
    CHECK(password_seen(broker) == "typed in");
}

TEST_CASE("without a terminal, --ask-password reports the alternatives") {
    const Result result = run(asking(1, {"setsid", "--wait"}));
    CHECK(result.exit.code == 1);
    CHECK(
        result.err ==
        "mqtt_pub: --ask-password: cannot ask: there is no terminal; use --password-file or MQTT_PASSWORD\n");
}

TEST_CASE("a missing password file is reported before connecting") {
    const Result result = publish(1, {"-t", "a", "-m", "x", "-u", "me", "--password-file", "/nonexistent/p"});
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_pub: --password-file: cannot read /nonexistent/p: no such file or directory\n");
}

TEST_CASE("a config file that other users can write cannot turn TLS off") {
    const TempDir dir;
    const std::string file = dir.write("config", "--no-tls\n");
    const auto error = [&] {
        return run(pub_command({"-o", file, "-h", "127.0.0.1", "-p", "1", "-t", "a", "-n"})).err;
    };
    CHECK(error().find("connection refused") != std::string::npos);
    std::filesystem::permissions(file, std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::add);
    CHECK(error() ==
          "mqtt_pub: " + file +
              ":1: --no-tls is refused, because other users can write this file (chmod go-w it); try "
              "'mqtt_pub --help'\n");
}
