// Lock a temporary file, write it, fsync, rename it over the target, fsync the directory. Or overwrite the target.
#include "file_replace.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/escape.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "locate.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

constexpr std::size_t first_read = 64 * 1024;
constexpr std::size_t max_attribute_size = 64 * 1024;  // XATTR_SIZE_MAX of Linux
constexpr std::chrono::milliseconds lock_poll_interval{5};
constexpr std::chrono::seconds long_wait{1};  // for the lock

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Errors of a directory in which no file can be created, though a file in it may be written.
bool is_unwritable(int error) {
    return error == EACCES || error == EPERM || error == EROFS;
}

bool unchanged(const struct stat& a, const struct stat& b) {
    return same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
           a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
           a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

// Everything up to end of file; on failure an errno value, EFBIG for a file over max_file_size.
std::expected<LockedSecret, int> read_all(int fd, std::size_t expected_size) {
    LockedSecret text;
    text.reserve(std::min(expected_size, max_file_size) + 1);
    LockedSecret block;
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

Result<LockedSecret> read_opened(int fd, const std::string& name) {
    struct stat about{};
    const bool sized = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    auto text = read_all(fd, sized ? static_cast<std::size_t>(about.st_size) : first_read);
    if (!text) return fail("cannot read " + name + ": " + errno_text(text.error()));
    return std::move(*text);
}

// The group that the broker reads a file of root with.
std::optional<gid_t> broker_group() {
    if (::geteuid() != 0) return std::nullopt;
    const struct ::passwd* const user = ::getpwnam("mosquitto");
    return user != nullptr && user->pw_gid != 0 ? std::optional(user->pw_gid) : std::nullopt;
}

}  // namespace

// A running mqtt_passwd that holds the lock is waited for without end, a temporary file that cannot be opened is not.
struct FileReplacement::LockWait {
    using Clock = std::chrono::steady_clock;
    Clock::time_point report_at = Clock::now() + long_wait;
    Clock::time_point give_up_at = Clock::time_point::max();
};

FileReplacement::~FileReplacement() {
    if (temp_ && has_name(temp_.get(), temp_name_)) ::unlinkat(directory_.get(), temp_name_.c_str(), 0);
}

std::unexpected<Failure> FileReplacement::cannot(const std::string& what, int error) const {
    if (error == EINTR && InterruptGuard::caught() != 0)
        return fail("interrupted; " + shown_path_ + " is unchanged");
    return fail("cannot " + what + ": " + errno_text(error));
}

Result<void> FileReplacement::check_exists(Missing missing) const {
    if (original_ || missing == Missing::create) return {};
    return fail("cannot open " + shown_path_ + ": " + errno_text(ENOENT) +
                (missing == Missing::refuse_with_hint ? " (-c creates it)" : ""));
}

std::unexpected<Failure> FileReplacement::cannot_create_temp(int error) const {
    auto failure = cannot("create a file next to " + shown_path_, error);
    // Surprising: replacing a file needs write permission for its directory, not for the file.
    if (error == EACCES) failure.error().text += " (the directory or the file must be writable)";
    return failure;
}

Result<void> FileReplacement::check(const std::string& path, Missing missing) {
    FileReplacement file(path);
    if (auto found = file.find_target(); !found) return found;
    if (auto exists = file.check_exists(missing); !exists) return exists;
    if (::faccessat(file.directory_.get(), ".", W_OK | X_OK, AT_EACCESS) == 0) return {};
    const int error = errno;
    if (file.original_ && is_unwritable(error) &&
        ::faccessat(file.directory_.get(), file.name_.c_str(), R_OK | W_OK, AT_EACCESS) == 0)
        return {};
    return file.cannot_create_temp(error);
}

Result<FileReplacement> FileReplacement::begin(const std::string& path, Missing missing) {
    FileReplacement file(path);
    if (auto found = file.find_target(); !found) return std::unexpected(found.error());
    if (auto exists = file.check_exists(missing); !exists) return std::unexpected(exists.error());
    if (auto locked = file.take_lock(); !locked) return std::unexpected(locked.error());
    if (auto complete = file.check_no_copy(); !complete) return std::unexpected(complete.error());
    // The previous holder of the lock may have replaced the file.
    if (auto read = file.read_target(); !read) return std::unexpected(read.error());
    if (auto exists = file.check_exists(missing); !exists) return std::unexpected(exists.error());
    return file;
}

// Sets directory_ and name_, and original_ if the file exists.
Result<void> FileReplacement::find_target() {
    auto found = locate(path_);
    if (!found) return std::unexpected(found.error());
    directory_ = std::move(found->directory);
    name_ = std::move(found->name);
    original_ = found->existing;
    temp_name_ = "." + name_ + ".mqtt_passwd";
    return {};
}

// The owner of what has the name of the temporary file; nullopt if nothing has it.
std::optional<uid_t> FileReplacement::temp_owner() const {
    struct stat about{};
    if (::fstatat(directory_.get(), temp_name_.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
        return std::nullopt;
    return about.st_uid;
}

Result<void> FileReplacement::remove_stale_temp() const {
    const auto owner = temp_owner();
    if (!owner || ::unlinkat(directory_.get(), temp_name_.c_str(), 0) == 0 || errno == ENOENT) return {};
    return cannot(
        "remove " + escape_controls(temp_name_) + " of user " + user_name(*owner) + " next to " + shown_path_,
        errno);
}

// Only root, this user and the owner of the file can replace it; a lock of any other user would only block it.
bool FileReplacement::may_hold_lock(uid_t user) const {
    return user == 0 || user == ::geteuid() || (original_ && user == original_->st_uid);
}

// Polls: a blocking flock() would miss a signal that arrived just before the call.
Result<void> FileReplacement::wait_for_lock(int fd, LockWait& wait) const {
    while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return cannot("lock " + shown_path_, errno);
        if (InterruptGuard::caught() != 0) return cannot("lock " + shown_path_, EINTR);
        if (LockWait::Clock::now() >= wait.report_at) {
            wait.report_at = LockWait::Clock::time_point::max();
            print_message("waiting for another mqtt_passwd that holds the lock of " + shown_path_);
        }
        std::this_thread::sleep_for(lock_poll_interval);
    }
    return {};
}

// The temporary file could not be opened or created. Success: try again.
Result<void> FileReplacement::handle_unopened_temp(int error, LockWait& wait) const {
    const bool is_occupied = error == ELOOP || error == EACCES || error == EISDIR || error == ENXIO;
    const auto owner = is_occupied ? temp_owner() : std::nullopt;
    if (!owner) return cannot_create_temp(error);
    // Never created by mqtt_passwd (a symbolic link, a directory, a socket), or not by a user who may.
    if (error != EACCES || !may_hold_lock(*owner)) return remove_stale_temp();
    // That of a running or a killed mqtt_passwd, which this user cannot distinguish.
    const auto now = LockWait::Clock::now();
    wait.give_up_at = std::min(wait.give_up_at, now + long_wait);
    if (now >= wait.give_up_at)
        return fail("cannot lock " + shown_path_ + ": " + escape_controls(temp_name_) +
                    " next to it belongs to user " + user_name(*owner) +
                    " (remove it if no other mqtt_passwd is running)");
    std::this_thread::sleep_for(lock_poll_interval);
    return {};
}

Result<void> FileReplacement::take_lock() {
    LockWait wait;
    for (;;) {
        if (InterruptGuard::caught() != 0) return cannot_create_temp(EINTR);
        Descriptor temp(::openat(directory_.get(), temp_name_.c_str(),
                                 O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (!temp) {
            const int error = errno;
            const auto locked = lock_target(error, wait);
            if (!locked) return std::unexpected(locked.error());
            if (*locked) return {};
            if (auto handled = handle_unopened_temp(error, wait); !handled) return handled;
            continue;
        }
        wait.give_up_at = LockWait::Clock::time_point::max();
        struct stat held{};
        if (::fstat(temp.get(), &held) != 0) return cannot("lock " + shown_path_, errno);
        // mqtt_passwd creates no FIFO or hard link; another user could hold the lock of such a file for ever.
        if (!S_ISREG(held.st_mode) || held.st_nlink > 1 || !may_hold_lock(held.st_uid)) {
            auto removed = has_name(temp.get(), temp_name_) ? remove_stale_temp() : Result<void>();
            if (!removed) return removed;
            continue;
        }
        if (auto locked = wait_for_lock(temp.get(), wait); !locked) return locked;
        // The previous holder of the lock may have renamed or removed this file: it is not the lock any more.
        if (!has_name(temp.get(), temp_name_)) continue;
        // The file may be left by a killed process, perhaps after it changed the owner. Write only to a file that no other
        // user owns or can have open.
        if (::fstat(temp.get(), &held) != 0) return cannot("lock " + shown_path_, errno);
        if (held.st_uid == ::geteuid() && held.st_nlink == 1 && (held.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
            held.st_size == 0) {
            temp_ = std::move(temp);
            return {};
        }
        if (auto removed = remove_stale_temp(); !removed) return removed;
    }
}

// If no temporary file can be created because the directory is not writable (`error`), locks the target itself.
// False: it cannot be the lock.
Result<bool> FileReplacement::lock_target(int error, LockWait& wait) {
    if (!original_ || !is_unwritable(error) || temp_owner()) return false;
    for (;;) {
        Descriptor target(::openat(directory_.get(), name_.c_str(),
                                   O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (!target) return false;
        if (auto locked = wait_for_lock(target.get(), wait); !locked) return std::unexpected(locked.error());
        if (!has_name(target.get(), name_)) continue;
        target_ = std::move(target);
        return true;
    }
}

// Whether the file of that name in the directory is the one that was opened as `fd`.
bool FileReplacement::has_name(int fd, const std::string& name) const {
    struct stat opened{};
    struct stat current{};
    return ::fstat(fd, &opened) == 0 &&
           ::fstatat(directory_.get(), name.c_str(), &current, AT_SYMLINK_NOFOLLOW) == 0 &&
           same_file(opened, current);
}

// Opens the target again, under the lock. Sets original_ and text_.
Result<void> FileReplacement::read_target() {
    const bool existed_before = original_.has_value();
    original_.reset();
    Descriptor source(
        ::openat(directory_.get(), name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!source) {
        if (errno == ENOENT && !existed_before) return {};
        return cannot("open " + shown_path_, errno);
    }
    source_ = std::move(source);
    struct stat now{};
    if (::fstat(source_.get(), &now) != 0) return cannot("stat " + shown_path_, errno);
    if (!S_ISREG(now.st_mode)) return fail("cannot use " + shown_path_ + ": not a regular file");
    if (now.st_nlink > 1)
        return fail("cannot change " + shown_path_ + ": it has " + std::to_string(now.st_nlink) +
                    " hard links, and the others would keep the old passwords (use a symbolic link)");
    auto text = read_all(source_.get(), static_cast<std::size_t>(now.st_size));
    if (!text) return cannot("read " + shown_path_, text.error());
    text_ = std::move(*text);
    original_ = now;
    return {};
}

// With another owner or group the broker might not be able to read the file, so this is fatal.
std::unexpected<Failure> FileReplacement::cannot_keep_owner(const struct stat& temp, int error) const {
    // The owner may change the group only to one that the owner is a member of.
    if (temp.st_uid == original_->st_uid)
        return fail("cannot keep the group of " + shown_path_ + ": " + errno_text(error) +
                    " (you are not in group " + std::to_string(original_->st_gid) +
                    ": join it, or run mqtt_passwd as root)");
    return fail("cannot keep the owner and group of " + shown_path_ + ": " + errno_text(error) +
                " (run mqtt_passwd as its owner or as root)");
}

// Copies mode, owner, group and extended attributes from the target to the temporary file.
Result<void> FileReplacement::set_attributes() {
    const int fd = temp_.get();
    // The temporary file may have a default ACL from the directory that the target does not have.
    ::fremovexattr(fd, "system.posix_acl_access");
    if (!original_) {
        const auto group = broker_group();
        given_to_broker_ = group && ::fchown(fd, 0, *group) == 0;
        const mode_t mode = S_IRUSR | S_IWUSR | (given_to_broker_ ? S_IRGRP : 0U);
        if (::fchmod(fd, mode) != 0) return cannot("set the mode of " + shown_path_, errno);
        return {};
    }
    struct stat temp{};
    if (::fstat(fd, &temp) != 0) return cannot("stat the new " + shown_path_, errno);
    if ((temp.st_uid != original_->st_uid || temp.st_gid != original_->st_gid) &&
        ::fchown(fd, original_->st_uid, original_->st_gid) != 0)
        return cannot_keep_owner(temp, errno);
    if (::fchmod(fd, original_->st_mode & 07777) != 0)
        return cannot("keep the mode of " + shown_path_, errno);

    std::string names(max_attribute_size, '\0');
    const ssize_t length = ::flistxattr(source_.get(), names.data(), names.size());
    if (length <= 0) return {};
    std::string_view rest(names.data(), static_cast<std::size_t>(length));
    std::string value(max_attribute_size, '\0');
    while (!rest.empty()) {
        const std::string name(take_until(rest, '\0'));
        const ssize_t size = ::fgetxattr(source_.get(), name.c_str(), value.data(), value.size());
        if (size < 0) continue;
        if (::fsetxattr(fd, name.c_str(), value.data(), static_cast<std::size_t>(size), 0) == 0) continue;
        // Security labels are set by the system; access rights and the owner's attributes must not be lost.
        if (name.starts_with("system.") || name.starts_with("user."))
            return cannot("keep the attribute " + escape_controls(name) + " of " + shown_path_, errno);
    }
    return {};
}

Result<void> FileReplacement::commit(std::span<const std::string_view> pieces) {
    if (target_) return overwrite(pieces);
    const int fd = temp_.get();
    if (const int error = write_all(fd, pieces); error != 0)
        return cannot("write the new " + shown_path_, error);
    if (auto set = set_attributes(); !set) return set;
    if (::fsync(fd) != 0) return cannot("write the new " + shown_path_, errno);

    struct stat now{};
    const bool exists = ::fstatat(directory_.get(), name_.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists != original_.has_value()) return changed_meanwhile();
    if (exists && !unchanged(now, *original_)) return changed_meanwhile();
    if (InterruptGuard::caught() != 0) return cannot("replace " + shown_path_, EINTR);
    // Another user who may write in the directory can have taken the lock for a stale one.
    if (!has_name(fd, temp_name_))
        return fail("cannot replace " + shown_path_ + ": the temporary file was removed; try again");
    if (::renameat(directory_.get(), temp_name_.c_str(), directory_.get(), name_.c_str()) != 0) {
        if (errno == EBUSY) return overwrite(pieces);
        return cannot("replace " + shown_path_, errno);
    }
    temp_ = {};
    // File systems that cannot sync a directory return EINVAL; nothing more can be done there.
    if (::fsync(directory_.get()) != 0 && errno != EINVAL)
        return fail(shown_path_ +
                    " was changed, but its directory could not be synced: " + errno_text(errno));
    return {};
}

std::unexpected<Failure> FileReplacement::changed_meanwhile() const {
    return fail("cannot change " + shown_path_ + ": another program changed it at the same time; try again");
}

// Where the new content is kept while the file is overwritten: next to it, or in a directory that everyone may write to.
std::vector<std::string> FileReplacement::copy_paths() const {
    std::vector<std::string> paths = {temp_name_ + "-copy"};
    if (!original_) return paths;
    const std::string name =
        "mqtt_passwd-copy-" + std::to_string(original_->st_dev) + "-" + std::to_string(original_->st_ino);
    paths.push_back("/var/tmp/" + name);
    paths.push_back("/tmp/" + name);
    return paths;
}

// Where the new content is, as a clause of a message.
std::string FileReplacement::content_is_in(const std::string& copy) {
    return copy.starts_with('/') ? copy + " has the new content"
                                 : "its directory has the new content in " + escape_controls(copy);
}

Result<void> FileReplacement::check_no_copy() const {
    for (const std::string& copy : copy_paths()) {
        struct stat about{};
        if (::fstatat(directory_.get(), copy.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            may_hold_lock(about.st_uid))
            return fail("cannot change " + shown_path_ +
                        ": an mqtt_passwd was killed while it wrote the file (" + content_is_in(copy) +
                        ": copy that over the file, then remove it)");
    }
    return {};
}

// Writes and syncs a copy of the new content, and returns its path.
Result<std::string> FileReplacement::keep_copy(std::span<const std::string_view> pieces) const {
    int error = 0;
    for (const std::string& path : copy_paths()) {
        ::unlinkat(directory_.get(), path.c_str(), 0);  // one of another user, if that is permitted
        const Descriptor copy(::openat(directory_.get(), path.c_str(),
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                       S_IRUSR | S_IWUSR));
        error = !copy ? errno : write_all(copy.get(), pieces);
        if (copy && error == 0 && ::fsync(copy.get()) != 0) error = errno;
        if (error == 0) return path;
        if (copy) ::unlinkat(directory_.get(), path.c_str(), 0);
        if (!target_) break;  // a mount point in a writable directory
    }
    return cannot("keep a copy of " + shown_path_ + " while it is overwritten", error);
}

// A mount point, of which the temporary file has the new content, or a file in a directory that is not writable.
Result<void> FileReplacement::overwrite(std::span<const std::string_view> pieces) {
    overwritten_ = target_ ? Overwritten::unwritable_directory : Overwritten::mount_point;
    if (!target_)
        target_ = Descriptor(::openat(directory_.get(), name_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat opened{};
    if (!target_ || ::fstat(target_.get(), &opened) != 0) return cannot("write " + shown_path_, errno);
    if (!unchanged(opened, *original_) || !has_name(target_.get(), name_)) return changed_meanwhile();
    const auto copy = keep_copy(pieces);
    if (!copy) return std::unexpected(copy.error());
    (void)::fsync(directory_.get());

    // From here to the end no signal may interrupt.
    SignalBlock block;
    block.add_all();
    const auto write_back = [&](std::span<const std::string_view> content) {
        if (::lseek(target_.get(), 0, SEEK_SET) != 0) return errno;
        if (const int error = write_all(target_.get(), content); error != 0) return error;
        const off_t size = ::lseek(target_.get(), 0, SEEK_CUR);
        return ::ftruncate(target_.get(), size) == 0 && ::fsync(target_.get()) == 0 ? 0 : errno;
    };
    const int error = write_back(pieces);
    const std::string_view old = text();
    const bool restored = error == 0 || write_back({&old, 1}) == 0;
    if (restored) ::unlinkat(directory_.get(), copy->c_str(), 0);
    if (!restored)
        return fail("cannot write " + shown_path_ + ": " + errno_text(error) + "; it is damaged now, and " +
                    content_is_in(*copy));
    if (error != 0) return cannot("write " + shown_path_, error);
    // A user who may write in the directory can have replaced the file.
    if (!has_name(target_.get(), name_)) return changed_meanwhile();
    return {};
}

Result<LockedSecret> read_whole_file(const std::string& path) {
    const bool from_stdin = path == "-";
    const Descriptor opened(from_stdin ? -1 : ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
    const std::string name = from_stdin ? "standard input" : escape_controls(path);
    if (!from_stdin && !opened) return fail("cannot open " + name + ": " + errno_text(errno));
    return read_opened(from_stdin ? STDIN_FILENO : opened.get(), name);
}

Result<LockedSecret> read_password_file(const std::string& path) {
    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
    const Descriptor opened(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    const std::string name = escape_controls(path);
    if (!opened) return fail("cannot open " + name + ": " + errno_text(errno));
    struct stat about{};
    if (::fstat(opened.get(), &about) != 0) return fail("cannot stat " + name + ": " + errno_text(errno));
    if (!S_ISREG(about.st_mode)) return fail("cannot use " + name + ": not a regular file");
    return read_opened(opened.get(), name);
}

}  // namespace mqttc::passwd
