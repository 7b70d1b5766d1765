// Changing a file so that readers, crashes and other writers see the old one or the new one, whole.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/descriptor.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "secret.hpp"

namespace mqttc::passwd {

/// A password file that no other mqtt_passwd changes while this object lives.
///
/// The lock and the new file are one thing: a hidden sibling, `.NAME.mqtt_passwd`, held with flock(2).
/// commit() renames it over the file; without commit() it is removed. A process that was killed leaves
/// it unlocked, and the next one takes it over, so there is never anything to clean up by hand.
/// Symbolic links are followed once, at the start, to the file that is then replaced.
class FileReplacement {
  public:
    /// What a file that doesn't exist is: an error, one that -c helps against, or nothing to worry about.
    enum class Missing : unsigned char { refuse, refuse_with_hint, create };

    /// Waits for the lock, which it says on stderr when it takes long, and reads the file. A wait that a signal
    /// ends is a failure.
    [[nodiscard]] static Result<FileReplacement> begin(const std::string& path, Missing missing);
    /// Whether begin() has a chance, for who has something long to do before: file and folder are looked at
    /// and left alone.
    [[nodiscard]] static Result<void> look(const std::string& path, Missing missing);

    FileReplacement(FileReplacement&&) noexcept;
    FileReplacement& operator=(FileReplacement&&) = delete;
    ~FileReplacement();

    /// What the file holds; empty when it doesn't exist. Lives as long as the object.
    [[nodiscard]] std::string_view text() const { return text_.view(); }
    [[nodiscard]] bool existed() const { return before_.has_value(); }

    /// Puts `pieces`, one after the other, in the file's place: mode, owner, group and extended
    /// attributes (so ACLs too) stay as they were, a new file is 0600. On a failure the file is what
    /// it was. To be called once.
    [[nodiscard]] Result<void> commit(std::span<const std::string_view> pieces);

  private:
    class Patience;
    explicit FileReplacement(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] Result<void> find_target();
    [[nodiscard]] Result<void> check_missing(Missing missing) const;
    [[nodiscard]] std::unexpected<Failure> cannot_make_sibling(int error) const;
    [[nodiscard]] Result<void> remove_left_over() const;
    [[nodiscard]] Result<void> take_lock();
    [[nodiscard]] Result<void> wait_for_lock(Patience& patience) const;
    [[nodiscard]] Result<void> read_target();
    [[nodiscard]] Result<void> keep_attributes() const;
    [[nodiscard]] std::unexpected<Failure> cannot_keep_owner(const struct stat& mine, int error) const;
    [[nodiscard]] std::unexpected<Failure> cannot(const std::string& what, int error) const;

    std::string path_;     // as the user gave it, for messages
    std::string name_;     // of the file within folder_
    std::string sibling_;  // likewise
    app::Descriptor folder_;
    app::Descriptor lock_;  // the sibling
    app::Descriptor source_;
    Secret text_;
    std::optional<struct stat> before_;
    bool sibling_is_ours_ = false;
};

/// All of a file or pipe; "-" is standard input. Fails for anything over max_file_size.
[[nodiscard]] Result<Secret> read_whole_file(const std::string& path);

/// All of a password file, for reading only. Never waits: fails for what is no regular file, as begin() does.
[[nodiscard]] Result<Secret> read_password_file(const std::string& path);

/// No password file or list of users is longer than this.
inline constexpr std::size_t max_file_size = std::size_t{1} << 30;

}  // namespace mqttc::passwd
