// The one door to libsodium: memory for secrets, random bytes, base64, comparison, argon2id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::passwd::sodium {

/// Memory that is locked into RAM (as far as RLIMIT_MEMLOCK goes), kept out of core dumps and
/// fenced by guard pages. Never null: the program ends if there is none. Give it back with release(),
/// which wipes it.
[[nodiscard]] char* allocate(std::size_t size);
void release(char* memory) noexcept;

/// Overwrites in a way the compiler keeps.
void wipe(void* memory, std::size_t size) noexcept;

void fill_random(std::span<unsigned char> out);

/// Takes a time that depends on the lengths only.
[[nodiscard]] bool equal(std::span<const unsigned char> a, std::span<const unsigned char> b);

/// Standard alphabet, with padding.
[[nodiscard]] std::string to_base64(std::span<const unsigned char> bytes);

/// The bytes of `text` (standard alphabet) if it is the canonical encoding of at most `limit` bytes;
/// `padded` says whether "=" must or must not be there.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text, std::size_t limit,
                                                     bool padded = true);

/// A PHC string with a random 16-byte salt and one lane; nothing if `memory_kib` cannot be had.
[[nodiscard]] std::optional<std::string> argon2id(std::string_view password, std::uint32_t passes,
                                                  std::uint32_t memory_kib);

enum class Argon2id : unsigned char {
    match,
    mismatch,
    no_memory,  ///< what the string asks for cannot be had
    refused,    ///< costs, salt or hash are outside of what libsodium computes
};
/// Whether `password` belongs to the PHC string, which asks for `memory_kib`. Any passes, lanes and salt.
[[nodiscard]] Argon2id argon2id_verify(const std::string& phc, std::uint32_t memory_kib,
                                       std::string_view password);

}  // namespace mqttc::passwd::sodium
