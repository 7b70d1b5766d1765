// Password hashes as they stand in a password file: making them, checking a password against one.
// Knows the three that Mosquitto's brokers read; also used by the tests' broker.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::passwd {

enum class HashScheme : std::uint8_t { sha512_pbkdf2, sha512, argon2id };

struct HashSchemeName {
    HashScheme scheme;
    std::string_view name;    ///< as given to -H
    std::string_view prefix;  ///< how its line begins after "name:"
};
/// One row a scheme.
[[nodiscard]] std::span<const HashSchemeName> hash_schemes();

/// Limits for hashes we make.
inline constexpr std::uint32_t max_iterations = 10'000'000;
inline constexpr std::uint32_t min_argon2id_memory_kib = 8;
inline constexpr std::uint32_t max_argon2id_memory_kib = 4'194'303;
/// Hashes found in files may have any cost but this: iterations or passes that take minutes are no hash that
/// somebody uses.
inline constexpr std::uint32_t max_checked_iterations = 100'000'000;
/// An MQTT password is binary data with a two-byte length.
inline constexpr std::size_t max_password_length = 65'535;

/// What kind of hash to make, and how dear.
struct HashRecipe {
    HashScheme scheme = HashScheme::sha512_pbkdf2;
    /// sha512_pbkdf2: rounds, argon2id: passes; none: the scheme's default.
    std::optional<std::uint32_t> iterations;
    /// sha512_pbkdf2 only. Brokers of the 2.0 series read 12 and nothing else.
    std::uint32_t salt_length = 12;
    /// argon2id only. The default is what Mosquitto 2.1 makes.
    std::uint32_t memory_kib = 47'104;

    [[nodiscard]] std::uint32_t cost() const {
        return iterations.value_or(scheme == HashScheme::argon2id ? 1 : 20'000);
    }
};

/// A new hash with a fresh random salt, ready to stand behind "name:". Nothing when it cannot be computed: the
/// memory argon2id wants cannot be had, or OpenSSL fails. REQUIRES: values within the limits above. Safe to call from many threads.
[[nodiscard]] std::optional<std::string> make_hash(const HashRecipe& recipe, std::string_view password);

/// Whether `password` is the one `stored_hash` was made of, or why that could not be found out. False for
/// anything that is not a hash we know, plain text included. Blanks around the hash don't count, as for
/// brokers. The comparison takes the same time whatever the password. Safe to call from many threads.
[[nodiscard]] std::expected<bool, std::string> check_password(std::string_view stored_hash,
                                                              std::string_view password);

/// True iff check_password() finds it right: for who can only let in or not.
[[nodiscard]] inline bool verify_password(std::string_view stored_hash, std::string_view password) {
    return check_password(stored_hash, password).value_or(false);
}

enum class StoredForm : std::uint8_t {
    plain,    ///< a password in clear
    hashed,   ///< one of the three schemes, well-formed
    foreign,  ///< looks like a hash ("$id$..."), but not one we can read
    empty,
};
[[nodiscard]] StoredForm stored_form(std::string_view stored);

}  // namespace mqttc::passwd
