// Editing the password file: lock, read, edit, replace.
#pragma once

#include <functional>

#include "failure.hpp"
#include "options.hpp"
#include "password_file.hpp"

namespace mqttc::passwd {

/// Whether an edit changed anything.
enum class Edited : unsigned char { no, yes };

/// Fails if change_file() would fail, as far as can be known without the lock.
[[nodiscard]] Result<void> check_file(const Options& options);

/// Reads options.file under the lock, lets `edit` change it, and replaces the file by the result. With options.create
/// `edit` starts with an empty file. A signal that arrives meanwhile undoes everything; end_by_caught_signal() then
/// ends the program.
[[nodiscard]] Result<void> change_file(const Options& options,
                                       const std::function<Result<Edited>(PasswordFile&)>& edit);

}  // namespace mqttc::passwd
