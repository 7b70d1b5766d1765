// Tests of FileReplacement: atomic, and only the content changes.
#include "file_replace.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
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

namespace {

std::string refusal(const std::string& path, Missing missing = Missing::refuse) {
    const auto file = FileReplacement::begin(path, missing);
    if (file) return "";
    CHECK(FileReplacement::check(path, missing).error().text == file.error().text);
    return file.error().text;
}

struct stat stat_of(const std::string& path) {
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about;
}

}  // namespace

TEST_CASE("the content is replaced and no other file remains") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    {
        auto file = begun(path);
        CHECK(file.text() == "old");
        CHECK(file.existed());
    }
    CHECK(read_file(path) == "old");
    replace(path, "new content");
    CHECK(read_file(path) == "new content");
    CHECK(names_in(dir) == std::vector<std::string>{"pw"});
}

TEST_CASE("more pieces than one writev() accepts are written in order") {
    const TempDir dir;
    const std::string path = dir.write("pw", "");
    std::vector<std::string> lines;
    std::string expected;
    for (int i = 0; i < 5000; ++i) expected += lines.emplace_back(std::to_string(i) + "\n");
    const std::vector<std::string_view> pieces(lines.begin(), lines.end());
    CHECK(begun(path).commit(pieces).has_value());
    CHECK(read_file(path) == expected);
}

TEST_CASE("a new file is readable only by its owner") {
    const TempDir dir;
    const std::string path = dir.file("pw");
    const uid_t user = ::geteuid();
    if (user == 0) {
        give_away(dir.path());
        REQUIRE(::seteuid(nobody) == 0);
    }
    const mode_t before = ::umask(0);
    replace(path, "u:h\n", Missing::create);
    ::umask(before);
    REQUIRE(::seteuid(user) == 0);
    CHECK((stat_of(path).st_mode & 07777) == 0600);
    CHECK(read_file(path) == "u:h\n");
}

TEST_CASE("a new file of root is readable by the group of user mosquitto, if there is one" * needs_root()) {
    const TempDir dir;
    const std::string path = dir.file("pw");
    const struct ::passwd* const broker = ::getpwnam("mosquitto");
    auto file = begun(path, Missing::create);
    const std::vector<std::string_view> pieces = {"u:h\n"};
    REQUIRE(file.commit(pieces));
    CHECK(file.given_to_broker() == (broker != nullptr));
    CHECK((stat_of(path).st_mode & 07777) == (broker != nullptr ? 0640 : 0600));
    CHECK(stat_of(path).st_uid == 0);
    if (broker != nullptr) CHECK(stat_of(path).st_gid == broker->pw_gid);
    // Only new files: an administrator may have chosen another group.
    REQUIRE(::chown(path.c_str(), 0, 2345) == 0);
    replace(path, "u:i\n", Missing::create);
    CHECK(stat_of(path).st_gid == 2345);
}

TEST_CASE("a missing file is an error unless it may be created") {
    const TempDir dir;
    const std::string cannot = "cannot open " + dir.file("pw") + ": no such file or directory";
    for (const auto& [missing, text] : {std::pair(Missing::refuse, cannot),
                                        std::pair(Missing::refuse_with_hint, cannot + " (-c creates it)")}) {
        const auto file = FileReplacement::begin(dir.file("pw"), missing);
        REQUIRE_FALSE(file);
        CHECK(file.error().text == text);
        CHECK(FileReplacement::check(dir.file("pw"), missing).error().text == text);
    }
    CHECK(FileReplacement::check(dir.file("pw"), Missing::create));
    CHECK(names_in(dir).empty());
}

TEST_CASE("check() reports a directory without write permission") {
    const TempDir dir;
    const std::string path = dir.write("pw", "u:h\n");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    REQUIRE(::chmod(dir.path().c_str(), 0555) == 0);
    const uid_t before = ::geteuid();
    if (before == 0) REQUIRE(::seteuid(nobody) == 0);
    const auto checked = FileReplacement::check(path, Missing::refuse);
    const auto file = FileReplacement::begin(path, Missing::refuse);
    REQUIRE(::seteuid(before) == 0);
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    const std::string text = "cannot create a file next to " + path +
                             ": permission denied (the directory or the file must be writable)";
    REQUIRE_FALSE(checked);
    CHECK(checked.error().text == text);
    REQUIRE_FALSE(file);
    CHECK(file.error().text == text);
}

