// Tests of crashes, parallel writers and limits: the file is always the complete old or the complete new one.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <set>
#include <thread>

#include "passwd_program.hpp"
#include "password_file.hpp"
#include "password_hash.hpp"
#include "support/needs.hpp"

using namespace mqttc::test;
using namespace mqttc::passwd;
using Clock = std::chrono::steady_clock;

namespace {

std::string user(int number) {
    return "user" + std::to_string(number);
}

// A file with `users` users and cheap hashes, between comments.
std::string file_of(int users) {
    std::string text = "# head\n\n";
    for (int i = 0; i < users; ++i)
        text += user(i) + ":" + make_hash({HashScheme::sha512, {}}, "p" + std::to_string(i)).value() + "\n";
    return text + "# tail\n";
}

// Whether the file is complete: both comments, complete lines, `users` users.
bool complete(const std::string& text, std::size_t users) {
    if (!text.starts_with("# head\n\n") || text.find("\n# tail\n") == text.npos || !text.ends_with('\n'))
        return false;
    std::set<std::string_view> names;
    for (const PasswordLine& line : PasswordLines(text)) {
        if (line.kind == PasswordLine::Kind::unreadable) return false;
        if (line.kind != PasswordLine::Kind::entry) continue;
        if (stored_form(line.stored) != StoredForm::hashed || !names.insert(line.name).second) return false;
    }
    return names.size() == users;
}

}  // namespace

TEST_CASE("no user is lost when twenty writers run in parallel, and a reader never sees a partial file") {
    const TempDir dir;
    constexpr int before = 50;
    constexpr int writers = 20;
    const std::string file = dir.write("pw", file_of(before));
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < writers; ++i) {
        processes.push_back(std::make_unique<Process>(
            Command{.argv = passwd_argv({"-b", "-I", "1", file, user(before + i), "new"})}));
    }
    bool all_complete = true;
    std::size_t seen = before;
    const auto still_running = [&] {
        for (const auto& process : processes)
            if (process->running()) return true;
        return false;
    };
    while (still_running()) {
        const std::string text = read_file(file);
        std::size_t users = 0;
        for (const PasswordLine& line : PasswordLines(text))
            users += line.kind == PasswordLine::Kind::entry ? 1 : 0;
        all_complete = all_complete && complete(text, users) && users >= seen;
        seen = users;
    }
    CHECK(all_complete);
    for (const auto& process : processes) CHECK(process->wait().code == 0);
    CHECK(complete(read_file(file), before + writers));
    for (int i = 0; i < writers; ++i) {
        const std::string text = read_file(file);
        const PasswordFile parsed(text);
        const auto line = parsed.find(user(before + i));
        REQUIRE(line.has_value());
        CHECK(check_password(line->stored, "new") == true);
    }
    CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
}

TEST_CASE("kill -9 at a random moment in each of 1,000 updates never damages the file") {
    const TempDir dir;
    constexpr int users = 500;
    constexpr int updates = sanitized ? 200 : 1000;  // with sanitizers each takes ten times as long
    const std::string file = dir.write("pw", file_of(users));
    const auto update = [&](int round) {
        return Command{.argv = passwd_argv(
                           {"-b", "-I", "1", file, user(round % users), "round" + std::to_string(round)})};
    };
    // Measure one update, so that the kills are spread over its whole duration.
    const auto start = Clock::now();
    constexpr int measured = 10;
    for (int i = 0; i < measured; ++i) REQUIRE(run(update(i)).exit.code == 0);
    const auto duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start) / measured;

    std::mt19937 random(20'260'101);
    std::uniform_int_distribution<std::chrono::microseconds::rep> moment(0, duration.count());
    int killed = 0;
    int changed = 0;
    std::string before = read_file(file);
    for (int round = 0; round < updates; ++round) {
        {
            Process process(update(round));
            std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
            process.send_signal(SIGKILL);
            killed += process.wait().signal == SIGKILL ? 1 : 0;
        }
        const std::string after = read_file(file);
        if (after == before) continue;
        ++changed;
        CAPTURE(round);
        // The new file: this user has the new hash and nothing else has changed.
        const PasswordFile parsed(after);
        const auto line = parsed.find(user(round % users));
        REQUIRE(line.has_value());
        REQUIRE(check_password(line->stored, "round" + std::to_string(round)) == true);
        PasswordFile expected(before);
        expected.set(line->name, std::string(line->stored));
        std::string text;
        for (const std::string_view piece : expected.pieces()) text += piece;
        REQUIRE(after == text);
        before = after;
    }
    MESSAGE(killed << " of " << updates << " updates were killed, " << changed << " had changed the file");
    CHECK(killed > updates / 10);
    CHECK(changed > updates / 100);
    CHECK(complete(read_file(file), users));
    // The next update works and removes what the killed processes left.
    CHECK(passwd_ok({"-b", file, "user0", "last"}) == "");
    CHECK(right_password(file, "user0", "last"));
    CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
}

