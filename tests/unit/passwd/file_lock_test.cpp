// Tests of the lock of FileReplacement, which is its temporary file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"
#include "file_replace.hpp"
#include "message.hpp"
#include "replacing.hpp"
#include "support/needs.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::passwd;
using mqttc::test::begun;
using mqttc::test::give_away;
using mqttc::test::Missing;
using mqttc::test::names_in;
using mqttc::test::needs_root;
using mqttc::test::nobody;
using mqttc::test::read_file;
using mqttc::test::replace;
using mqttc::test::TempDir;
namespace fs = std::filesystem;

TEST_CASE("only one process gets the lock") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const auto file = begun(path);
    const mqttc::Descriptor temp(::open(dir.file(".pw.mqtt_passwd").c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(temp);
    CHECK(::flock(temp.get(), LOCK_EX | LOCK_NB) != 0);
}

TEST_CASE("a lock file that another user planted and holds is removed, not waited for" * needs_root()) {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const std::string lock = dir.write(".pw.mqtt_passwd", "");
    SUBCASE("a file") {
        give_away(lock);
    }
    SUBCASE("a hard link to a file of root") {
        fs::create_hard_link(lock, dir.file("elsewhere"));
    }
    const mqttc::Descriptor held(::open(lock.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(held.get(), LOCK_EX) == 0);
    replace(path, "new");
    CHECK(read_file(path) == "new");
    CHECK_FALSE(fs::exists(lock));
}

TEST_CASE("a lock file that cannot be opened or removed is reported with its owner" * needs_root()) {
    const TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 01777) == 0);
    const std::string path = dir.write("pw", "old");
    give_away(path);
    const std::string lock = dir.file(".pw.mqtt_passwd");
    std::string expected;
    SUBCASE("of root, perhaps a running mqtt_passwd") {
        dir.write(".pw.mqtt_passwd", "");
        REQUIRE(::chmod(lock.c_str(), 0600) == 0);
        expected = "cannot lock " + path +
                   ": .pw.mqtt_passwd next to it belongs to user root (remove it if no other mqtt_passwd is "
                   "running)";
    }
    SUBCASE("a file of another user") {
        dir.write(".pw.mqtt_passwd", "");
        REQUIRE(::chmod(lock.c_str(), 0600) == 0);
        give_away(lock, 1234);
        expected = "cannot remove .pw.mqtt_passwd of user 1234 next to " + path + ": operation not permitted";
    }
    SUBCASE("a symbolic link of another user") {
        fs::create_symlink("victim", lock);
        give_away(lock, 1234);
        expected = "cannot remove .pw.mqtt_passwd of user 1234 next to " + path + ": operation not permitted";
    }
    REQUIRE(::seteuid(nobody) == 0);
    const auto file = FileReplacement::begin(path, Missing::refuse);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(file);
    CHECK(file.error().text == expected);
    CHECK(read_file(path) == "old");
}

TEST_CASE("a lock file that cannot be opened is not waited for without end, also after a lock that was held" *
          needs_root()) {
    const TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 01777) == 0);
    const std::string path = dir.write("pw", "old");
    const std::string lock = dir.write(".pw.mqtt_passwd", "");
    give_away(path);
    give_away(lock);
    const mqttc::Descriptor held(::open(lock.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(held.get(), LOCK_EX) == 0);
    int pipe[2];
    REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    const mqttc::Descriptor messages(pipe[0]);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);  // it must not wait longer
        if (::dup2(pipe[1], STDERR_FILENO) < 0 || ::seteuid(nobody) != 0) ::_exit(1);
        const auto file = FileReplacement::begin(path, Missing::refuse);
        if (!file) print_message(file.error().text);
        ::_exit(file ? 1 : 0);
    }
    ::close(pipe[1]);
    const auto next_message = [&] {
        std::string text(1024, '\0');
        const ssize_t length = ::read(messages.get(), text.data(), text.size());
        return text.substr(0, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    };
    CHECK(next_message() ==
          "mqtt_passwd: waiting for another mqtt_passwd that holds the lock of " + path + "\n");
    const std::string of_root = dir.write("of_root", "");
    REQUIRE(::chmod(of_root.c_str(), 0600) == 0);
    fs::rename(of_root, lock);
    REQUIRE(::flock(held.get(), LOCK_UN) == 0);
    CHECK(next_message() == "mqtt_passwd: cannot lock " + path +
                                ": .pw.mqtt_passwd next to it belongs to user root (remove it if no other "
                                "mqtt_passwd is running)\n");
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK(read_file(path) == "old");
}

TEST_CASE("a lock that was removed meanwhile changes nothing, and that of its successor is kept") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    {
        auto file = begun(path);
        REQUIRE(fs::remove(dir.file(".pw.mqtt_passwd")));
        dir.write(".pw.mqtt_passwd", "of another process");
        const std::vector<std::string_view> pieces = {"new"};
        const auto done = file.commit(pieces);
        REQUIRE_FALSE(done);
        CHECK(done.error().text == "cannot replace " + path + ": the temporary file was removed; try again");
    }
    CHECK(read_file(path) == "old");
    CHECK(read_file(dir.file(".pw.mqtt_passwd")) == "of another process");
}

TEST_CASE("the temporary file of a killed process is replaced") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const std::string temp = dir.write(".pw.mqtt_passwd", "half a fi");
    REQUIRE(::chmod(temp.c_str(), 0644) == 0);
    replace(path, "new");
    CHECK(read_file(path) == "new");
    CHECK(names_in(dir) == std::vector<std::string>{"pw"});
}

TEST_CASE("a link in place of the temporary file is replaced and not followed") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const std::string victim = dir.write("victim", "precious");
    SUBCASE("symbolic") {
        fs::create_symlink("victim", dir.file(".pw.mqtt_passwd"));
        replace(path, "new");
    }
    SUBCASE("symbolic, dangling") {
        fs::create_symlink("nowhere", dir.file(".pw.mqtt_passwd"));
        replace(path, "new");
        CHECK_FALSE(fs::exists(dir.file("nowhere")));
    }
    SUBCASE("hard") {
        fs::create_hard_link(victim, dir.file(".pw.mqtt_passwd"));
        replace(path, "new");
    }
    CHECK(read_file(path) == "new");
    CHECK(read_file(victim) == "precious");
    CHECK(names_in(dir) == std::vector<std::string>{"pw", "victim"});
}

TEST_CASE("a socket in place of the temporary file is replaced") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const mqttc::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = dir.file(".pw.mqtt_passwd");
    REQUIRE(name.copy(address.sun_path, sizeof address.sun_path - 1) == name.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    replace(path, "new");
    CHECK(read_file(path) == "new");
    CHECK(names_in(dir) == std::vector<std::string>{"pw"});
}