TEST_CASE("a writable file in a directory that is not writable is overwritten, with a lock and a copy" *
          needs_root()) {
    const TempDir dir;
    const std::string path = dir.write("pw", "a long content before\n");
    give_away(path);
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    const struct stat before = stat_of(path);
    const std::string copy =
        "/var/tmp/mqtt_passwd-copy-" + std::to_string(before.st_dev) + "-" + std::to_string(before.st_ino);
    std::string refused_with_copy;
    bool locked = false;
    std::string changed;
    REQUIRE(::seteuid(nobody) == 0);
    {
        auto file = begun(path);
        CHECK(file.text() == "a long content before\n");
        const mqttc::Descriptor other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        locked = ::flock(other.get(), LOCK_EX | LOCK_NB) != 0;
        const std::vector<std::string_view> pieces = {"new\n"};
        CHECK(file.commit(pieces));
        CHECK(file.overwritten() == FileReplacement::Overwritten::unwritable_directory);
    }
    const bool copy_left = fs::exists(copy);
    const mqttc::Descriptor left(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    {
        const auto refused = FileReplacement::begin(path, Missing::refuse);
        if (!refused) refused_with_copy = refused.error().text;
    }
    ::unlink(copy.c_str());
    // Root may replace the file, and does not wait for the lock of a user.
    {
        auto file = begun(path);
        REQUIRE(::seteuid(0) == 0);
        replace(path, "of root\n");
        REQUIRE(::seteuid(nobody) == 0);
        const std::vector<std::string_view> pieces = {"of nobody\n"};
        const auto done = file.commit(pieces);
        if (!done) changed = done.error().text;
    }
    REQUIRE(::seteuid(0) == 0);
    CHECK(locked);
    CHECK_FALSE(copy_left);
    CHECK(refused_with_copy == "cannot change " + path +
                                   ": an mqtt_passwd was killed while it wrote the file (" + copy +
                                   " has the new content: copy that over the file, then remove it)");
    CHECK(changed == "cannot change " + path + ": another program changed it at the same time; try again");
    CHECK(read_file(path) == "of root\n");
    const struct stat after = stat_of(path);
    CHECK(after.st_uid == nobody);
    CHECK((after.st_mode & 07777) == 0640);
    CHECK(names_in(dir) == std::vector<std::string>{"pw"});
}

TEST_CASE("mode, owner, group and extended attributes are kept") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::chown(path.c_str(), 1234, 2345) == 0);
    REQUIRE(::chmod(path.c_str(), 0646) == 0);
    const bool attributes = ::setxattr(path.c_str(), "user.note", "kept", 4, 0) == 0;
    replace(path, "new");
    const struct stat after = stat_of(path);
    CHECK((after.st_mode & 07777) == 0646);
    if (root) {
        CHECK(after.st_uid == 1234);
        CHECK(after.st_gid == 2345);
    }
    if (attributes) {
        char value[8];
        CHECK(::getxattr(path.c_str(), "user.note", value, sizeof value) == 4);
    }
}

TEST_CASE("an owner or group that cannot be kept is reported with a remedy, and nothing is changed" *
          needs_root()) {
    constexpr gid_t other_group = 2345;
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
    const auto refused = [&](uid_t owner) {
        REQUIRE(::chown(path.c_str(), owner, other_group) == 0);
        REQUIRE(::seteuid(nobody) == 0);
        Result<void> done;
        {
            auto file = begun(path);
            const std::vector<std::string_view> pieces = {"new"};
            done = file.commit(pieces);
        }
        REQUIRE(::seteuid(0) == 0);
        CHECK(read_file(path) == "old");
        CHECK(names_in(dir) == std::vector<std::string>{"pw"});
        REQUIRE_FALSE(done);
        return done.error().text;
    };
    CHECK(refused(nobody) == "cannot keep the group of " + path +
                                 ": operation not permitted (you are not in group 2345: join it, or run "
                                 "mqtt_passwd as root)");
    CHECK(refused(1234) == "cannot keep the owner and group of " + path +
                               ": operation not permitted (run mqtt_passwd as its owner or as root)");
}

TEST_CASE("a symbolic link is kept and its target is replaced") {
    const TempDir dir;
    fs::create_directory(dir.file("real"));
    dir.write("real/pw", "old");
    fs::create_symlink("real/pw", dir.file("one"));
    fs::create_symlink("one", dir.file("two"));
    replace(dir.file("two"), "new");
    CHECK(fs::is_symlink(dir.file("one")));
    CHECK(fs::is_symlink(dir.file("two")));
    CHECK(read_file(dir.file("real/pw")) == "new");
    CHECK_FALSE(fs::exists(dir.file("real/.pw.mqtt_passwd")));
}

TEST_CASE("a symbolic link of another user is not followed" * needs_root()) {
    const TempDir dir;
    fs::create_directory(dir.file("real"));
    dir.write("real/pw", "old");
    const auto refused_link = [](const std::string& path, const std::string& name) {
        CHECK(refusal(path) ==
              "cannot open " + path + ": " + name +
                  " is a symbolic link of user nobody, who could point it to any file (give the "
                  "path that it leads to)");
        CHECK(refusal(path, Missing::create) == refusal(path));
    };
    SUBCASE("at the end") {
        fs::create_symlink("real/pw", dir.file("link"));
        give_away(dir.file("link"));
        refused_link(dir.file("link"), "link");
    }
    SUBCASE("to a file that does not exist") {
        fs::create_symlink("real/new", dir.file("link"));
        give_away(dir.file("link"));
        refused_link(dir.file("link"), "link");
    }
    SUBCASE("behind a link of root") {
        fs::create_symlink(dir.file("real/pw"), dir.file("second"));
        fs::create_symlink("second", dir.file("first"));
        give_away(dir.file("second"));
        refused_link(dir.file("first"), "second");
    }
    SUBCASE("a directory of the path") {
        fs::create_symlink("real", dir.file("link"));
        give_away(dir.file("link"));
        refused_link(dir.file("link/pw"), "link");
        refused_link(dir.file("link/../real/pw"), "link");
        CHECK(refusal(dir.file("link/"), Missing::create).find("symbolic link of user") != std::string::npos);
    }
    CHECK(read_file(dir.file("real/pw")) == "old");
}

