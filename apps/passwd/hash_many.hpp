// Hashing many passwords on all cores, with a progress line.
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

/// The hash of each password, in order. Fails without enough memory, or when an InterruptGuard has caught a signal;
/// `file`, "-" for stdout, is for the message.
[[nodiscard]] Result<std::vector<std::string>> hash_many(std::span<const std::string_view> passwords,
                                                         const HashRecipe& recipe, const std::string& file);

/// The number of threads for hashing `count` passwords: one per core, for argon2id only as many as fit into
/// `available_kib` of memory, but at least one.
[[nodiscard]] std::size_t threads_for(const HashRecipe& recipe, std::size_t count, std::size_t cores,
                                      std::uint64_t available_kib);

/// Like hash_many(), for one password.
[[nodiscard]] Result<std::string> hash_one(std::string_view password, const HashRecipe& recipe);

}  // namespace mqttc::passwd
