// Sibling, flock, write, fsync, rename, fsync of the folder.
#include "file_replace.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "common/visible.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

constexpr std::size_t first_read = 64 * 1024;
constexpr std::size_t max_attribute_size = 64 * 1024;  // XATTR_SIZE_MAX of Linux
constexpr std::chrono::milliseconds look_for_lock{5};
constexpr std::chrono::seconds silent_wait{1};  // longer, and somebody wonders what is going on

std::string reason(int error) {
    return std::strerror(error);
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool untouched(const struct stat& a, const struct stat& b) {
    return same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

// Everything up to end of file; an errno value on failure, EFBIG when it is too long.
std::expected<Secret, int> read_all(int fd, std::size_t expected_size) {
    Secret text;
    text.reserve(std::min(expected_size, max_file_size) + 1);
    Secret block;
    block.resize(first_read);
    for (;;) {
        const ssize_t got = ::read(fd, block.bytes().data(), block.size());
        if (got < 0 && errno == EINTR && InterruptGuard::caught() == 0) continue;
        if (got < 0) return std::unexpected(errno);
        if (got == 0) return text;
        if (text.size() + static_cast<std::size_t>(got) > max_file_size) return std::unexpected(EFBIG);
        text.append(block.view().substr(0, static_cast<std::size_t>(got)));
    }
}

Result<Secret> read_opened(int fd, const std::string& name) {
    struct stat about{};
    const bool sized = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    auto text = read_all(fd, sized ? static_cast<std::size_t>(about.st_size) : first_read);
    if (!text) return fail("cannot read " + name + ": " + reason(text.error()));
    return std::move(*text);
}

int write_all(int fd, std::span<const std::string_view> pieces) {
    std::size_t next = 0;  // piece
    std::size_t done = 0;  // bytes of it
    while (next < pieces.size()) {
        std::array<iovec, 512> batch{};
        std::size_t count = 0;
        for (std::size_t i = next; i < pieces.size() && count < batch.size(); ++i, ++count) {
            const std::string_view rest = pieces[i].substr(i == next ? done : 0);
            batch[count] = {const_cast<char*>(rest.data()), rest.size()};
        }
        const ssize_t written = ::writev(fd, batch.data(), static_cast<int>(count));
        if (written < 0 && errno == EINTR && InterruptGuard::caught() == 0) continue;
        if (written < 0) return errno;
        done += static_cast<std::size_t>(written);
        while (next < pieces.size() && done >= pieces[next].size()) done -= pieces[next++].size();
    }
    return 0;
}

}  // namespace

// How long a wait goes on in silence. It begins with the first look.
class FileReplacement::Patience {
  public:
    // True once: when it has come to its end.
    bool ends_now() {
        const auto now = std::chrono::steady_clock::now();
        if (!end_) end_ = now + silent_wait;
        if (ended_ || now < *end_) return false;
        ended_ = true;
        return true;
    }

  private:
    std::optional<std::chrono::steady_clock::time_point> end_;
    bool ended_ = false;
};

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      sibling_(std::move(other.sibling_)),
      folder_(std::move(other.folder_)),
      lock_(std::move(other.lock_)),
      source_(std::move(other.source_)),
      text_(std::move(other.text_)),
      before_(other.before_),
      sibling_is_ours_(std::exchange(other.sibling_is_ours_, false)) {}

FileReplacement::~FileReplacement() {
    if (sibling_is_ours_) ::unlinkat(folder_.get(), sibling_.c_str(), 0);
}

std::unexpected<Failure> FileReplacement::cannot(const std::string& what, int error) const {
    if (error == EINTR && InterruptGuard::caught() != 0)
        return fail("interrupted; " + app::visible(path_) + " is unchanged");
    return fail("cannot " + what + ": " + reason(error));
}

Result<void> FileReplacement::check_missing(Missing missing) const {
    if (before_ || missing == Missing::create) return {};
    return fail("cannot open " + app::visible(path_) + ": " + reason(ENOENT) +
                (missing == Missing::refuse_with_hint ? " (-c creates it)" : ""));
}

std::unexpected<Failure> FileReplacement::cannot_make_sibling(int error) const {
    auto failure = cannot("make a file beside " + app::visible(path_), error);
    // Nobody expects that of who changes a file he may write to.
    if (error == EACCES) failure.error().text += " (the folder must be writable)";
    return failure;
}

Result<void> FileReplacement::look(const std::string& path, Missing missing) {
    FileReplacement file(path);
    if (auto found = file.find_target(); !found) return found;
    if (auto there = file.check_missing(missing); !there) return there;
    if (::faccessat(file.folder_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
        return file.cannot_make_sibling(errno);
    return {};
}

Result<FileReplacement> FileReplacement::begin(const std::string& path, Missing missing) {
    FileReplacement file(path);
    if (auto found = file.find_target(); !found) return std::unexpected(found.error());
    if (auto there = file.check_missing(missing); !there) return std::unexpected(there.error());
    if (auto locked = file.take_lock(); !locked) return std::unexpected(locked.error());
    // Whoever held the lock before may have put another file there.
    if (auto read = file.read_target(); !read) return std::unexpected(read.error());
    if (auto there = file.check_missing(missing); !there) return std::unexpected(there.error());
    return file;
}

// Sets folder_ and name_, and before_ when there is a file.
Result<void> FileReplacement::find_target() {
    // Opening lets the kernel apply its rules for symbolic links in folders anybody may write to;
    // realpath() alone would step around them.
    const app::Descriptor opened(::open(path_.c_str(), O_PATH | O_CLOEXEC));
    struct stat target{};
    std::string folder;
    if (opened) {
        if (::fstat(opened.get(), &target) != 0) return cannot("look at " + app::visible(path_), errno);
        if (!S_ISREG(target.st_mode))
            return fail("cannot use " + app::visible(path_) + ": not a regular file");
        const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path_.c_str(), nullptr),
                                                               &std::free);
        if (!real) return cannot("follow " + app::visible(path_), errno);
        const std::string resolved(real.get());
        const auto slash = resolved.rfind('/');
        folder = slash == 0 ? "/" : resolved.substr(0, slash);
        name_ = resolved.substr(slash + 1);
        before_ = target;
    } else {
        if (errno != ENOENT) return cannot("open " + app::visible(path_), errno);
        if (::lstat(path_.c_str(), &target) == 0)
            return fail("cannot open " + app::visible(path_) +
                        ": it is a symbolic link to a file that does not exist");
        const auto slash = path_.rfind('/');
        folder = slash == path_.npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
        name_ = slash == path_.npos ? path_ : path_.substr(slash + 1);
        if (name_.empty()) return cannot("open " + app::visible(path_), ENOENT);
    }
    folder_ = app::Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) return cannot("open the folder of " + app::visible(path_), errno);
    sibling_ = "." + name_ + ".mqtt_passwd";
    return {};
}

