// Finds the file that a path leads to, without following symbolic links that another user could change.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/descriptor.hpp"
#include "failure.hpp"

namespace mqttc::passwd {

struct Location {
    Descriptor directory;                 ///< opened for reading
    std::string name;                     ///< of the file in `directory`; not a symbolic link
    std::optional<struct stat> existing;  ///< of a regular file; nullopt if there is no file
};

/// Fails if the path leads to anything but a regular file or an unused name. Follows a symbolic link, at any place in
/// the path, only if root or the effective user owns it: any other owner could make root overwrite any file. This is
/// the rule of fs.protected_symlinks (proc(5)), for every directory.
[[nodiscard]] Result<Location> locate(const std::string& path);

/// The name of a user for messages.
[[nodiscard]] std::string user_name(uid_t user);

}  // namespace mqttc::passwd
