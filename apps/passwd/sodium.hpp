// Wrapper of libsodium: memory for secrets, strict base64, comparison, argon2id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::passwd::sodium {

/// Memory that is locked into RAM (as far as RLIMIT_MEMLOCK allows), excluded from core dumps and surrounded by guard
/// pages. Throws std::bad_alloc. Free it with release() and the same size, which wipes it.
[[nodiscard]] char* allocate(std::size_t size);
void release(char* memory, std::size_t size) noexcept;

/// Overwrites memory; the compiler cannot remove this.
void wipe(void* memory, std::size_t size) noexcept;

/// Constant-time comparison: the time depends only on the lengths.
[[nodiscard]] bool equal(std::span<const unsigned char> a, std::span<const unsigned char> b);

/// The bytes of `text` (standard alphabet) if it is the canonical encoding of at most `limit` bytes, with "=" padding
/// or, if not `padded`, without.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text, std::size_t limit,
                                                     bool padded = true);

/// A PHC string with a random 16-byte salt and one lane; nullopt without `memory_kib` of memory.
[[nodiscard]] std::optional<std::string> argon2id(std::string_view password, std::uint32_t passes,
                                                  std::uint32_t memory_kib);

enum class Argon2id : unsigned char {
    match,
    mismatch,
    no_memory,  ///< the memory that the string requires is not available
    refused,    ///< libsodium does not support these costs, this salt or this hash
};
/// Whether the PHC string, which requires `memory_kib`, is a hash of `password`. Any passes, lanes and salt.
[[nodiscard]] Argon2id argon2id_verify(const std::string& phc, std::uint32_t memory_kib,
                                       std::string_view password);

}  // namespace mqttc::passwd::sodium