Result<void> FileReplacement::remove_left_over() const {
    if (::unlinkat(folder_.get(), sibling_.c_str(), 0) == 0 || errno == ENOENT) return {};
    return cannot("remove the left-over " + app::visible(sibling_) + " beside " + app::visible(path_), errno);
}

// Looks again and again: a flock() that waits would miss a signal that came just before it.
Result<void> FileReplacement::wait_for_lock(Patience& patience) const {
    while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return cannot("lock " + app::visible(path_), errno);
        if (InterruptGuard::caught() != 0) return cannot("lock " + app::visible(path_), EINTR);
        if (patience.ends_now())
            say("waiting for another mqtt_passwd that has " + app::visible(path_) + "'s lock");
        std::this_thread::sleep_for(look_for_lock);
    }
    return {};
}

Result<void> FileReplacement::take_lock() {
    Patience patience;
    for (;;) {
        if (InterruptGuard::caught() != 0) return cannot_make_sibling(EINTR);
        const int fd = ::openat(folder_.get(), sibling_.c_str(),
                                O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR);
        const int why = errno;
        lock_ = app::Descriptor(fd);
        if (!lock_) {
            if (why != ELOOP) return cannot_make_sibling(why);
            // A symbolic link, which nobody who means well puts there.
            if (auto removed = remove_left_over(); !removed) return removed;
            continue;
        }
        if (auto locked = wait_for_lock(patience); !locked) return locked;
        // The one we waited for has renamed or removed this file: it is no lock any more.
        struct stat held{};
        struct stat there{};
        if (::fstat(lock_.get(), &held) != 0) return cannot("lock " + app::visible(path_), errno);
        if (::fstatat(folder_.get(), sibling_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
            !same_file(held, there))
            continue;
        // Left by a process that was killed, perhaps after it had given the file away; or planted by
        // somebody. Only a file that nobody else can have open or owns is written to.
        const bool fresh = held.st_uid == ::geteuid() && S_ISREG(held.st_mode) && held.st_nlink == 1 &&
                           (held.st_mode & (S_IRWXG | S_IRWXO)) == 0 && held.st_size == 0;
        if (fresh) break;
        if (auto removed = remove_left_over(); !removed) return removed;
    }
    sibling_is_ours_ = true;
    return {};
}

// Opens the target anew, under the lock. Sets before_ and text_.
Result<void> FileReplacement::read_target() {
    const bool was_there = before_.has_value();
    before_.reset();
    const int fd =
        ::openat(folder_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const int why = errno;
    source_ = app::Descriptor(fd);
    if (!source_) {
        if (why == ENOENT && !was_there) return {};
        return cannot("open " + app::visible(path_), why);
    }
    struct stat now{};
    if (::fstat(source_.get(), &now) != 0) return cannot("look at " + app::visible(path_), errno);
    if (!S_ISREG(now.st_mode)) return fail("cannot use " + app::visible(path_) + ": not a regular file");
    if (now.st_nlink > 1)
        return fail("cannot change " + app::visible(path_) + ": it has " + std::to_string(now.st_nlink) +
                    " hard links, and the others would keep the old passwords (use a symbolic link)");
    auto text = read_all(source_.get(), static_cast<std::size_t>(now.st_size));
    if (!text) return cannot("read " + app::visible(path_), text.error());
    text_ = std::move(*text);
    before_ = now;
    return {};
}

// Another owner or group might lock the broker out, so there is no going on without.
std::unexpected<Failure> FileReplacement::cannot_keep_owner(const struct stat& mine, int error) const {
    // The owner may give a file to groups of their own only.
    if (mine.st_uid == before_->st_uid)
        return fail("cannot keep the group of " + app::visible(path_) + ": " + reason(error) +
                    " (you are not in group " + std::to_string(before_->st_gid) +
                    ": join it, or run mqtt_passwd as root)");
    return fail("cannot keep owner and group of " + app::visible(path_) + ": " + reason(error) +
                " (run mqtt_passwd as its owner or as root)");
}

// Gives the sibling the target's mode, owner, group and extended attributes.
Result<void> FileReplacement::keep_attributes() const {
    const int fd = lock_.get();
    // The folder may have given the sibling a default ACL that the file itself does not have.
    ::fremovexattr(fd, "system.posix_acl_access");
    if (!before_) {
        if (::fchmod(fd, S_IRUSR | S_IWUSR) != 0)
            return cannot("set the mode of " + app::visible(path_), errno);
        return {};
    }
    struct stat mine{};
    if (::fstat(fd, &mine) != 0) return cannot("look at the new " + app::visible(path_), errno);
    if ((mine.st_uid != before_->st_uid || mine.st_gid != before_->st_gid) &&
        ::fchown(fd, before_->st_uid, before_->st_gid) != 0)
        return cannot_keep_owner(mine, errno);
    if (::fchmod(fd, before_->st_mode & 07777) != 0)
        return cannot("keep the mode of " + app::visible(path_), errno);

    std::string names(max_attribute_size, '\0');
    const ssize_t length = ::flistxattr(source_.get(), names.data(), names.size());
    if (length <= 0) return {};
    std::string_view rest(names.data(), static_cast<std::size_t>(length));
    std::string value(max_attribute_size, '\0');
    while (!rest.empty()) {
        const std::string name(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const ssize_t size = ::fgetxattr(source_.get(), name.c_str(), value.data(), value.size());
        if (size < 0) continue;
        if (::fsetxattr(fd, name.c_str(), value.data(), static_cast<std::size_t>(size), 0) == 0) continue;
        // Security labels are the system's to give; access rights and notes of the owner must not be lost.
        if (name.starts_with("system.") || name.starts_with("user."))
            return cannot("keep the attribute " + app::visible(name) + " of " + app::visible(path_), errno);
    }
    return {};
}

Result<void> FileReplacement::commit(std::span<const std::string_view> pieces) {
    const int fd = lock_.get();
    if (const int error = write_all(fd, pieces); error != 0)
        return cannot("write the new " + app::visible(path_), error);
    if (auto kept = keep_attributes(); !kept) return kept;
    if (::fsync(fd) != 0) return cannot("write the new " + app::visible(path_), errno);

    struct stat now{};
    const bool there = ::fstatat(folder_.get(), name_.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
    if (there != before_.has_value() || (there && !untouched(now, *before_)))
        return fail("cannot change " + app::visible(path_) +
                    ": another program changed it at the same time; try again");
    if (InterruptGuard::caught() != 0) return cannot("replace " + app::visible(path_), EINTR);
    if (::renameat(folder_.get(), sibling_.c_str(), folder_.get(), name_.c_str()) != 0) {
        if (errno == EBUSY)
            return fail("cannot replace " + app::visible(path_) +
                        ": it is a mount point (mount the folder it stands in, not the single file)");
        return cannot("replace " + app::visible(path_), errno);
    }
    sibling_is_ours_ = false;
    // Some file systems cannot sync a folder and say EINVAL; there the rename is as safe as it gets.
    if (::fsync(folder_.get()) != 0 && errno != EINVAL)
        return fail(app::visible(path_) +
                    " is changed, but its folder could not be synced: " + reason(errno));
    return {};
}

Result<Secret> read_whole_file(const std::string& path) {
    const bool from_stdin = path == "-";
    const app::Descriptor opened(from_stdin ? -1 : ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
    const std::string name = from_stdin ? "standard input" : app::visible(path);
    if (!from_stdin && !opened) return fail("cannot open " + name + ": " + reason(errno));
    return read_opened(from_stdin ? STDIN_FILENO : opened.get(), name);
}

Result<Secret> read_password_file(const std::string& path) {
    // Opening a FIFO would wait for somebody who writes to it.
    const app::Descriptor opened(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    const std::string name = app::visible(path);
    if (!opened) return fail("cannot open " + name + ": " + reason(errno));
    struct stat about{};
    if (::fstat(opened.get(), &about) != 0) return fail("cannot look at " + name + ": " + reason(errno));
    if (!S_ISREG(about.st_mode)) return fail("cannot use " + name + ": not a regular file");
    return read_opened(opened.get(), name);
}

}  // namespace mqttc::passwd