TEST_CASE("a signal while -U hashes undoes everything and ends the program by that signal") {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        CAPTURE(number);
        const TempDir dir;
        std::string users;
        for (int i = 0; i < 100; ++i) users += user(i) + ":p\n";
        const std::string file = dir.write("pw", users);
        Process process(Command{.argv = passwd_argv({"-U", "-I", "200000", file})});
        // When the temporary file exists, the process has the lock and hashes, or will soon.
        while (process.running() && ::access(dir.file(".pw.mqtt_passwd").c_str(), F_OK) != 0) {
        }
        process.send_signal(number);
        CHECK(process.wait().signal == number);
        CHECK(process.err() == "mqtt_passwd: interrupted; " + file + " is unchanged\n");
        CHECK(read_file(file) == users);
        CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
    }
}

TEST_CASE("a file-size limit leaves the old file and no other file") {
    const TempDir dir;
    const std::string text = file_of(100);
    const std::string file = dir.write("pw", text);
    for (const char* blocks : {"0", "1", "8"}) {
        CAPTURE(blocks);
        const Result result = run({"sh", "-c", "ulimit -f " + std::string(blocks) + "; exec \"$@\"", "sh",
                                   program("mqtt_passwd"), "-b", "-I", "1", file, "new", "p"});
        CHECK(result.exit.code == 1);
        CHECK(result.err == "mqtt_passwd: cannot write the new " + file + ": file too large\n");
        CHECK(read_file(file) == text);
        CHECK(names_in(dir.path()) == std::vector<std::string>{"pw"});
    }
}

TEST_CASE("without enough memory the program reports this, and the file is unchanged" *
          (Needs{!sanitized && !emulated(), "not with AddressSanitizer or an emulator"})) {
    const TempDir dir;
    std::string passwords;
    for (int i = 0; i < 20'000; ++i) passwords += user(i) + ":p\n";
    const std::string hash = make_hash({HashScheme::sha512, {}}, "p").value();
    std::string hashes;
    for (int i = 0; i < 100'000; ++i) hashes += user(i) + ":" + hash + "\n";
    const std::string file = dir.write("pw", "u:x\n");
    int reported = 0;
    for (const std::string& input : {dir.write("passwords", passwords), dir.write("hashes", hashes)}) {
        for (const int kib : {30'000, 40'000, 50'000}) {
            CAPTURE(input);
            CAPTURE(kib);
            const Result result = run({"sh", "-c", "ulimit -v " + std::to_string(kib) + "; exec \"$@\"", "sh",
                                       program("mqtt_passwd"), "-H", "sha512", "--import", input, file});
            CHECK_FALSE(std::filesystem::exists(dir.file(".pw.mqtt_passwd")));
            // The program itself may need more than that.
            if (has(result.err, "error while loading shared libraries")) continue;
            CAPTURE(result.err);
            CHECK(result.exit.code == 1);
            CHECK((result.err == "mqtt_passwd: out of memory\n" ||
                   result.err == "mqtt_passwd: cannot hash: not enough memory, or OpenSSL failed\n" ||
                   result.err == "mqtt_passwd: cannot hash: cannot start a thread\n"));
            CHECK(read_file(file) == "u:x\n");
            ++reported;
        }
    }
    CHECK(reported > 0);
}

TEST_CASE("-U uses every core" *
          (Needs{std::thread::hardware_concurrency() > 1, "this machine has one core"})) {
    const TempDir dir;
    std::string users;
    for (int i = 0; i < 1000; ++i) users += user(i) + ":p\n";
    const std::string file = dir.write("pw", users);
    Process process(Command{.argv = passwd_argv({"-U", "-I", "100000", file})});
    std::size_t most = 0;
    while (process.running() && most < 3) {
        std::size_t threads = 0;
        std::error_code gone;
        for ([[maybe_unused]] const auto& task :
             std::filesystem::directory_iterator("/proc/" + std::to_string(process.pid()) + "/task", gone))
            ++threads;
        most = std::max(most, threads);
    }
    CHECK(most >= 3);  // the main thread and one for each of two cores
}