TEST_CASE("symbolic links of the user and of root are followed" * needs_root()) {
    const TempDir dir;
    give_away(dir.path());
    const std::string path = dir.write("pw", "old");
    give_away(path);
    fs::create_directory_symlink(".", dir.file("by_root"));
    fs::create_symlink("by_root/pw", dir.file("own"));
    give_away(dir.file("own"));
    REQUIRE(::seteuid(nobody) == 0);
    {
        auto file = FileReplacement::begin(dir.file("own"), Missing::refuse);
        const std::vector<std::string_view> pieces = {"new"};
        CHECK((file && file->commit(pieces)));
    }
    REQUIRE(::seteuid(0) == 0);
    CHECK(read_file(path) == "new");
    CHECK(fs::is_symlink(dir.file("own")));
}

TEST_CASE("paths with dots, slashes and absolute links lead to the file") {
    const TempDir dir;
    fs::create_directories(dir.file("a/b"));
    dir.write("a/pw", "old");
    fs::create_symlink(dir.file("a//b/"), dir.file("absolute"));
    fs::create_symlink("loop", dir.file("loop"));
    int count = 0;
    for (const std::string& path : {dir.file("a/b/../pw"), dir.file("a/./pw"),
                                    dir.path().string() + "//a///pw", dir.file("absolute/../pw")}) {
        CAPTURE(path);
        replace(path, "new" + std::to_string(++count));
        CHECK(read_file(dir.file("a/pw")) == "new" + std::to_string(count));
    }
    CHECK(refusal(dir.file("loop")).ends_with(": too many levels of symbolic links"));
    CHECK(refusal(dir.file("a/pw/")).ends_with(": not a directory"));
    CHECK(refusal(dir.file("new/"), Missing::create).ends_with(": no such file or directory"));
    CHECK(refusal(dir.file("a/.."), Missing::create).ends_with(": not a regular file"));
    CHECK(refusal("", Missing::create) == "cannot open : no such file or directory");
    replace(dir.file("absolute/new"), "created", Missing::create);
    CHECK(read_file(dir.file("a/b/new")) == "created");
}

TEST_CASE("anything but a regular file with one link is refused") {
    const TempDir dir;
    const auto refused = [](const std::string& path, Missing missing) {
        const auto file = FileReplacement::begin(path, missing);
        REQUIRE_FALSE(file);
        return file.error().text;
    };
    CHECK(refused(dir.path().string(), Missing::create).ends_with(": not a regular file"));
    CHECK(refused("/dev/null", Missing::create) == "cannot use /dev/null: not a regular file");
    const std::string fifo = dir.file("fifo");
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(refused(fifo, Missing::create).ends_with(": not a regular file"));
    fs::create_symlink("nowhere", dir.file("dangling"));
    CHECK(refused(dir.file("dangling"), Missing::create)
              .ends_with("a symbolic link to a file that does not exist"));
    CHECK_FALSE(fs::exists(dir.file("nowhere")));
    CHECK(refused(dir.file("no/directory"), Missing::create).ends_with(": no such file or directory"));
    dir.write("pw", "old");
    fs::create_hard_link(dir.file("pw"), dir.file("second"));
    CHECK(refused(dir.file("pw"), Missing::refuse).find("it has 2 hard links") != std::string::npos);
}

TEST_CASE("a change by another program is detected and kept") {
    const TempDir dir;
    const std::string path = dir.write("pw", "old");
    auto file = begun(path);
    dir.write("pw", "edited by hand");
    const std::vector<std::string_view> pieces = {"new"};
    const auto done = file.commit(pieces);
    REQUIRE_FALSE(done);
    CHECK(done.error().text.find("another program changed it") != std::string::npos);
    CHECK(read_file(path) == "edited by hand");
}

TEST_CASE("a file that cannot be read is reported with the cause") {
    const TempDir dir;
    CHECK(read_whole_file(dir.write("pw", "text"))->view() == "text");
    CHECK(read_whole_file(dir.write("empty", ""))->empty());
    CHECK(read_whole_file(dir.file("none")).error().text.ends_with(": no such file or directory"));
    CHECK(read_whole_file(dir.path().string()).error().text.ends_with(": is a directory"));
}
