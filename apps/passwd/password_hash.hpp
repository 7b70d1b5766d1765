// Password hashes as in a password file: creating them, and checking a password against one.
// Supports the three kinds that Mosquitto reads. Also used by the test broker.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace mqttc::passwd {

enum class HashScheme : std::uint8_t { sha512_pbkdf2, sha512, argon2id };

/// Limits for new hashes.
inline constexpr std::uint32_t max_iterations = 10'000'000;
inline constexpr std::uint32_t min_argon2id_memory_kib = 8;
inline constexpr std::uint32_t max_argon2id_memory_kib = 4'194'303;
/// Hashes in files with more iterations or passes are not checked: that would take minutes.
inline constexpr std::uint32_t max_checked_iterations = 100'000'000;
/// The same for argon2id: memory times passes.
inline constexpr std::uint64_t max_argon2id_cost_kib = std::uint64_t{64} * 1024 * 1024;
/// An MQTT password is binary data with a two-byte length.
inline constexpr std::size_t max_password_length = 65'535;

/// The kind of hash to create, and its cost.
struct HashRecipe {
    HashScheme scheme = HashScheme::sha512_pbkdf2;
    /// Rounds of sha512_pbkdf2, or passes of argon2id; nullopt: the default of the scheme.
    std::optional<std::uint32_t> iterations;
    /// sha512_pbkdf2 only. Brokers of the 2.0 series accept only 12.
    std::uint32_t salt_length = 12;
    /// argon2id only. The default is that of Mosquitto 2.1.
    std::uint32_t memory_kib = 47'104;

    [[nodiscard]] std::uint32_t cost() const {
        return iterations.value_or(scheme == HashScheme::argon2id ? 1 : 20'000);
    }
};

/// Why a hash with these costs would be refused by check_password(), as the end of a sentence; nullopt if it would not be.
[[nodiscard]] std::optional<std::string> excessive_cost(const HashRecipe& recipe);

/// A new hash with a random salt, as it is written after "name:". nullopt if it cannot be computed: not enough memory,
/// or OpenSSL fails. REQUIRES: values within the limits above, no excessive_cost(). Thread-safe.
[[nodiscard]] std::optional<std::string> make_hash(const HashRecipe& recipe, std::string_view password);

/// Whether `stored_hash` is a hash of `password`, or why that could not be checked. False for anything that is not a
/// known kind of hash, including plain text. Like brokers, ignores spaces around the hash. The comparison takes the same
/// time for any password. Thread-safe.
[[nodiscard]] std::expected<bool, std::string> check_password(std::string_view stored_hash,
                                                              std::string_view password);

enum class StoredForm : std::uint8_t {
    plain,    ///< a plain-text password, perhaps only spaces
    hashed,   ///< one of the three schemes, well-formed
    unknown,  ///< looks like a hash ("$id$..."), but of an unknown kind or damaged
    empty,
};
[[nodiscard]] StoredForm stored_form(std::string_view stored);

}  // namespace mqttc::passwd
