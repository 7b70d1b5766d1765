// Tests of mqtt_passwd as the only program of a container: PID 1, and a password file that is mounted alone.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "passwd_program.hpp"
#include "support/needs.hpp"

using namespace mqttc::test;

namespace {

// A command in namespaces of its own. `kinds` as in unshare(1).
Words unshared(Words kinds, Words argv) {
    Words words = {"unshare"};
    words.insert(words.end(), kinds.begin(), kinds.end());
    words.insert(words.end(), argv.begin(), argv.end());
    return words;
}

Needs needs_namespaces() {
    static const bool possible = !emulated() && run(unshared({"-m", "-p", "-f"}, {"true"})).exit.code == 0;
    return {possible, "no namespaces can be made (not root?)"};
}

pid_t child_of(pid_t parent) {
    const std::string path =
        "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children";
    pid_t child = 0;
    for (int i = 0; i < 2000 && !(std::ifstream(path) >> child); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return child;
}

bool is_mqtt_passwd(pid_t pid) {
    std::string name;
    std::ifstream("/proc/" + std::to_string(pid) + "/comm") >> name;
    return name == "mqtt_passwd";
}

/// Ten programs add user0 to user9 to `file` at the same time; each succeeds and prints `said`.
void add_ten_users_at_once(const std::function<Words(Words)>& argv_of, const std::string& file,
                           std::string_view said) {
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 10; ++i)
        processes.push_back(std::make_unique<Process>(
            Command{.argv = argv_of({"-b", "-I", "1", file, "user" + std::to_string(i), "p"})}));
    for (const auto& process : processes) {
        CHECK(process->wait().code == 0);
        CHECK(process->err() == said);
    }
}

}  // namespace

TEST_CASE("as PID 1, a signal ends mqtt_passwd while it reads a password or hashes one" *
          needs_namespaces()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "u:plain\n");
    const auto ended_by = [&](int number, Words arguments, const std::string& input) {
        Process process(Command{.argv = unshared({"-p", "-f"}, passwd_argv(std::move(arguments))),
                                .input = input,
                                .keep_stdin_open = true});
        const pid_t pid = child_of(process.pid());
        CAPTURE(number);
        CAPTURE(input);
        REQUIRE(pid > 0);
        while (process.running() && !is_mqtt_passwd(pid))
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        REQUIRE(::kill(pid, number) == 0);
        CHECK(process.wait().code == 128 + number);
        CHECK(read_file(file) == "u:plain\n");
        CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
    };
    ended_by(SIGTERM, {file, "v"}, "one of two lines\n");
    ended_by(SIGTERM, {"--import", "-", file}, "a:b\n");
    ended_by(SIGTERM, {"-I", "10000000", "--stdin", file, "v"}, "p\n");
    ended_by(SIGTERM, {"-I", "2000000", "-U", file}, "");
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ended_by(number, {"--stdin", file, "v"}, "");
}

TEST_CASE("a password file that is mounted alone is overwritten, with a copy meanwhile" *
          needs_namespaces()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "# mount point\n");
    const std::string real =
        dir.write("real", "u:plain\n# a tail that is longer than the hash" + std::string(200, '.') + "\n");
    const std::string mount = "mount --bind \"$0\" \"$1\" && shift && exec \"$@\"";
    const auto mounted_argv = [&](Words arguments) {
        Words words = {"-m", "sh", "-c", mount, real, file};
        for (std::string& word : passwd_argv(std::move(arguments))) words.push_back(std::move(word));
        return unshared(std::move(words), {});
    };
    const auto mounted = [&](Words arguments) { return run(mounted_argv(std::move(arguments))); };
    const std::string said = "mqtt_passwd: " + file +
                             " is a mount point, so it was overwritten and not replaced (better mount its "
                             "directory)\n";
    for (const Words& arguments :
         {Words{"-b", file, "v", "p"}, {"-U", file}, {"-D", file, "v"}, {"-c", "-b", file, "only", "p"}}) {
        CAPTURE(arguments.front());
        const Result result = mounted(arguments);
        CHECK(result.exit.code == 0);
        CHECK(result.err == said);
        CHECK(read_file(file) == "# mount point\n");
        auto left = names_in(dir.path());
        std::ranges::sort(left);
        CHECK(left == std::vector<std::string>{"pw", "real"});
    }
    CHECK(right_password(real, "only", "p"));
    CHECK(passwd_ok({"--list", real}) == "only\n");

    add_ten_users_at_once(mounted_argv, file, said);
    CHECK(std::ranges::count(read_file(real), '\n') == 11);

    // Killed while it wrote.
    const std::string copy = dir.write(".pw.mqtt_passwd-copy", "the new content");
    const std::string before = read_file(real);
    const Result refused = mounted({"-b", file, "v", "p"});
    CHECK(refused.exit.code == 1);
    CHECK(refused.err ==
          "mqtt_passwd: cannot change " + file +
              ": an mqtt_passwd was killed while it wrote the file (its directory has the new content in "
              ".pw.mqtt_passwd-copy: copy that over the file, then remove it)\n");
    CHECK(read_file(real) == before);
    CHECK(read_file(copy) == "the new content");
}

TEST_CASE("a password file that may be written, in a directory that may not, is overwritten" *
          needs_namespaces()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    const std::string real = dir.write("real", "");
    // As in a container with a read-only root and a single file in it.
    const std::string mount =
        "cd / && mount --bind \"$2\" \"$2\" && mount --bind \"$0\" \"$1\" && "
        "mount -o remount,bind,ro \"$2\" && shift 2 && exec \"$@\"";
    const auto mounted_argv = [&](Words arguments) {
        Words words = {"-m", "sh", "-c", mount, real, file, dir.path().string()};
        for (std::string& word : passwd_argv(std::move(arguments))) words.push_back(std::move(word));
        return unshared(std::move(words), {});
    };
    const std::string said = "mqtt_passwd: the directory of " + file +
                             " is not writable, so the file was overwritten and not replaced\n";
    add_ten_users_at_once(mounted_argv, file, said);
    CHECK(std::ranges::count(read_file(real), '\n') == 10);
    CHECK(run(mounted_argv({"-D", file, "user3"})).err == said);
    CHECK(std::ranges::count(passwd_ok({"--list", real}), '\n') == 9);
    CHECK(read_file(file) == "");
    auto left = names_in(dir.path());
    std::ranges::sort(left);
    CHECK(left == std::vector<std::string>{"pw", "real"});
}

TEST_CASE("a mounted password file on a full disk keeps its content" * needs_namespaces()) {
    const TempDir dir;
    const std::string file = dir.write("pw", "");
    const std::string script =
        "mkdir disk && mount -t tmpfs -o size=8k tmpfs disk && yes '# comment' | head -c 8190 >disk/real && "
        "cp disk/real before && mount --bind disk/real pw && { \"$@\"; code=$?; cmp before pw && ls -A && "
        "exit $code; }";
    Command command{
        .argv = unshared({"-m", "sh", "-c", script, "sh"}, passwd_argv({"-b", "-I", "1", file, "v", "p"}))};
    command.directory = dir.path().string();
    const Result result = run(std::move(command));
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_passwd: cannot write " + file + ": no space left on device\n");
    CHECK(result.out == "before\ndisk\npw\n");
}
