// Atomic file replacement: readers, crashes and other writers see the complete old file or the complete new one.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"
#include "base/escape.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "locked_secret.hpp"

namespace mqttc::passwd {

/// A password file that no other mqtt_passwd changes while this object exists.
///
/// The temporary file is also the lock: `.NAME.mqtt_passwd` in the same directory, locked with flock(2). commit()
/// renames it over the target; without commit() it is removed. A killed process leaves it unlocked and the next one
/// replaces it, so nothing needs cleaning up by hand. Symbolic links are followed once, at the start, by the rule of
/// locate(); the file that they lead to is replaced.
class FileReplacement {
  public:
    /// What to do if the file does not exist: fail, fail and recommend -c, or create it.
    enum class Missing : unsigned char { refuse, refuse_with_hint, create };

    /// Waits for the lock and reads the file. A long wait is reported on stderr; a wait that is interrupted by a signal
    /// is a failure.
    [[nodiscard]] static Result<FileReplacement> begin(const std::string& path, Missing missing);
    /// Fails if begin() would fail, as far as can be known without the lock. Changes nothing.
    [[nodiscard]] static Result<void> check(const std::string& path, Missing missing);

    FileReplacement(FileReplacement&&) noexcept = default;
    FileReplacement& operator=(FileReplacement&&) = delete;
    ~FileReplacement();

    /// The content of the file; empty if it does not exist. Lives as long as the object.
    [[nodiscard]] std::string_view text() const { return text_.view(); }
    [[nodiscard]] bool existed() const { return original_.has_value(); }
    /// After commit(): whether the new file was given to the group of the broker.
    [[nodiscard]] bool given_to_broker() const { return given_to_broker_; }
    /// After commit(): whether the file was overwritten and not replaced, and why.
    enum class Overwritten : unsigned char { no, mount_point, unwritable_directory };
    [[nodiscard]] Overwritten overwritten() const { return overwritten_; }

    /// Replaces the file by the concatenation of `pieces`. Mode, owner, group and extended attributes (including ACLs)
    /// are kept. A new file has mode 0600, or as root, where there is a user mosquitto, the group of that user and mode
    /// 0640. On failure the file is unchanged, unless the message says so. Call at most once.
    ///
    /// A mount point, such as a single file in a container, cannot be replaced and is overwritten. Meanwhile a copy of the
    /// new content is in `.NAME.mqtt_passwd-copy`; if the program is killed then, begin() fails until the user has
    /// copied it back. On failure the old content is written back. A writable file in a directory that is not writable is
    /// overwritten in the same way: the file itself is the lock then, and the copy is in /var/tmp or /tmp.
    [[nodiscard]] Result<void> commit(std::span<const std::string_view> pieces);

  private:
    struct LockWait;
    explicit FileReplacement(const std::string& path) : path_(path), shown_path_(escape_controls(path)) {}
    [[nodiscard]] Result<void> find_target();
    [[nodiscard]] Result<void> check_exists(Missing missing) const;
    [[nodiscard]] std::unexpected<Failure> cannot_create_temp(int error) const;
    [[nodiscard]] std::optional<uid_t> temp_owner() const;
    [[nodiscard]] bool has_name(int fd, const std::string& name) const;
    [[nodiscard]] bool may_hold_lock(uid_t user) const;
    [[nodiscard]] Result<void> remove_stale_temp() const;
    [[nodiscard]] Result<void> handle_unopened_temp(int error, LockWait& wait) const;
    [[nodiscard]] Result<void> take_lock();
    [[nodiscard]] Result<bool> lock_target(int error, LockWait& wait);
    [[nodiscard]] Result<void> wait_for_lock(int fd, LockWait& wait) const;
    [[nodiscard]] Result<void> read_target();
    [[nodiscard]] Result<void> set_attributes();
    [[nodiscard]] std::vector<std::string> copy_paths() const;
    [[nodiscard]] static std::string content_is_in(const std::string& copy);
    [[nodiscard]] Result<void> check_no_copy() const;
    [[nodiscard]] Result<std::string> keep_copy(std::span<const std::string_view> pieces) const;
    [[nodiscard]] std::unexpected<Failure> changed_meanwhile() const;
    [[nodiscard]] Result<void> overwrite(std::span<const std::string_view> pieces);
    [[nodiscard]] std::unexpected<Failure> cannot_keep_owner(const struct stat& temp, int error) const;
    [[nodiscard]] std::unexpected<Failure> cannot(const std::string& what, int error) const;

    std::string path_;        // as the user gave it
    std::string shown_path_;  // the same for messages, with control characters escaped
    std::string name_;        // of the file in directory_
    std::string temp_name_;   // of the temporary file in directory_
    Descriptor directory_;
    Descriptor temp_;    // the temporary file, also the lock; set while it must be removed
    Descriptor target_;  // open for writing, and the lock, if there can be no temporary file
    Descriptor source_;
    LockedSecret text_;
    std::optional<struct stat> original_;
    bool given_to_broker_ = false;
    Overwritten overwritten_ = Overwritten::no;
};

/// All of a file or pipe; "-" is standard input. Fails for anything over max_file_size.
[[nodiscard]] Result<LockedSecret> read_whole_file(const std::string& path);

/// All of a password file, for reading only. Never blocks: like begin(), fails unless it is a regular file.
[[nodiscard]] Result<LockedSecret> read_password_file(const std::string& path);

/// Longer files are refused.
inline constexpr std::size_t max_file_size = std::size_t{1} << 30;

}  // namespace mqttc::passwd
