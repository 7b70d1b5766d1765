// The actions of the program, one file each. An action that fails returns one line and has changed nothing, unless the
// line says so.
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
