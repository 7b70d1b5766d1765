// What the program does; each in a file of its own. All fail with one line and change nothing then.
#pragma once

#include "failure.hpp"
#include "options.hpp"

namespace mqttc::passwd {

[[nodiscard]] Result<void> set_user(const Options& options);
[[nodiscard]] Result<void> delete_user(const Options& options);
[[nodiscard]] Result<void> hash_all(const Options& options);
[[nodiscard]] Result<void> import_users(const Options& options);
[[nodiscard]] Result<void> list_users(const Options& options);
[[nodiscard]] Result<void> verify_user(const Options& options);

}  // namespace mqttc::passwd
