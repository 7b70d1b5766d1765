// The frame of every action that edits the file: lock, read, edit, replace.
#pragma once

#include <functional>

#include "failure.hpp"
#include "options.hpp"
#include "password_file.hpp"

namespace mqttc::passwd {

/// What an edit did: is there anything to write?
enum class Edited : unsigned char { no, yes };

/// Fails when change_file() would, as far as can be seen without the lock.
[[nodiscard]] Result<void> look_at_file(const Options& options);

/// Reads options.file under the lock, lets `edit` change it and puts the result in its place. With
/// options.create `edit` sees an empty file, whatever was there. Signals that come meanwhile undo
/// everything and are left for die_of_caught_signal().
[[nodiscard]] Result<void> change_file(const Options& options,
                                       const std::function<Result<Edited>(PasswordFile&)>& edit);

}  // namespace mqttc::passwd
