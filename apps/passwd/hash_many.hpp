// Hashing many passwords on all cores, with progress for whoever waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "failure.hpp"
#include "password_hash.hpp"

namespace mqttc::passwd {

/// The hash of each password, in order. Fails when memory is short or a signal noted by an
/// InterruptGuard came; `file` is named in the message.
[[nodiscard]] Result<std::vector<std::string>> hash_many(std::span<const std::string_view> passwords,
                                                         const HashRecipe& recipe, const std::string& file);

/// How many threads hash `count` passwords at a time: one a core, of argon2id no more than `available_kib` of
/// memory have room for, but at least one.
[[nodiscard]] std::size_t threads_for(const HashRecipe& recipe, std::size_t count, std::size_t cores,
                                      std::uint64_t available_kib);

/// The same as hash_many() for one.
[[nodiscard]] Result<std::string> hash_one(std::string_view password, const HashRecipe& recipe);

}  // namespace mqttc::passwd
