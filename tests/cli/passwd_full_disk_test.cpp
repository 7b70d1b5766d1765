// Tests of mqtt_passwd on a full or read-only disk. They need to mount.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "passwd_program.hpp"
#include "support/needs.hpp"

using namespace mqttc::test;

namespace {

// Gives this process its own mounts, which end with it.
bool private_mounts() {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Tried in a child, because the mounts of this process must stay as they are.
Needs needs_mount() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(private_mounts() && ::mount("tmpfs", "/tmp", "tmpfs", 0, "size=256k") == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {status == 0, "mounting is not permitted"};
}

// A directory with a file system mounted on it; `size` has the options of tmpfs.
struct SmallDisk {
    TempDir dir;
    explicit SmallDisk(const char* size) {
        REQUIRE(private_mounts());
        REQUIRE(::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, size) == 0);
    }
    ~SmallDisk() { ::umount2(dir.path().c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    // Fills the disk except for `pages` pages of 4 KiB.
    void fill_except(int pages) const {
        const int fd = ::open(dir.file("filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(fd >= 0);
        const std::string block(4096, 'x');
        off_t written = 0;
        while (::write(fd, block.data(), block.size()) == 4096) written += 4096;
        REQUIRE(errno == ENOSPC);
        REQUIRE(::ftruncate(fd, written - off_t{4096} * pages) == 0);
        ::close(fd);
    }
};

}  // namespace

TEST_CASE("on a full disk the old file is kept, and the next change works when there is space again" *
          needs_mount()) {
    for (const int free_pages : {0, 1, 3}) {
        CAPTURE(free_pages);
        const SmallDisk disk("size=256k");
        std::string text = "# head\n";
        for (int i = 0; i < 1000; ++i)
            text += "user" + std::to_string(i) + ":$5$some$hash\n";  // more than 3 pages
        const std::string file = disk.dir.write("pw", text);
        disk.fill_except(free_pages);
        for (const auto& arguments : {std::vector<std::string>{"-b", "-I", "1", file, "new", "p"},
                                      {"-D", file, "user7"},
                                      {"-c", "-b", "-I", "1", file, "u", "p"}}) {
            const bool fits = arguments[0] == "-c" && free_pages > 0;
            if (fits) continue;
            const Result result = passwd(arguments);
            CHECK(result.exit.code == 1);
            CHECK(result.err == "mqtt_passwd: cannot write the new " + file + ": no space left on device\n");
            CHECK(read_file(file) == text);
            CHECK(names_in(disk.dir.path()).size() == 2);
        }
        REQUIRE(::unlink(disk.dir.file("filler").c_str()) == 0);
        passwd_ok({"-b", file, "new", "p"});
        CHECK(read_file(file).starts_with(text + "new:"));
    }
}

TEST_CASE("on a disk without space for another file the old file is kept" * needs_mount()) {
    const SmallDisk disk("size=256k,nr_inodes=3");
    const std::string file = disk.dir.write("pw", "u:x\n");
    disk.dir.write("other", "");
    const Result result = passwd({"-b", "-I", "1", file, "new", "p"});
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_passwd: cannot create a file next to " + file + ": no space left on device\n");
    CHECK(read_file(file) == "u:x\n");
}

TEST_CASE("on a read-only disk the old file is kept" * needs_mount()) {
    const SmallDisk disk("size=256k");
    const std::string file = disk.dir.write("pw", "u:x\n");
    REQUIRE(::mount(nullptr, disk.dir.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
    const Result result = passwd({"-b", "-I", "1", file, "new", "p"});
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_passwd: cannot create a file next to " + file + ": read-only file system\n");
    CHECK(read_file(file) == "u:x\n");
}
